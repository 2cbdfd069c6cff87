//! A Kafka that loses acknowledged records from its disk: later records do not continue its sequence, which is a fatal
//! error for an idempotent producer.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, KafkaOptions, Program, wait_until};
use schemas::catalogue::topic;
use schemas::v1::raw_record::Input;

use crate::fixture::{Fixture, Raw, TIMEOUT};
use crate::frames;
use crate::publisher::Publisher;

const RATE_HZ: u32 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_replaces_the_writer() -> Result<()> {
    let kafka: &'static Kafka = Box::leak(Box::new(Kafka::start(KafkaOptions::default()).await?));
    let fixture = Fixture::on(kafka, "disk").await?;
    fixture.create(&[topic::RAW, topic::DEAD_LETTER]).await?;
    let bridge = Program::start(fixture.bridge().await?).await?;
    let (host, port) = fixture.mosquitto.host_port();
    let publisher = Publisher::start(format!("{host}:{port}"), "receiver", RATE_HZ);
    fixture.raw(2 * RATE_HZ as usize).await?;

    let node = kafka.node(0);
    node.kill().await?;
    // Frames acknowledged before may be lost.
    let after = publisher.count() as u64;
    let data = node.log().with_file_name("data");
    truncate_partitions(&data, &fixture.full_name(topic::RAW))?;
    node.start().await?;

    let broken = async || {
        let fenced = bridge.metric("fanet_bridge_log_errors_total", &["reason=\"fenced\""]).await.ok()?;
        let replaced = bridge.metric("fanet_bridge_writers_broken_total", &[]).await.ok()?;
        (fenced >= 1.0 && replaced >= 1.0).then_some(())
    };
    let broken = wait_until(TIMEOUT, "the writer to break and be replaced", broken).await;
    broken.with_context(|| format!("log of the bridge:\n{}", bridge.service().log_tail(20)))?;
    let end = publisher.count() as u64 + u64::from(RATE_HZ);
    let complete = async || {
        let raw = fixture.raw(0).await.ok()?;
        let all: BTreeSet<u64> = numbers(&raw).ok()?.into_iter().collect();
        (after..end).all(|number| all.contains(&number)).then_some(raw)
    };
    let raw = wait_until(TIMEOUT, "every frame since the disk lost records", complete).await;
    let raw = raw.with_context(|| format!("log of the bridge:\n{}", bridge.service().log_tail(20)))?;
    in_order(&numbers(&raw)?, after)?;
    bridge.until_ready().await
}

/// Truncates a fourth of each partition's log, and removes the indexes, from which Kafka would detect the loss.
fn truncate_partitions(data: &Path, topic: &str) -> Result<()> {
    let mut shortened = 0;
    for folder in std::fs::read_dir(data).context("Kafka's data")? {
        let folder = folder?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.strip_prefix(topic).is_some_and(|rest| rest.starts_with('-')) {
            continue;
        }
        for file in std::fs::read_dir(&folder)? {
            let file = file?.path();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("log") => {
                    let log = std::fs::OpenOptions::new().write(true).open(&file)?;
                    log.set_len(log.metadata()?.len() * 3 / 4)?;
                    shortened += 1;
                }
                Some("index" | "timeindex" | "snapshot") => std::fs::remove_file(&file)?,
                _ => {}
            }
        }
    }
    ensure!(shortened > 0, "no partition of {topic} in {}", data.display());
    Ok(())
}

/// The numbers of all frames, per partition in order.
fn numbers(raw: &[Raw]) -> Result<Vec<u64>> {
    let frames = raw.iter().filter_map(|raw| match &raw.message.input {
        Some(Input::MqttFrame(frame)) => Some(frames::number(raw.record.key.as_deref(), frame)),
        _ => None,
    });
    frames.collect()
}

/// Checks that from `first` on no frame of a device skips another.
fn in_order(numbers: &[u64], first: u64) -> Result<()> {
    let mut last: HashMap<u16, u64> = HashMap::new();
    for number in numbers.iter().copied().filter(|number| *number >= first) {
        let due = last.get(&frames::device(number)).map_or(number, |last| last + frames::DEVICES);
        ensure!(number <= due, "found frame {number}, expected at most {due}");
        last.insert(frames::device(number), number);
    }
    Ok(())
}
