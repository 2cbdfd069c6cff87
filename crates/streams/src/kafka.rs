//! Apache Kafka, through librdkafka.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`settings`] | what librdkafka is told, and why |
//! | [`lanes`] | the hand-over between a consumer's thread and its caller: pure, under one lock |
//! | [`poller`] | a consumer's thread: the only one that polls, so that membership never depends on the caller |
//! | [`source`] | the caller's side of a consumer |
//! | [`producer`], [`sink`] | a producer with its thread, and the port on top |
//! | [`admin`] | topics |
//! | [`health`] | whether the cluster can be reached, as librdkafka's clients see it |
//!
//! Traps that shaped this: a consumer hangs in its drop while a partition list from `committed()` lives, so none is kept;
//! an end-of-partition event does not name its topic on the common queue, so every partition has a queue of its own;
//! librdkafka throws fetched records away when it pauses, so a full hand-over leaves them in their partition's queue and
//! goes on polling for events.

mod admin;
mod context;
mod errors;
mod health;
mod lanes;
mod message;
mod poller;
mod producer;
mod settings;
mod sink;
mod source;
mod spread;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::errors::classify;
pub use self::health::{Health, HealthState};
pub use self::settings::KafkaSettings;
use crate::{
    GroupSettings, Log, NewTopic, SeekTo, Sink, SinkSettings, Source, StreamError, TopicDescription, TopicOutcome,
    TopicPartition, Watermarks,
};

/// How long a question to the cluster may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A Kafka cluster. Clones share it.
#[derive(Clone)]
pub struct KafkaLog {
    cluster: Arc<Cluster>,
}

/// What all sources and sinks of one cluster share.
struct Cluster {
    settings: KafkaSettings,
    health: Arc<health::Monitor>,
    /// Asks for metadata, and notices by itself when the cluster comes and goes.
    watcher: producer::Producer,
}

impl KafkaLog {
    /// Names a cluster. Connects in the background: that it cannot be reached shows in [`KafkaLog::health`] and in calls.
    ///
    /// # Errors
    /// Fatal when librdkafka refuses the settings.
    pub fn connect(settings: KafkaSettings) -> Result<Self, StreamError> {
        let health = Arc::new(health::Monitor::new(&settings.bootstrap));
        let watcher = producer::Producer::open(&settings.for_watcher(), health.clone())?;
        Ok(Self { cluster: Arc::new(Cluster { settings, health, watcher }) })
    }

    /// Whether the cluster can be reached.
    pub fn health(&self) -> Health {
        self.cluster.health.now()
    }

    /// Asks the cluster something that blocks.
    async fn ask<T: Send + 'static>(
        &self,
        attempted: &'static str,
        question: impl FnOnce(&Cluster) -> Result<T, StreamError> + Send + 'static,
    ) -> Result<T, StreamError> {
        let cluster = self.cluster.clone();
        let answer = tokio::task::spawn_blocking(move || question(&cluster)).await;
        answer.map_err(|cause| StreamError::transient("closed", attempted, cause))?
    }
}

#[async_trait]
impl Log for KafkaLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        let Cluster { settings, health, .. } = &*self.cluster;
        Ok(Box::new(source::KafkaSource::subscribe(settings, health.clone(), &group)?))
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        let source = self.ask("open a reader", move |cluster| {
            source::KafkaSource::read(&cluster.settings, cluster.health.clone(), &from)
        });
        Ok(Box::new(source.await?))
    }

    fn sink(&self, settings: SinkSettings) -> Result<Arc<dyn Sink>, StreamError> {
        let writer = |settings: &SinkSettings| -> Result<Arc<dyn Sink>, StreamError> {
            let config = self.cluster.settings.for_sink(settings);
            let producer = producer::Producer::open(&config, self.cluster.health.clone())?;
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
        admin::create(self, topics).await
    }

    async fn describe_topics(&self) -> Result<Vec<TopicDescription>, StreamError> {
        admin::describe(self).await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        let partition = partition.clone();
        self.ask("ask for watermarks", move |cluster| {
            let client = cluster.watcher.client();
            let (low, high) = client
                .fetch_watermarks(&partition.topic, partition.partition.cast_signed(), REQUEST_TIMEOUT)
                .map_err(|error| classify(error, format!("ask for the watermarks of {partition}")))?;
            Ok(Watermarks { low: low.unsigned_abs(), high: high.unsigned_abs() })
        })
        .await
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        self.ask("ask for the cluster id", |cluster| {
            cluster.watcher.client().fetch_cluster_id(REQUEST_TIMEOUT).ok_or_else(|| {
                let attempted = format!("ask {} for its cluster id", cluster.settings.bootstrap);
                StreamError::transient("unavailable", attempted, "no answer")
            })
        })
        .await
    }

    fn trouble(&self) -> Option<String> {
        let health = self.health();
        health.last_error.filter(|_| health.state == HealthState::Down)
    }
}
