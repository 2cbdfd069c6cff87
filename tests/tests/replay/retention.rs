//! A range of which retention has removed records.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::past::Past;
use crate::program::{Settings, path, prefix, refuses, run, setting};
use crate::topics::{number, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_range_is_named() -> Result<()> {
    let past = Past::write().await?;
    let dir = harness::supervise::fresh_dir("replay-retention")?;
    let settings = &past.settings;
    let start = past.start();
    let capture = |name: &str| Ok::<_, anyhow::Error>(path(&dir.join(name))?.to_owned());
    // Nothing is missing, and nothing was written before.
    run(settings, &["capture", "kafka", "--from", &start, "--out", &capture("complete")?])?;

    // Two minutes of one partition.
    let is_kept = |record: &&Value| {
        let at_us = number(&record["value"]["ingested_at_us"]).unwrap_or_default();
        record["partition"] == 2 && at_us >= (past.start_s + 120) * 1_000_000
    };
    let records = raw(settings)?;
    let first = records.iter().find(is_kept).context("a partition has records all the time")?;
    let first = number(&first["offset"])?;
    let end = records.iter().filter(|record| record["partition"] == 2).count() as u64;
    delete_records(settings, 2, first)?;

    let (partial, by_offset) = (capture("partial")?, capture("by-offset")?);
    let by_time = ["capture", "kafka", "--from", &start, "--out", &partial];
    refuses(settings, &by_time, 1, "retention has removed what was written from")?;
    let info: Value = serde_json::from_str(&run(&[], &["info", &partial, "--json"])?)?;
    ensure!(info["complete"] == true && number(&info["records"])? == past.records - first, "{first}: {info}");

    let line = format!("partition 2 begins at offset {first}: retention has removed");
    refuses(settings, &["capture", "kafka", "--from", "2-3", "--out", &by_offset], 1, &line)?;
    let info: Value = serde_json::from_str(&run(&[], &["info", &by_offset, "--json"])?)?;
    ensure!(info["complete"] == true && number(&info["records"])? == end - first, "{first} to {end}: {info}");

    // No file where nothing is left, or nothing is there.
    for (from, to, line) in [
        ("2-3", format!("2-{}", first - 1), format!("retention has removed offsets 3 to {}", first - 1)),
        ("2-900000", "2-900001".to_owned(), format!("ends at offset {end}, before offset 900000")),
        ("6-0", "6-1".to_owned(), "has 6 partitions, 0 to 5".to_owned()),
    ] {
        let out = capture("none")?;
        refuses(settings, &["capture", "kafka", "--from", from, "--to", &to, "--out", &out], 1, &line)?;
        ensure!(!std::path::Path::new(&out).exists(), "{from} to {to}");
    }
    Ok(())
}

/// What retention does when the time of records is over.
fn delete_records(settings: &Settings, partition: u32, before: u64) -> Result<()> {
    let topic = format!("{}fanet.raw.v1", prefix(settings)?);
    let output = Command::new(harness::python()?)
        .arg(harness::workspace_dir().join("tests/services/delete_records.py"))
        .args([setting(settings, "UPDRAFT_KAFKA_BOOTSTRAP")?, &topic, &partition.to_string(), &before.to_string()])
        .output()?;
    ensure!(output.status.success(), "{topic}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
