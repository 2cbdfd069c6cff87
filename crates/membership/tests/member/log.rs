//! The embedded log with a property of Kafka consumers: no seek during a revocation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use harness::wait_until;
use prometheus_client::metrics::gauge::Gauge;
use streams::{
    EmbeddedLog, Event, GroupSettings, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError,
    TopicDescription, TopicOutcome, TopicPartition, Watermarks,
};

/// The log, and the number of partitions that another member of the group owns: more than 0 after a revocation.
pub(crate) struct KafkaLikeLog {
    log: EmbeddedLog,
    others: Gauge,
}

impl KafkaLikeLog {
    pub(crate) fn new(log: EmbeddedLog, others: Gauge) -> Self {
        Self { log, others }
    }
}

struct KafkaLikeSource {
    source: Box<dyn Source>,
    others: Gauge,
    has_revoked: bool,
}

#[async_trait]
impl Source for KafkaLikeSource {
    async fn next(&mut self) -> Result<Event, StreamError> {
        let event = self.source.next().await?;
        self.has_revoked |= matches!(event, Event::Revoked(_));
        Ok(event)
    }

    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError> {
        self.source.commit(offsets).await
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.source.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.source.resume(partitions)
    }

    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError> {
        if self.has_revoked {
            let released = async || (self.others.get() > 0).then_some(());
            let waited = wait_until(Duration::from_secs(60), "the revocation is done", released).await;
            waited.map_err(|error| StreamError::fatal("closed", "seek", error.to_string()))?;
        }
        self.source.seek(partition, to).await
    }

    async fn close(self: Box<Self>) -> Result<(), StreamError> {
        self.source.close().await
    }
}

#[async_trait]
impl Log for KafkaLikeLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        let (source, others) = (self.log.subscribe(group).await?, self.others.clone());
        Ok(Box::new(KafkaLikeSource { source, others, has_revoked: false }))
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        self.log.read(from).await
    }

    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError> {
        self.log.sink(settings)
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError> {
        self.log.create_topics(topics).await
    }

    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError> {
        self.log.describe_topics().await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.log.partitions(topic).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        self.log.watermarks(partition).await
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        self.log.epoch().await
    }

    fn system(&self) -> &'static str {
        self.log.system()
    }
}
