//! Captured from running programs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Stage, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::outputs::{Processors, compare, expected};
use crate::program::{Settings, fresh_settings, path, prefix, run, spawn, without_prefix};
use crate::topics::{newest, number, raw, raw_ids, topic};

const SOON: Duration = Duration::from_secs(90);
/// The processor passes a clock on every five seconds: two later, thermals know all that was reported before.
const SETTLED_US: u64 = 11_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_played_capture_gives_the_same_again() -> Result<()> {
    let stage = Stage::start("replay").await?;
    let original = stage.settings();
    let dir = harness::supervise::fresh_dir("replay")?;
    let (host, port) = stage.mqtt();
    let mqtt = format!("mqtt://{host}:{port}");
    let mut sky = spawn(&original, &["generate", "--mqtt", &mqtt, "--for", "25s", "--pilots", "120", "--seed", "7"])?;

    // Half way, the processor is killed.
    let observed = async || Some(topic(&original, "fanet.observation.v1").ok()?.len()).filter(|count| *count > 300);
    wait_until(SOON, "observations", observed).await?;
    stage.processor.service().kill().await?;
    stage.processor.service().start().await?;
    ensure!(sky.wait()?.success(), "the simulation ended badly");
    // A thermal is among them.
    stage.publish_captured().await?;

    let frames = until_settled(&original).await?;
    let capture = dir.join("hour.capture");
    let said = run(&original, &["capture", "kafka", "--from", "1h ago", "--out", path(&capture)?])?;
    ensure!(said.contains("records in"), "{said}");
    let info: Value = serde_json::from_str(&run(&[], &["info", "--json", path(&capture)?])?)?;
    ensure!(info["complete"] == true && info["kinds"]["frame"].as_u64() >= Some(frames), "{info}");
    let records = usize::try_from(number(&info["records"])?)?;
    let expected = expected(&[], path(&capture)?)?;
    ensure!(expected.iter().all(|(name, count)| *count > 20 || name.contains("private") || name.contains("thermal")));
    ensure!(expected["fanet.thermal-report.v1"] > 0, "no thermal was reported");
    let thermals = async || newest(&original, "fanet.state.thermal.v1").ok().filter(|thermals| !thermals.is_empty());
    wait_until(SOON, "a thermal", thermals).await?;

    // At once.
    let fresh = fresh_settings().await?;
    run(&without_prefix(&fresh), &play(path(&capture)?, &fresh, "max", None)?)?;
    is_complete(&original, &fresh, records)?;
    comes_out(&original, &fresh, &expected).await?;

    // Killed, or asked to stop, in the middle; then continued.
    for signal in [Signal::KILL, Signal::INT] {
        let fresh = fresh_settings().await?;
        let progress = dir.join(format!("progress-{}", signal.as_raw()));
        let slow = play(path(&capture)?, &fresh, "4", Some(path(&progress)?))?;
        let mut stopped = spawn(&without_prefix(&fresh), &slow)?;
        let begun = async || Some(raw(&fresh).ok()?.len()).filter(|count| *count > 200);
        wait_until(SOON, "the first played records", begun).await?;
        kill_process(Pid::from_child(&stopped), signal)?;
        ensure!(stopped.wait()?.success() == (signal == Signal::INT), "it did not end as it should");
        ensure!(raw(&fresh)?.len() < records, "it was stopped only after its end");
        run(&without_prefix(&fresh), &play(path(&capture)?, &fresh, "max", Some(path(&progress)?))?)?;
        is_complete(&original, &fresh, records)?;
        if signal == Signal::KILL {
            comes_out(&original, &fresh, &expected).await?;
        }
    }
    Ok(())
}

fn play<'a>(input: &'a str, to: &'a Settings, speed: &'a str, progress: Option<&'a str>) -> Result<Vec<&'a str>> {
    let mut arguments = vec!["play", input, "--kafka-prefix", prefix(to)?, "--speed", speed];
    arguments.extend(progress.map(|progress| ["--resume", progress]).into_iter().flatten());
    Ok(arguments)
}

/// The programs make the same of the played records.
async fn comes_out(original: &Settings, played: &Settings, expected: &BTreeMap<&str, usize>) -> Result<()> {
    harness::apply_topics(played)?;
    let _processors = Processors::start(played).await?;
    compare(original, played, expected).await
}

/// Waits until all that was published is in Kafka, and the clocks of all partitions are behind it. Returns how many frames
/// there are.
async fn until_settled(settings: &Settings) -> Result<u64> {
    let settled = async || {
        let records = raw(settings).ok()?;
        let mut last_tick_us = BTreeMap::<u64, u64>::new();
        let (mut frames, mut last_frame_us) = (0, 0);
        for record in &records {
            let at_us = number(&record["value"]["ingested_at_us"]).ok()?;
            if record["value"]["tick"].is_object() {
                last_tick_us.insert(number(&record["partition"]).ok()?, at_us);
            } else {
                frames += u64::from(record["value"]["mqtt_frame"].is_string());
                last_frame_us = last_frame_us.max(at_us);
            }
        }
        let are_behind = last_tick_us.values().all(|tick_us| *tick_us > last_frame_us + SETTLED_US);
        (frames > 1_000 && last_tick_us.len() == 6 && are_behind).then_some(frames)
    };
    wait_until(SOON, "all frames in Kafka, and the clocks behind them", settled).await
}

/// Each record once, in its partition and in order.
fn is_complete(original: &Settings, played: &Settings, records: usize) -> Result<()> {
    let (original, played) = (raw_ids(original, false)?, raw_ids(played, true)?);
    let count: usize = played.values().map(Vec::len).sum();
    ensure!(count == records, "{count} records were played of {records}");
    for (partition, ids) in &played {
        let first = original.get(partition).with_context(|| format!("there is no partition {partition}"))?;
        ensure!(first.starts_with(ids), "partition {partition}: {ids:?} were {first:?}");
    }
    Ok(())
}
