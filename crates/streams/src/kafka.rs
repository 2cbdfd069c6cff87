//! Apache Kafka, through librdkafka.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`settings`] | librdkafka's settings, with reasons |
//! | [`hand_over`] | the queues between a consumer's thread and its caller: pure, under one lock |
//! | [`poller`] | a consumer's thread: only it polls, so that membership never depends on the caller |
//! | [`source`], [`reader`] | the caller's side of a consumer; a reader without a group, which can replace its consumer |
//! | [`client`] | the settings, health and metadata client that all sources and sinks of a cluster share |
//! | [`producer`], [`sink`], [`multi_connection`] | a producer with its thread; the port's writer on one, and on several |
//! | [`admin`] | topics |
//! | [`health`], [`probe`] | whether the cluster can be reached; the regular request that checks it |
//! | [`brokers`] | which of the cluster's brokers one client knows |
//! | [`watchdog`], [`query`] | whether a reader makes progress, by the cluster's offsets |
//! | [`behind`] | the lag of a reader, by the same offsets |
//!
//! Properties of librdkafka that shaped this: a consumer hangs in its drop while a partition list from `committed()`
//! lives, so none is kept; an end-of-partition event does not name its topic on the common queue, so every partition
//! has a queue of its own; librdkafka drops fetched records when it pauses, so a full hand-over leaves them in their
//! partition's queue and continues to poll for events.

mod admin;
mod behind;
mod brokers;
mod client;
mod context;
mod errors;
mod hand_over;
mod health;
mod message;
mod multi_connection;
mod poller;
mod probe;
mod producer;
mod query;
mod reader;
mod settings;
mod sink;
mod source;
mod watchdog;

use std::sync::Arc;

use async_trait::async_trait;

use self::client::SharedClient;
pub use self::health::{Health, HealthState};
pub use self::settings::KafkaSettings;
use self::settings::REQUEST_TIMEOUT;
use crate::topics::unknown_topic;
use crate::{
    GroupProgress, GroupSettings, Lag, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError,
    TopicDescription, TopicOutcome, TopicPartition, Watermarks,
};

/// A Kafka cluster. Clones share it.
#[derive(Clone)]
pub struct KafkaLog {
    client: Arc<SharedClient>,
}

impl KafkaLog {
    /// Names a cluster. Connects in the background; [`KafkaLog::health`] and the calls report an unreachable cluster.
    ///
    /// # Errors
    /// Fatal when librdkafka refuses the settings.
    pub fn connect(settings: KafkaSettings) -> Result<Self, StreamError> {
        Ok(Self { client: SharedClient::open(settings)? })
    }

    /// Whether the cluster can be reached.
    pub fn health(&self) -> Health {
        self.client.health.now()
    }
}

#[async_trait]
impl Log for KafkaLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        let SharedClient { settings, health, .. } = &*self.client;
        let source = source::KafkaSource::subscribe(settings, health.clone(), &group)?;
        self.client.watch_group(&group, source.hand_over())?;
        Ok(Box::new(source))
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        Ok(Box::new(reader::KafkaReader::open(self.client.clone(), from).await?))
    }

    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError> {
        let writer = |settings: &SinkSettings| -> Result<Arc<dyn Sink>, StreamError> {
            let config = self.client.settings.for_sink(settings);
            let producer = producer::Producer::open(&config, self.client.health.clone())?;
            Ok(Arc::new(sink::KafkaSink::new(producer, settings)?))
        };
        match settings.connections {
            0 | 1 => writer(&settings),
            connections => {
                let share = settings.share(connections);
                let writers = (0..connections).map(|_| writer(&share)).collect::<Result<_, _>>()?;
                Ok(Arc::new(multi_connection::MultiConnectionSink::new(writers)))
            }
        }
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicOutcome>, StreamError> {
        admin::create(&self.client, topics).await
    }

    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError> {
        admin::describe(&self.client).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        admin::partition_counts(&self.client).await?.remove(topic).ok_or_else(|| unknown_topic(topic))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        self.client.watermarks(partition).await
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        let request = |client: &SharedClient| {
            client.metadata_client()?.client().fetch_cluster_id(REQUEST_TIMEOUT).ok_or_else(|| {
                let attempted = format!("request the cluster id of {}", client.settings.bootstrap);
                StreamError::transient("unavailable", attempted, "no answer")
            })
        };
        self.client.run_blocking("request the cluster id", request).await
    }

    fn system(&self) -> &'static str {
        "kafka"
    }

    fn progress(&self, group: &str) -> Option<GroupProgress> {
        self.client.progress(group)
    }

    fn lag(&self, group: &str) -> Option<Lag> {
        self.client.lag(group)
    }

    fn unavailable_reason(&self) -> Option<String> {
        let health = self.health();
        health.last_error.filter(|_| health.state == HealthState::Down)
    }
}
