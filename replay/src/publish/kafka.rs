//! Writes a simulation into the raw topic of a prefix in real time, as bridges do.

use anyhow::Context as _;
use runtime::{Clock, Shutdown};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};
use streams::{Flush, Headers, LogOptions, Outgoing};

use super::pace::{Outlet, Pace, Published, in_step};
use super::raw_topic::{RawTopic, RawTopicOptions};
use super::stored::stored;
use crate::generate::{Reception, Simulation};

/// The time between two ticks in each partition, as in bridges, microseconds.
const TICK_US: u64 = 5_000_000;
/// The number of records between two flushes, which report refused records.
const FLUSH_EVERY: u64 = 5_000;
/// The number of partitions of a new topic.
const DEFAULT_PARTITIONS: u32 = 6;
/// The bridge id in the records.
const BRIDGE_ID: &str = "replay-generate";

/// The topic to write to.
#[derive(Debug, Clone, Copy)]
pub struct KafkaTarget<'a> {
    /// The prefix of the topic's name.
    pub prefix: &'a str,
    /// The number of partitions of the topic; `None`: as many as it has, or 6 where it is created.
    pub partitions: Option<u32>,
    /// How to connect to Kafka and the registry.
    pub log: &'a LogOptions,
    /// Other programs may write to it.
    pub yes: bool,
}

/// Writes a simulation into the raw topic until its end or until asked to stop. Returns once Kafka has stored all
/// records.
///
/// # Errors
/// Kafka or the registry refuses, other programs write to the topic and may not, it has another number of partitions,
/// or Kafka has not stored all records 10 s after the request to stop.
pub async fn write(
    simulation: &mut Simulation,
    target: KafkaTarget<'_>,
    pace: Pace,
    clock: &Clock,
    shutdown: &Shutdown,
) -> anyhow::Result<Published> {
    let KafkaTarget { prefix, partitions, log, yes } = target;
    let wanted = RawTopicOptions {
        prefix,
        log,
        purpose: "generate",
        partitions: partitions.unwrap_or(DEFAULT_PARTITIONS),
        may_have_writers: yes,
        may_be_the_installation: yes,
    };
    let Some(topic) = shutdown.or(RawTopic::open(&wanted, clock)).await else { return Ok(Published::default()) };
    let topic = topic?;
    if let Some(partitions) = partitions {
        anyhow::ensure!(
            topic.partitions == partitions,
            "{} has {} partitions, --partitions is {partitions}: leave it out, or choose another --kafka-prefix",
            topic.name,
            topic.partitions
        );
    }
    let mut writer = Writer { topic, flush: Flush::new(), written: 0, next_tick_us: 0 };
    let mut published = in_step(simulation, pace, clock, shutdown, &mut writer).await?;
    stored(&writer.flush, clock, shutdown).await?;
    published.acknowledged = published.sent;
    Ok(published)
}

struct Writer {
    topic: RawTopic,
    flush: Flush,
    written: u64,
    next_tick_us: u64,
}

impl Outlet for Writer {
    /// Writes the message after the ticks that are due.
    async fn send(&mut self, message: Reception) -> anyhow::Result<()> {
        if message.at_us >= self.next_tick_us {
            self.next_tick_us = message.at_us + TICK_US;
            let input = Some(Input::Tick(Tick { bridge_id: BRIDGE_ID.to_owned(), interval_s: 5 }));
            let tick = RawRecord { ingested_at_us: message.at_us, input, ..RawRecord::default() };
            for partition in 0..self.topic.partitions {
                self.put(Some(partition), None, &tick).await?;
            }
        }
        let (key, record) = offline::message_record(message.at_us, &message.topic, message.payload)?;
        self.put(None, Some(key.into()), &record).await
    }
}

impl Writer {
    async fn put(
        &mut self,
        partition: Option<u32>,
        key: Option<bytes::Bytes>,
        record: &RawRecord,
    ) -> anyhow::Result<()> {
        let RawTopic { name, codec, sink, .. } = &self.topic;
        let outgoing = Outgoing {
            topic: name.as_str().into(),
            partition,
            key,
            value: Some(codec.encode(record)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(record.ingested_at_us / 1000)?,
        };
        sink.send(outgoing, self.flush.receipt()).await?;
        self.written += 1;
        if self.written.is_multiple_of(FLUSH_EVERY) {
            // A request to stop drops this wait: the last one is for these records too.
            self.flush.wait().await.context("Kafka did not store all records")?;
        }
        Ok(())
    }
}
