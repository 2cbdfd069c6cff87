//! The raw frames of a stretch of time again: captured from the real stack, played into a fresh prefix, and the same comes
//! out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Program, ProgramOptions, Stack, Stage, beside_the_test, unique_prefix, wait_until};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(90);
/// Topics whose records must be the same: each record by its id.
const WITH_IDS: [(&str, &str); 3] = [
    ("fanet.observation.v1", "observation_id"),
    ("fanet.private.observation.v1", "observation_id"),
    ("fanet.reception.v1", "reception_id"),
];
/// Topics whose newest record of each key must be the same.
const BY_KEY: [&str; 5] = [
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_played_capture_gives_the_same_again() -> Result<()> {
    let stage = Stage::start("replay").await?;
    let dir = harness::supervise::fresh_dir("replay")?;
    let (host, port) = stage.mqtt();
    let mqtt = format!("mqtt://{host}:{port}");
    let mut sky =
        replay(&stage.settings(), &["generate", "--mqtt", &mqtt, "--for", "25s", "--pilots", "120", "--seed", "7"])?;

    // Half way, the processor is killed.
    let observed =
        async || Some(topic(&stage.settings(), "fanet.observation.v1").ok()?.len()).filter(|count| *count > 300);
    wait_until(SOON, "observations", observed).await?;
    stage.processor.service().kill().await?;
    stage.processor.service().start().await?;
    ensure!(sky.wait()?.success(), "the simulation ended badly");

    let raw = async || {
        let records = topic(&stage.settings(), "fanet.raw.v1").ok()?;
        let frames = records.iter().filter(|record| record["value"]["mqtt_frame"].is_string()).count();
        (frames > 1_000).then_some(frames)
    };
    let frames = wait_until(SOON, "all frames in Kafka", raw).await?;
    let capture = dir.join("hour.capture");
    let said = run(&stage.settings(), &["capture", "kafka", "--from", "1h ago", "--out", path(&capture)?])?;
    ensure!(said.contains("records in"), "{said}");
    let info: Value = serde_json::from_str(&run(&[], &["info", "--json", path(&capture)?])?)?;
    ensure!(info["complete"] == true && info["kinds"]["frame"].as_u64() >= Some(frames as u64), "{info}");

    // A core in this process says what has to come out.
    let lines = run(&[], &["play", path(&capture)?, "--dry-run"])?;
    let expected = lines.lines().filter(|line| line.contains("\"to\":\"fanet.observation.v1\"")).count();
    until_observed(&stage.settings(), expected).await?;

    // Into a fresh prefix, killed in the middle, gone on with.
    let fresh = fresh_settings().await?;
    let prefix = setting(&fresh, "UPDRAFT_TOPIC_PREFIX")?.to_owned();
    let bookmark = dir.join("bookmark");
    let arguments = ["play", path(&capture)?, "--kafka-prefix", &prefix, "--resume", path(&bookmark)?, "--speed"];
    let mut killed = replay(&without_prefix(&fresh), &[&arguments[..], &["4"]].concat())?;
    let begun = async || Some(topic(&fresh, "fanet.raw.v1").ok()?.len()).filter(|count| *count > 200);
    let before = wait_until(SOON, "the first played records", begun).await?;
    killed.kill()?;
    killed.wait()?;
    run(&without_prefix(&fresh), &[&arguments[..], &["max"]].concat())?;
    let played = topic(&fresh, "fanet.raw.v1")?;
    ensure!(before < played.len(), "it was killed only after its end");
    ensure!(info["records"] == played.len(), "{} records were played of {}", played.len(), info["records"]);

    harness::apply_topics(&fresh)?;
    let _processor = Program::start(ProgramOptions::new("processor").args(["run"]).envs(fresh.clone())).await?;
    until_observed(&fresh, expected).await?;
    for (name, id) in WITH_IDS {
        let (first, again) = (by_id(&stage.settings(), name, id)?, by_id(&fresh, name, id)?);
        ensure!(again.len() > 20 || name.contains("private"), "{name}: {}", again.len());
        for (id, value) in &again {
            ensure!(first.get(id) == Some(value), "{name} {id}: {value} was {:?}", first.get(id));
        }
    }
    for name in BY_KEY {
        let (first, again) = (newest(&stage.settings(), name)?, newest(&fresh, name)?);
        ensure!(first == again, "{name}: {first:?} is now {again:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_with_writers_is_refused() -> Result<()> {
    let stage = Stage::start("replay-live").await?;
    let dir = harness::supervise::fresh_dir("replay")?;
    let capture = dir.join("ticks.capture");
    let ticks = async || Some(topic(&stage.settings(), "fanet.raw.v1").ok()?.len()).filter(|count| *count > 0);
    wait_until(SOON, "ticks", ticks).await?;
    run(&stage.settings(), &["capture", "kafka", "--out", path(&capture)?])?;
    let output =
        output(&without_prefix(&stage.settings()), &["play", path(&capture)?, "--kafka-prefix", stage.prefix()])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && said.contains("other programs write to"), "{said}");
    // Another number of partitions, and a file that is none.
    let other = fresh_settings().await?;
    let prefix = setting(&other, "UPDRAFT_TOPIC_PREFIX")?.to_owned();
    let mut other = other;
    other.push(("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), "3".to_owned()));
    harness::apply_topics(&other)?;
    let refused = self::output(&without_prefix(&other), &["play", path(&capture)?, "--kafka-prefix", &prefix])?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(!refused.status.success() && said.contains("3 partitions, the capture 6"), "{said}");
    Ok(())
}

async fn fresh_settings() -> Result<Vec<(String, String)>> {
    let prefix = unique_prefix("replayed");
    let mut settings = Stack::shared().settings(&prefix).await?;
    settings.push(("UPDRAFT_PROCESSOR_PARTITIONS".to_owned(), "6".to_owned()));
    Ok(settings)
}

fn without_prefix(settings: &[(String, String)]) -> Vec<(String, String)> {
    settings.iter().filter(|(name, _)| name != "UPDRAFT_TOPIC_PREFIX").cloned().collect()
}

fn setting<'a>(settings: &'a [(String, String)], name: &str) -> Result<&'a str> {
    let found = settings.iter().rev().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).with_context(|| format!("{name} is not set"))
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path of ours is text")
}

fn command(settings: &[(String, String)], arguments: &[&str]) -> Result<Command> {
    let binary: PathBuf = beside_the_test("replay")?;
    let mut command = Command::new(binary);
    command.args(arguments).envs(settings.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

fn replay(settings: &[(String, String)], arguments: &[&str]) -> Result<Child> {
    command(settings, arguments)?.stderr(Stdio::null()).spawn().context("start replay")
}

fn output(settings: &[(String, String)], arguments: &[&str]) -> Result<Output> {
    command(settings, arguments)?.output().context("start replay")
}

/// What it printed, on both.
fn run(settings: &[(String, String)], arguments: &[&str]) -> Result<String> {
    let output = output(settings, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "replay {arguments:?}: {}: {said}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout);
    Ok(if printed.is_empty() { said.into_owned() } else { printed.into_owned() })
}

/// All records of a topic, read by confluent-kafka.
fn topic(settings: &[(String, String)], name: &str) -> Result<Vec<Value>> {
    let full_name = format!("{}{name}", setting(settings, "UPDRAFT_TOPIC_PREFIX")?);
    let (bootstrap, registry) =
        (setting(settings, "UPDRAFT_KAFKA_BOOTSTRAP")?, setting(settings, "UPDRAFT_SCHEMA_REGISTRY_URL")?);
    let output = Command::new(harness::python()?)
        .arg(harness::workspace_dir().join("tests/services/kcat.py"))
        .args([&full_name, "--from-beginning", "--until-end", "--timeout", "30"])
        .args(["--bootstrap", bootstrap, "--registry", registry])
        .output()?;
    ensure!(output.status.success(), "{full_name}: {}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

async fn until_observed(settings: &[(String, String)], expected: usize) -> Result<()> {
    let observed = async || {
        let count = by_id(settings, "fanet.observation.v1", "observation_id").ok()?.len();
        (count >= expected).then_some(count)
    };
    wait_until(SOON, "all observations", observed).await?;
    Ok(())
}

/// Values by their ids; the clocks of partitions, which go on, have none.
fn by_id(settings: &[(String, String)], name: &str, id: &str) -> Result<BTreeMap<String, Value>> {
    let records = topic(settings, name)?.into_iter().filter(|record| record["value"]["clock"].is_null());
    Ok(records.map(|record| (record["value"][id].to_string(), record["value"].clone())).collect())
}

/// The newest value of each key.
fn newest(settings: &[(String, String)], name: &str) -> Result<BTreeMap<String, Value>> {
    Ok(topic(settings, name)?.into_iter().map(|record| (record["key"].to_string(), record["value"].clone())).collect())
}
