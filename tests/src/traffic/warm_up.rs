//! Warms up a new broker until its throughput no longer grows.
//!
//! The JVM compiles while the broker runs: in the first minutes a request takes several times the CPU, which would
//! distort a benchmark on the same machine. Brokers in operation run for days.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use streams::{
    Event, Flush, GroupSettings, Headers, KafkaLog, KafkaSettings, Log as _, NewTopic, Outgoing, SinkSettings,
    TopicPartition,
};
use tokio::task::JoinSet;

use crate::{clock, unique_prefix};

const TOPICS: usize = 4;
const PARTITIONS: u32 = 24;
const VALUE_BYTES: usize = 100;
/// Few enough that most records are a request of their own, as in live traffic.
const IN_FLIGHT: usize = 32;
const WINDOW: Duration = Duration::from_secs(5);
/// The number of windows without a new maximum, after which the broker is warm.
const STEADY_WINDOWS: usize = 3;
/// A new maximum must be larger by this factor.
const MIN_GAIN: f64 = 1.03;
const MAX_TIME: Duration = Duration::from_secs(120);

/// Writes and reads small records in several topics until their number per second no longer grows; reports progress on
/// standard error.
///
/// # Errors
/// When the broker cannot be reached or refuses.
pub async fn warm_up(bootstrap: &str) -> Result<()> {
    let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "warm-up"))?;
    let prefix = unique_prefix("warm-up");
    let names: Vec<Arc<str>> = (0..TOPICS).map(|number| format!("{prefix}{number}").into()).collect();
    let wanted: Vec<_> =
        names.iter().map(|name| NewTopic::new(&**name, PARTITIONS).with("retention.ms", "600000")).collect();
    log.create_topics(&wanted).await?;
    let done = Arc::<AtomicU64>::default();
    let mut tasks = JoinSet::new();
    for name in names {
        tasks.spawn(write(log.clone(), name.clone()));
        tasks.spawn(read(log.clone(), name, done.clone()));
    }
    tokio::select! {
        Some(ended) = tasks.join_next() => ended.context("the warm-up panicked")?,
        () = until_steady(&done) => Ok(()),
    }
}

async fn until_steady(done: &AtomicU64) {
    let (began, mut best, mut since_best) = (clock::now(), 0.0, 0);
    while since_best < STEADY_WINDOWS && began.elapsed() < MAX_TIME {
        let (before, from) = (done.load(Ordering::Relaxed), clock::now());
        crate::let_pass(WINDOW).await;
        let rate = (done.load(Ordering::Relaxed) - before) as f64 / from.elapsed().as_secs_f64();
        eprintln!("kafka: warming up, {rate:.0} records/s");
        since_best = if rate > best * MIN_GAIN { 0 } else { since_best + 1 };
        best = rate.max(best);
    }
}

/// Writes without end.
async fn write(log: KafkaLog, topic: Arc<str>) -> Result<()> {
    let settings = SinkSettings { queue_records: IN_FLIGHT, linger: Duration::ZERO, ..SinkSettings::new(&*topic) };
    let (sink, flush) = (log.sink(settings)?, Flush::new());
    for number in 0_u32.. {
        let record = Outgoing {
            topic: topic.clone(),
            partition: Some(number % PARTITIONS),
            key: Some(Bytes::from(format!("{:06X}", number % 5_000))),
            value: Some(vec![number as u8; VALUE_BYTES].into()),
            headers: Headers::new(),
            timestamp_ms: (clock::unix_us() / 1_000).cast_signed(),
        };
        sink.send(record, flush.receipt()).await?;
    }
    Ok(())
}

/// Reads without end, as a group with regular commits.
async fn read(log: KafkaLog, topic: Arc<str>, done: Arc<AtomicU64>) -> Result<()> {
    let mut source = log.subscribe(GroupSettings::new(&*topic, [&*topic])).await?;
    loop {
        match source.next().await? {
            Event::Records(records) => {
                done.fetch_add(records.len() as u64, Ordering::Relaxed);
                for record in records {
                    if record.offset % 1_000 == 999 {
                        let place = TopicPartition::new(topic.clone(), record.partition);
                        source.commit(&[(place, record.offset + 1)]).await?;
                    }
                }
            }
            Event::Revoked(revocation) => revocation.done(),
            Event::Assigned(_) | Event::CaughtUp(_) => {}
        }
    }
}
