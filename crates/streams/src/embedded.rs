//! The embedded log: for standalone, and for deterministic tests.
//!
//! All state is behind one lock ([`state::State`]), held for look-ups and copies of reference-counted bytes, never
//! across an await. Only the deadline of a revocation reads a clock: records age by the newest record of their
//! partition.

mod assignor;
mod group;
mod journal;
mod keeper;
mod partition;
mod settings;
mod sink;
mod source;
mod state;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::topics::unknown_topic;
use crate::{
    GroupSettings, Lag, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome,
    TopicPartition, Watermarks,
};

pub use keeper::{JournalSettings, Restored};
pub use settings::EmbeddedSettings;

/// A log in memory, bounded by bytes and time, and on request with a file from which it is restored. Clones share it.
#[derive(Clone, Debug)]
pub struct EmbeddedLog {
    shared: Arc<state::Shared>,
}

impl EmbeddedLog {
    /// An empty log.
    pub fn new(settings: EmbeddedSettings) -> Self {
        Self { shared: Arc::new(state::Shared::new(settings)) }
    }

    /// Restores the log from a file, and keeps it there from now on. Call it when the topics are created, and before anything
    /// reads or writes.
    ///
    /// A sink's receipt of a record in one of [`JournalSettings::synced_topics`] is answered when the record is on the disk.
    /// Everything else is written soon, in the order in which it happened: what a crash takes away is a tail that no group
    /// has committed.
    ///
    /// # Errors
    /// Fatal with reason `journal` where another process has the file, it is none of ours, or it cannot be read or written.
    pub fn keep_in(&self, settings: JournalSettings) -> Result<Restored, StreamError> {
        keeper::keep(&self.shared, settings)
    }

    /// Writes what the file lacks, and ends that. Returns whether everything is in the file: what is appended later is not.
    pub fn close(&self, deadline: Duration) -> bool {
        let journal = self.shared.lock().journal();
        journal.is_none_or(|journal| {
            journal.close();
            journal.wait_closed(deadline)
        })
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
        Ok(format!("embedded-{}", self.shared.lock().epoch()))
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
