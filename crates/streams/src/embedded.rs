//! The log of this process: for standalone, and for tests that want the same run each time.
//!
//! All state lies under one lock ([`state::State`]), held for look-ups and copies of reference-counted bytes, never across
//! an await. Nothing here reads a clock but the deadline of a revocation: records age by the newest record of their
//! partition.

mod assignor;
mod group;
mod partition;
mod sink;
mod source;
mod state;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::topics::unknown_topic;
use crate::{
    GroupSettings, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome,
    TopicPartition, Watermarks,
};

/// A log in memory, bounded by bytes and time. Clones share it.
#[derive(Clone, Debug)]
pub struct EmbeddedLog {
    shared: Arc<state::Shared>,
}

/// What bounds the embedded log.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// The offset of the first record of every partition. The Unix milliseconds of the start keep offsets from
    /// repeating against a history that outlives the process; they fit 48 bits.
    pub first_offset: u64,
    /// Bytes of records (keys, values, headers and what holds them) after which a partition drops its oldest; in a
    /// compacted topic, the bytes of superseded records that may pile up. A topic's `retention.bytes` may be lower.
    pub max_bytes_per_partition: usize,
    /// The age, against the newest record of the partition, at which records are dropped, and tombstones of compacted
    /// topics too. A topic's `retention.ms` and `delete.retention.ms` may be lower.
    pub max_age: Duration,
    /// The largest record that is taken: key, value and headers.
    pub max_record_bytes: usize,
    /// How many partitions a topic gets that is written to or read without having been created; `None` refuses it.
    pub auto_create_partitions: Option<u32>,
}

impl EmbeddedSettings {
    /// 16 MiB and one day per partition, records up to 1 MiB, topics are created explicitly.
    pub fn new(first_offset: u64) -> Self {
        Self {
            first_offset,
            max_bytes_per_partition: 16 << 20,
            max_age: Duration::from_secs(24 * 3600),
            max_record_bytes: 1 << 20,
            auto_create_partitions: None,
        }
    }
}

impl EmbeddedLog {
    /// An empty log.
    pub fn new(settings: EmbeddedSettings) -> Self {
        Self { shared: Arc::new(state::Shared::new(settings)) }
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        Ok(Box::new(source::GroupSource::join(self.shared.clone(), group)?))
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        Ok(Box::new(source::PlainSource::open(self.shared.clone(), &from)?))
    }

    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError> {
        Ok(Arc::new(sink::EmbeddedSink::open(self.shared.clone(), &settings)?))
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError> {
        let mut state = self.shared.lock();
        topics.iter().map(|topic| state.create_topic(topic)).collect()
    }

    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError> {
        Ok(self.shared.lock().describe())
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.shared.lock().partitions(topic).ok_or_else(|| unknown_topic(topic))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        self.shared.lock().partition(partition).map(|found| found.watermarks())
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        Ok(format!("embedded-{}", self.shared.settings.first_offset))
    }
}

#[cfg(test)]
mod tests;
