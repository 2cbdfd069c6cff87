//! What comes out of raw records: of the original ones, and of those that were played.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, wait_until};
use serde_json::Value;

use crate::program::{Settings, run};
use crate::topics::{newest, topic};

const SOON: Duration = Duration::from_secs(120);
/// Topics whose records must be the same, each by its id: where it is in the value.
const WITH_IDS: [(&str, &str); 4] = [
    ("fanet.observation.v1", "/observation_id"),
    ("fanet.private.observation.v1", "/observation_id"),
    ("fanet.reception.v1", "/reception_id"),
    ("fanet.thermal-report.v1", "/report/report_id"),
];
/// Topics whose newest record of each key must be the same.
const BY_KEY: [&str; 7] = [
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
    // Made of the thermal reports, by the group on them.
    "fanet.state.thermal.v1",
    "fanet.state.wind.v1",
];

/// The programs that turn the raw topic of a prefix into outputs.
pub(crate) struct Processors {
    _core: Program,
    _thermals: Program,
}

impl Processors {
    pub(crate) async fn start(settings: &Settings) -> Result<Self> {
        let program = |name: &str| ProgramOptions::new("processor").args([name]).envs(settings.to_vec());
        Ok(Self { _core: Program::start(program("run")).await?, _thermals: Program::start(program("thermals")).await? })
    }
}

/// How many records of each topic with ids there have to be: as a core in the process of `replay play` has it.
pub(crate) fn expected(settings: &Settings, input: &str) -> Result<BTreeMap<&'static str, usize>> {
    let printed = run(settings, &["play", input, "--dry-run"])?;
    let lines: Vec<Value> = printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let count = |(name, id): (&'static str, &str)| {
        let of_topic = lines.iter().filter(|line| line["to"] == name);
        let ids: BTreeSet<String> = of_topic.filter_map(|line| id_of(&line["value"], id)).collect();
        (name, ids.len())
    };
    Ok(WITH_IDS.into_iter().map(count).collect())
}

/// Waits until all of it is there.
pub(crate) async fn until_published(settings: &Settings, expected: &BTreeMap<&str, usize>) -> Result<()> {
    for (name, id) in WITH_IDS {
        let count = async || Some(by_id(settings, name, id).ok()?.len()).filter(|count| *count >= expected[name]);
        wait_until(SOON, &format!("{} records of {name}", expected[name]), count).await?;
    }
    Ok(())
}

/// Compares what came out the first time with what came out of the records that were played. The first one may have more:
/// its raw topic went on.
pub(crate) async fn compare(first: &Settings, again: &Settings, expected: &BTreeMap<&str, usize>) -> Result<()> {
    until_published(again, expected).await?;
    for (name, id) in WITH_IDS {
        let (first, again) = (by_id(first, name, id)?, by_id(again, name, id)?);
        ensure!(again.len() == expected[name], "{name}: {} records, expected {}", again.len(), expected[name]);
        for (id, value) in &again {
            ensure!(first.get(id) == Some(value), "{name} {id}: {value} was {:?}", first.get(id));
        }
    }
    for name in BY_KEY {
        let are_same = async || (newest(first, name).ok()? == newest(again, name).ok()?).then_some(());
        let same = wait_until(SOON, &format!("the same states in {name}"), are_same).await;
        same.with_context(|| match (newest(first, name), newest(again, name)) {
            (Ok(first), Ok(again)) => difference(&first, &again),
            _ => "the topic cannot be read".to_owned(),
        })?;
    }
    Ok(())
}

fn difference(first: &BTreeMap<String, Value>, again: &BTreeMap<String, Value>) -> String {
    let keys: BTreeSet<&String> = first.keys().chain(again.keys()).collect();
    let key = keys.into_iter().find(|key| first.get(*key) != again.get(*key));
    key.map_or_else(String::new, |key| format!("{key}: {:?} was {:?}", again.get(key), first.get(key)))
}

/// Values by their ids; the clocks of partitions, which go on, have none.
pub(crate) fn by_id(settings: &Settings, name: &str, id: &str) -> Result<BTreeMap<String, Value>> {
    let records = topic(settings, name)?.into_iter();
    Ok(records.filter_map(|mut record| Some((id_of(&record["value"], id)?, record["value"].take()))).collect())
}

/// A report of unusable frames has the id of the tick that it was made with, as that of another receiver may have.
fn id_of(value: &Value, id: &str) -> Option<String> {
    let is_clock = !value["clock"].is_null();
    let id = value.pointer(id).filter(|_| !is_clock)?;
    Some(format!("{id} {}", value["receiver_id"]))
}
