//! Topics as a consumer of another make reads them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use schemas::RecordId;
use serde_json::Value;

use crate::program::{Settings, prefix, setting};

/// All records of a topic, read by confluent-kafka.
pub(crate) fn topic(settings: &Settings, name: &str) -> Result<Vec<Value>> {
    let full_name = format!("{}{name}", prefix(settings)?);
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

pub(crate) fn raw(settings: &Settings) -> Result<Vec<Value>> {
    topic(settings, "fanet.raw.v1")
}

/// A whole number, which is a text where it has 64 bits.
pub(crate) fn number(value: &Value) -> Result<u64> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.with_context(|| format!("{value} is no whole number"))
}

/// The ids of raw records, by partition in order: their own ones, or those of the records that they repeat.
pub(crate) fn raw_ids(settings: &Settings, are_repeated: bool) -> Result<BTreeMap<u64, Vec<u64>>> {
    let mut ids = BTreeMap::<u64, Vec<u64>>::new();
    for record in raw(settings)? {
        let partition = number(&record["partition"])?;
        let id = match are_repeated {
            true => number(&record["value"]["origin_id"])?,
            false => RecordId::new(u16::try_from(partition)?, number(&record["offset"])?).0,
        };
        ids.entry(partition).or_default().push(id);
    }
    Ok(ids)
}

/// The newest value of each key, without versions: they are offsets of the raw topic, or of the reports.
pub(crate) fn newest(settings: &Settings, name: &str) -> Result<BTreeMap<String, Value>> {
    let records = topic(settings, name)?.into_iter();
    Ok(records.map(|mut record| (record["key"].to_string(), without_versions(record["value"].take()))).collect())
}

fn without_versions(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| name != "version");
            Value::Object(kept.map(|(name, value)| (name, without_versions(value))).collect())
        }
        value => value,
    }
}
