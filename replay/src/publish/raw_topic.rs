//! The raw topic of a prefix, opened for writing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::Clock;
use schemas::catalogue::{self, topic};
use streams::registry::{Schemas, TopicCodec};
use streams::{KafkaLog, KafkaSettings, Log, LogOptions, NewTopic, Sink, SinkSettings, TopicPartition};

/// How long a topic with records is observed for other writers: bridges write a tick every 5 s.
const WATCH: Duration = Duration::from_secs(11);

/// How long the leaders of a new topic's partitions may take.
const LEADERS_WITHIN: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(200);

/// The topic, and what is allowed.
#[derive(Clone, Copy)]
pub(crate) struct RawTopicOptions<'a> {
    /// The prefix of the topic's name.
    pub(crate) prefix: &'a str,
    /// How to connect to Kafka and the registry.
    pub(crate) log: &'a LogOptions,
    /// Part of the client's id.
    pub(crate) purpose: &'a str,
    /// The number of partitions of a new topic; an existing one is not changed.
    pub(crate) partitions: u32,
    /// Other programs may write to it.
    pub(crate) may_have_writers: bool,
    /// It may be the installation's own topic.
    pub(crate) may_be_the_installation: bool,
}

/// The topic, open for writing.
pub(crate) struct RawTopic {
    pub(crate) name: String,
    pub(crate) partitions: u32,
    pub(crate) log: KafkaLog,
    pub(crate) codec: TopicCodec,
    pub(crate) sink: Arc<dyn Sink>,
}

impl RawTopic {
    /// Creates a missing topic without retention, and registers the schema.
    ///
    /// # Errors
    /// Kafka or the registry refuses, or other programs write to the topic and may not.
    pub(crate) async fn open(options: &RawTopicOptions<'_>, clock: &Clock) -> anyhow::Result<Self> {
        let &RawTopicOptions { prefix, log: log_options, purpose, .. } = options;
        anyhow::ensure!(
            *prefix != log_options.topic_prefix || options.may_be_the_installation,
            "--kafka-prefix {prefix:?} is the prefix of the installation itself: choose another one, or give --yes"
        );
        let client_id = format!("updraft-replay-{purpose}");
        let settings = KafkaSettings {
            extra: log_options.kafka_config.to_vec(),
            ..KafkaSettings::new(&log_options.kafka_bootstrap, &client_id)
        };
        let entry = catalogue::find(topic::RAW).expect("in the catalogue");
        let name = entry.full_name(prefix);
        let log = KafkaLog::connect(settings)?;
        let schemas = Schemas::registry(&log_options.schema_registry_url)?;
        let wanted = NewTopic::new(&*name, options.partitions)
            .with("retention.ms", "-1")
            .with("message.timestamp.type", "CreateTime")
            .with("message.timestamp.before.max.ms", i64::MAX.to_string())
            .with("message.timestamp.after.max.ms", i64::MAX.to_string());
        log.create_topics(&[wanted]).await?;
        let partitions = log.partitions(&name).await?;
        if !options.may_have_writers {
            let before = end_offsets(&log, &name, partitions, clock).await?;
            let is_new = before.iter().all(|end| *end == 0);
            if !is_new {
                clock.sleep(WATCH).await;
            }
            anyhow::ensure!(
                is_new || before == end_offsets(&log, &name, partitions, clock).await?,
                "other programs write to {name}: stop them, choose another --kafka-prefix, or give --yes"
            );
        }
        let codec = schemas.prepare(prefix, &entry).await.context("register the schema of the raw topic")?;
        let sink = log.sink(SinkSettings::new(&client_id))?;
        Ok(Self { name, partitions, log, codec, sink })
    }

    /// The end offset of each partition.
    ///
    /// # Errors
    /// Kafka cannot be reached.
    pub(crate) async fn end_offsets(&self, clock: &Clock) -> anyhow::Result<Vec<u64>> {
        end_offsets(&self.log, &self.name, self.partitions, clock).await
    }
}

async fn end_offsets(log: &dyn Log, name: &str, partitions: u32, clock: &Clock) -> anyhow::Result<Vec<u64>> {
    let deadline = clock.monotonic() + LEADERS_WITHIN;
    let mut ends = Vec::new();
    for partition in 0..partitions {
        let end = loop {
            match log.watermarks(&TopicPartition::new(name, partition)).await {
                // The leaders of a new topic do not know it at once.
                Err(error) if error.is_transient() && clock.monotonic() < deadline => clock.sleep(RETRY).await,
                watermarks => break watermarks?.high,
            }
        };
        ends.push(end);
    }
    Ok(ends)
}
