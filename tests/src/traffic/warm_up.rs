//! Work for a broker that has just begun, until more of it makes it no quicker.
//!
//! A broker's machine code is made while it runs: in its first minutes it takes several times the CPU for a request that it
//! takes from then on, and on a machine that it shares that is what a benchmark would measure. One that serves has been up
//! for days.

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
/// Few enough that most records are a request of their own, as live traffic is.
const UNDER_WAY: usize = 32;
const WINDOW: Duration = Duration::from_secs(5);
/// Windows without a new best, after which it is warm.
const PATIENCE: usize = 3;
/// A best by less is none.
const NOTICEABLE: f64 = 1.03;
const LONGEST: Duration = Duration::from_secs(120);

/// Writes and reads small records, some topics at once, until their number per second no longer grows; tells how it goes on
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
    while since_best < PATIENCE && began.elapsed() < LONGEST {
        let (before, from) = (done.load(Ordering::Relaxed), clock::now());
        tokio::time::sleep(WINDOW).await;
        let rate = (done.load(Ordering::Relaxed) - before) as f64 / from.elapsed().as_secs_f64();
        eprintln!("kafka: warming up, {rate:.0} records/s");
        since_best = if rate > best * NOTICEABLE { 0 } else { since_best + 1 };
        best = rate.max(best);
    }
}

/// Without end.
async fn write(log: KafkaLog, topic: Arc<str>) -> Result<()> {
    let settings = SinkSettings { queue_records: UNDER_WAY, linger: Duration::ZERO, ..SinkSettings::new(&*topic) };
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

/// Without end, as a group that commits now and then.
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
