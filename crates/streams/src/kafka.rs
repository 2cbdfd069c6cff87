//! Apache Kafka, through librdkafka.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`settings`] | what librdkafka is told, and why |
//! | [`lanes`] | the hand-over between a consumer's thread and its caller: pure, under one lock |
//! | [`poller`] | a consumer's thread: the only one that polls, so that membership never depends on the caller |
//! | [`source`], [`reader`] | the caller's side of a consumer; one without a group that outlives its consumer |
//! | [`client`] | what all sources and sinks of one cluster share |
//! | [`producer`], [`sink`] | a producer with its thread, and the port on top |
//! | [`admin`] | topics |
//! | [`health`], [`probe`] | whether the cluster can be reached; who asks it all the time |
//! | [`lookout`] | what one client sees of the cluster's brokers |
//! | [`watch`], [`ask`] | whether a reader gets on, by what the cluster says of its partitions |
//!
//! Traps that shaped this: a consumer hangs in its drop while a partition list from `committed()` lives, so none is kept;
//! an end-of-partition event does not name its topic on the common queue, so every partition has a queue of its own;
//! librdkafka throws fetched records away when it pauses, so a full hand-over leaves them in their partition's queue and
//! goes on polling for events.

mod admin;
mod ask;
mod client;
mod context;
mod errors;
mod health;
mod lanes;
mod lookout;
mod message;
mod poller;
mod probe;
mod producer;
mod reader;
mod settings;
mod sink;
mod source;
mod spread;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;

use self::client::SharedClient;
pub use self::health::{Health, HealthState};
pub use self::settings::KafkaSettings;
use self::settings::REQUEST_TIMEOUT;
use crate::topics::unknown_topic;
use crate::{
    GroupProgress, GroupSettings, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription,
    TopicOutcome, TopicPartition, Watermarks,
};

/// A Kafka cluster. Clones share it.
#[derive(Clone)]
pub struct KafkaLog {
    client: Arc<SharedClient>,
}

impl KafkaLog {
    /// Names a cluster. Connects in the background: that it cannot be reached shows in [`KafkaLog::health`] and in calls.
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
        self.client.watch_over(&group, source.hand_over())?;
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
                Ok(Arc::new(spread::SpreadSink::new(writers)))
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
        let question = |client: &SharedClient| {
            client.watcher()?.client().fetch_cluster_id(REQUEST_TIMEOUT).ok_or_else(|| {
                let attempted = format!("ask {} for its cluster id", client.settings.bootstrap);
                StreamError::transient("unavailable", attempted, "no answer")
            })
        };
        self.client.ask("ask for the cluster id", question).await
    }

    fn system(&self) -> &'static str {
        "kafka"
    }

    fn progress(&self, group: &str) -> Option<GroupProgress> {
        self.client.progress(group)
    }

    fn trouble(&self) -> Option<String> {
        let health = self.health();
        health.last_error.filter(|_| health.state == HealthState::Down)
    }
}
