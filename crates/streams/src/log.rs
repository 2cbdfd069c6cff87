//! The port: one cluster, and the settings of its readers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Lag, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome, TopicPartition,
};

/// One cluster: Kafka, or the embedded log of this process.
#[async_trait]
pub trait Log: Send + Sync {
    /// Joins a consumer group. The source reports its partitions with [`crate::Event::Assigned`].
    ///
    /// # Errors
    /// Fatal when the settings are refused. An unavailable cluster is no error: the source waits for it.
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError>;

    /// Reads partitions from given positions without a group: no assignment events, no commits.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable, and with reason `unknown_topic` when the topic or partition does not
    /// exist (yet).
    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError>;

    /// Opens a writer.
    ///
    /// # Errors
    /// Fatal when the settings are refused.
    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError>;

    /// Creates the topics that are missing, and compares the settings of the others. Changes no existing topic.
    ///
    /// The outcomes are in the order of `topics`.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable; fatal when it refuses a name or a setting.
    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError>;

    /// All topics but the cluster's internal ones, by name, with the settings that differ from the cluster's defaults.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable.
    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError>;

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable, and with reason `unknown_topic` when the topic does not exist (yet).
    async fn partitions(&self, topic: &str) -> Result<u32, StreamError>;

    /// The lowest available offset of a partition, and the offset after its last record.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable, and with reason `unknown_topic` when the partition does not exist
    /// (yet).
    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError>;

    /// The name of this log's data: offsets of different epochs cannot be compared. It is Kafka's cluster id, or the
    /// start of the embedded log.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable.
    async fn epoch(&self) -> Result<String, StreamError>;

    /// The log's name in traces: `messaging.system` of OpenTelemetry's conventions.
    fn system(&self) -> &'static str;

    /// The progress of a group that was joined here. `None`: no watchdog observes it.
    fn progress(&self, _group: &str) -> Option<GroupProgress> {
        None
    }

    /// The lag of a group that was joined here. `None`: it is not known (yet).
    fn lag(&self, _group: &str) -> Option<Lag> {
        None
    }

    /// Why the cluster does not answer. `None`: it answers, or the reason is not known yet.
    fn unavailable_reason(&self) -> Option<String> {
        None
    }
}

/// The progress of a group by the cluster's offsets, including partitions that no member owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupProgress {
    /// Why the group makes no progress. `None`: it does.
    pub stall: Option<String>,
    /// How many times the group has stalled.
    pub stalls: u64,
    /// Why the process should restart: joining again did not help.
    pub must_restart: Option<String>,
}

/// The offsets of a partition. It is empty when they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The lowest offset that is available.
    pub low: u64,
    /// The offset that the next record will get.
    pub high: u64,
}

/// Where a group starts in a partition without a committed offset, or whose committed offset has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Start {
    /// At the oldest record.
    #[default]
    Earliest,
    /// After the newest record.
    Latest,
}

/// The settings of a member of a consumer group.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// The group's name.
    pub group: String,
    /// Full topic names.
    pub topics: Vec<String>,
    /// The name of this member in the cluster's logs.
    pub client_id: String,
    /// The maximum number of records in one [`crate::Event::Records`].
    pub max_batch_records: usize,
    /// How many records may wait for the caller; when the queue is full, fetching pauses while polling continues.
    pub queue_records: usize,
    /// How long a revoked partition waits for [`crate::Revocation::done`]; then it moves without it.
    pub revoke_deadline: Duration,
    /// Where to start in a partition without a committed offset.
    pub start: Start,
    /// How long the cluster may gather records before it answers a fetch: a larger value means fewer and larger
    /// answers. Zero: each record is delivered immediately. The embedded log ignores it.
    pub gather_time: Duration,
}

impl GroupSettings {
    /// Batches of 1,000 records, a queue of 10,000, 5 s to flush on a revocation, from the oldest record, no gathering.
    pub fn new(group: impl Into<String>, topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let group = group.into();
        Self {
            client_id: group.clone(),
            group,
            topics: topics.into_iter().map(Into::into).collect(),
            max_batch_records: 1_000,
            queue_records: 10_000,
            revoke_deadline: Duration::from_secs(5),
            start: Start::Earliest,
            gather_time: Duration::ZERO,
        }
    }
}
