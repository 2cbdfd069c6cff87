//! A log that acknowledges nothing until it is released.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use streams::{
    EmbeddedLog, GroupSettings, Log, NewTopic, Outgoing, Receipt, SeekTo, SendRefused, Sink, SinkSettings, Source,
    StreamError, TopicDescription, TopicOutcome, TopicPartition, Watermarks,
};

/// Records that were handed over; `None` once released.
type Held = Arc<Mutex<Option<Vec<(Outgoing, Receipt)>>>>;

pub(super) struct HeldLog {
    inner: Arc<EmbeddedLog>,
    held: Held,
}

impl HeldLog {
    pub(super) fn new(inner: Arc<EmbeddedLog>) -> Self {
        Self { inner, held: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    /// How many records wait.
    pub(super) fn waiting(&self) -> usize {
        self.held.lock().as_ref().map_or(0, Vec::len)
    }

    /// Writes the held records; later ones are written at once.
    pub(super) fn release(&self) {
        let sink = self.inner.sink(SinkSettings::new("released")).expect("a sink");
        for (record, receipt) in self.held.lock().take().unwrap_or_default() {
            sink.try_send(record, receipt).expect("room");
        }
    }
}

struct HeldSink {
    inner: Arc<dyn Sink>,
    held: Held,
}

#[async_trait]
impl Sink for HeldSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        match &mut *self.held.lock() {
            Some(held) => held.push((record, receipt)),
            None => return self.inner.try_send(record, receipt),
        }
        Ok(())
    }

    /// Only ticks are sent by it: they are not held.
    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.inner.send(record, receipt).await
    }

    async fn flush(&self, deadline: Duration) -> Result<(), StreamError> {
        self.inner.flush(deadline).await
    }
}

#[async_trait]
impl Log for HeldLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        self.inner.subscribe(group).await
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        self.inner.read(from).await
    }

    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError> {
        Ok(Arc::new(HeldSink { inner: self.inner.sink(settings)?, held: self.held.clone() }))
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError> {
        self.inner.create_topics(topics).await
    }

    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError> {
        self.inner.describe_topics().await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.inner.partitions(topic).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        self.inner.watermarks(partition).await
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        self.inner.epoch().await
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }
}
