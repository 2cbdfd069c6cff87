//! A raw topic of hours that are over: what bridges would have written while a simulated sky was flown.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use schemas::catalogue::{self, topic};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};
use serde_json::Value;
use streams::registry::{Schemas, TopicCodec};
use streams::{Flush, Headers, KafkaLog, KafkaSettings, Log as _, Outgoing, Sink, SinkSettings};

use crate::program::{fresh_settings, path, prefix, run, setting};
use crate::topics::number;

const HOUR_S: u64 = 3_600;
/// So much of it is in its first hour.
const BEFORE_S: u64 = 180;
const TICK_US: u64 = 5_000_000;
const PARTITIONS: u32 = 6;

/// The topic.
pub(crate) struct Past {
    /// With its prefix.
    pub(crate) settings: Vec<(String, String)>,
    /// When its records begin, seconds since the Unix epoch.
    pub(crate) start_s: u64,
    /// How many records it has.
    pub(crate) records: u64,
}

impl Past {
    /// Six minutes of a sky, three before an hour ends and three behind it.
    pub(crate) async fn write() -> Result<Self> {
        let settings = fresh_settings().await?;
        harness::apply_topics(&settings)?;
        let now_s = harness::clock::unix_us() / 1_000_000;
        let start_s = (now_s / HOUR_S - 2) * HOUR_S - BEFORE_S;
        let dir = harness::supervise::fresh_dir("past")?;
        let lines = dir.join("sky.jsonl");
        let start = text_of_s(start_s);
        let sky =
            ["generate", "--for", "6m", "--pilots", "25", "--seed", "5", "--start", &start, "--out", path(&lines)?];
        run(&[], &sky)?;
        let mut writer = Writer::open(&settings).await?;
        let mut next_tick_us = 0;
        for line in std::fs::read_to_string(&lines)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let at_us = number(&message["at_us"])?;
            if at_us >= next_tick_us {
                writer.ticks(at_us).await?;
                next_tick_us = at_us + TICK_US;
            }
            writer.message(at_us, &message).await?;
        }
        // Their clocks pass everything.
        for ticks in 1..=4 {
            writer.ticks(next_tick_us + ticks * TICK_US).await?;
        }
        writer.flush.wait().await?;
        ensure!(writer.records > 2_000, "only {} records", writer.records);
        Ok(Self { settings, start_s, records: writer.records })
    }

    /// When it begins, as command lines take it.
    pub(crate) fn start(&self) -> String {
        text_of_s(self.start_s)
    }

    /// When the next hour begins.
    pub(crate) fn border(&self) -> String {
        text_of_s(self.start_s + BEFORE_S)
    }
}

/// As command lines take it.
fn text_of_s(at_s: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(at_s)).to_string()
}

struct Writer {
    topic: Arc<str>,
    codec: TopicCodec,
    sink: Arc<dyn Sink>,
    flush: Flush,
    records: u64,
}

impl Writer {
    async fn open(settings: &[(String, String)]) -> Result<Self> {
        let bootstrap = setting(settings, "UPDRAFT_KAFKA_BOOTSTRAP")?;
        let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "past"))?;
        let entry = catalogue::find(topic::RAW).context("in the catalogue")?;
        let registry = Schemas::registry(setting(settings, "UPDRAFT_SCHEMA_REGISTRY_URL")?)?;
        Ok(Self {
            topic: entry.full_name(prefix(settings)?).into(),
            codec: registry.prepare(prefix(settings)?, &entry).await?,
            sink: log.sink(SinkSettings::new("past"))?,
            flush: Flush::new(),
            records: 0,
        })
    }

    async fn ticks(&mut self, at_us: u64) -> Result<()> {
        let input = Some(Input::Tick(Tick { bridge_id: "past".to_owned(), interval_s: 5 }));
        let tick = RawRecord { ingested_at_us: at_us, input, ..RawRecord::default() };
        for partition in 0..PARTITIONS {
            self.put(Some(partition), None, &tick).await?;
        }
        Ok(())
    }

    /// A line of `replay generate`, as a bridge writes the message.
    async fn message(&mut self, at_us: u64, message: &Value) -> Result<()> {
        let text = |name: &str| message[name].as_str().with_context(|| format!("{message} has no {name}"));
        let payload = hex::decode(text("payload_hex")?)?;
        let receiver = text("topic")?.split('/').nth(2).context("a topic names its receiver")?.to_owned();
        let is_frame = text("topic")?.contains("/f/");
        let key = match payload.get(8..12) {
            Some([_, manufacturer, low, high]) if is_frame => format!("{manufacturer:02X}{high:02X}{low:02X}"),
            _ => receiver.clone(),
        };
        let input = if is_frame { Input::MqttFrame(payload.into()) } else { Input::ReceiverHardware(payload.into()) };
        let record =
            RawRecord { ingested_at_us: at_us, receiver_id: Some(receiver), origin_id: None, input: Some(input) };
        self.put(None, Some(key.into()), &record).await
    }

    async fn put(&mut self, partition: Option<u32>, key: Option<Bytes>, record: &RawRecord) -> Result<()> {
        let outgoing = Outgoing {
            topic: self.topic.clone(),
            partition,
            key,
            value: Some(self.codec.encode(record)),
            headers: Headers::new(),
            timestamp_ms: i64::try_from(record.ingested_at_us / 1000)?,
        };
        self.sink.send(outgoing, self.flush.receipt()).await?;
        self.records += 1;
        Ok(())
    }
}
