//! The embedded log: for standalone, and for deterministic tests.
//!
//! All state is behind one lock ([`state::State`]), held for look-ups and copies of reference-counted bytes, never
//! across an await. Only the deadline of a revocation reads a clock: records age by the newest record of their
//! partition.

mod assignor;
mod group;
mod partition;
mod settings;
mod sink;
mod source;
mod state;

use std::sync::Arc;

use async_trait::async_trait;

use crate::topics::unknown_topic;
use crate::{
    GroupSettings, Lag, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome,
    TopicPartition, Watermarks,
};

pub use settings::EmbeddedSettings;

/// A log in memory, bounded by bytes and time. Clones share it.
#[derive(Clone, Debug)]
pub struct EmbeddedLog {
    shared: Arc<state::Shared>,
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

    fn system(&self) -> &'static str {
        "updraft"
    }

    fn lag(&self, group: &str) -> Option<Lag> {
        self.shared.lock().lag(group)
    }
}

#[cfg(test)]
mod tests;
