//! One cluster, and how to read it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome, TopicPartition,
};

/// One cluster: a Kafka, or the log of this process.
#[async_trait]
pub trait Log: Send + Sync {
    /// Joins a consumer group. The source says what it was assigned with [`crate::Event::Assigned`].
    ///
    /// # Errors
    /// Fatal when the settings are refused. A cluster that is away is no error: the source then waits for it.
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError>;

    /// Reads partitions from given places, in no group: no assignment events, no commits.
    ///
    /// # Errors
    /// Transient when the cluster is away, and with reason `unknown_topic` when there is no such topic or partition (yet).
    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError>;

    /// Opens a writer.
    ///
    /// # Errors
    /// Fatal when the settings are refused.
    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError>;

    /// Creates the topics that are missing, and compares the others with what is asked for. Changes none that exists.
    ///
    /// The outcomes are in the order of `topics`.
    ///
    /// # Errors
    /// Transient when the cluster is away; fatal when it refuses a name or a setting.
    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError>;

    /// All topics but the cluster's internal ones, by name, with the settings that differ from the cluster's defaults.
    ///
    /// # Errors
    /// Transient when the cluster is away.
    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError>;

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// Transient when the cluster is away, and with reason `unknown_topic` when there is no such topic (yet).
    async fn partitions(&self, topic: &str) -> Result<u32, StreamError>;

    /// The borders of what a partition holds now.
    ///
    /// # Errors
    /// Transient when the cluster is away, and with reason `unknown_topic` when there is no such partition (yet).
    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError>;

    /// Names this very data: another value means other offsets (the cluster id; a start of the embedded log).
    ///
    /// # Errors
    /// Transient when the cluster is away.
    async fn epoch(&self) -> Result<String, StreamError>;

    /// What traces call it: `messaging.system` of OpenTelemetry's conventions.
    fn system(&self) -> &'static str;

    /// How a group that was joined here gets on. `None`: nothing watches over it.
    fn progress(&self, _group: &str) -> Option<GroupProgress> {
        None
    }

    /// Why nobody answers, in words, while that is so and known.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// How a group gets on, as the cluster says: also of partitions that no member owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupProgress {
    /// Why it does not get on, while that is so.
    pub stall: Option<String>,
    /// Times that it stopped getting on.
    pub stalls: u64,
    /// Records that it has not committed, over all partitions; `None` until the cluster was asked.
    pub lag_records: Option<u64>,
    /// Why the process should end: what can be done did not help.
    pub hopeless: Option<String>,
}

/// The borders of a partition. Empty when they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The lowest offset that may still be there.
    pub low: u64,
    /// The offset the next record will get.
    pub high: u64,
}

/// Where a group starts on a partition it has no offset for (or whose offset is gone).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Start {
    /// At the oldest record.
    #[default]
    Earliest,
    /// At what is written from now on.
    Latest,
}

/// How to be a member of a consumer group.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// The group's name.
    pub group: String,
    /// Full topic names.
    pub topics: Vec<String>,
    /// Names this member in the cluster's logs.
    pub client_id: String,
    /// The most records in one [`crate::Event::Records`].
    pub max_batch_records: usize,
    /// How many records wait for the caller; when that is full, fetching pauses while polling goes on.
    pub queue_records: usize,
    /// How long a revoked partition waits for [`crate::Revocation::done`]; afterwards it is taken away.
    pub revoke_deadline: Duration,
    /// Where to start without a committed offset.
    pub start: Start,
    /// How long the cluster may gather records before it answers: fewer and larger answers for who is in no hurry. Zero:
    /// each record comes as soon as it is there. A log in this process has nothing to gather.
    pub gather_time: Duration,
}

impl GroupSettings {
    /// Batches of 1,000 records, 10,000 waiting, 5 s to flush on a revoke, from the oldest record, each record at once.
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
