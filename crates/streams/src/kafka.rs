//! Apache Kafka, through librdkafka.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`settings`] | what librdkafka is told, and why |
//! | [`lanes`] | the hand-over between a consumer's thread and its caller: pure, under one lock |
//! | [`poller`] | a consumer's thread: the only one that polls, so that membership never depends on the caller |
//! | [`source`], [`reader`] | the caller's side of a consumer; one without a group that outlives its consumer |
//! | [`producer`], [`sink`] | a producer with its thread, and the port on top |
//! | [`admin`] | topics |
//! | [`health`], [`lookout`] | whether the cluster can be reached, as librdkafka's clients see it; what one of them sees |
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
mod lookout;
mod message;
mod poller;
mod producer;
mod reader;
mod settings;
mod sink;
mod source;
mod spread;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::errors::classify;
pub use self::health::{Health, HealthState};
pub use self::settings::KafkaSettings;
use crate::topics::unknown_topic;
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
    watcher: Mutex<Arc<producer::Producer>>,
}

impl Cluster {
    fn open(settings: KafkaSettings) -> Result<Self, StreamError> {
        let health = Arc::new(health::Monitor::new(&settings.bootstrap));
        let watcher = producer::Producer::open(&settings.for_watcher(), health.clone())?;
        Ok(Self { settings, health, watcher: Mutex::new(Arc::new(watcher)) })
    }

    /// For questions; another one where the last is broken.
    fn watcher(&self) -> Result<Arc<producer::Producer>, StreamError> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.outcomes().fatal().is_some() {
            *watcher = Arc::new(producer::Producer::open(&self.settings.for_watcher(), self.health.clone())?);
        }
        Ok(watcher.clone())
    }

    /// Asks something that blocks.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        attempted: &'static str,
        question: impl FnOnce(&Self) -> Result<T, StreamError> + Send + 'static,
    ) -> Result<T, StreamError> {
        let cluster = self.clone();
        let answer = tokio::task::spawn_blocking(move || question(&cluster)).await;
        answer.map_err(|cause| StreamError::transient("closed", attempted, cause))?
    }

    async fn watermarks(self: &Arc<Self>, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        let partition = partition.clone();
        self.ask("ask for watermarks", move |cluster| {
            let (low, high) = cluster
                .watcher()?
                .client()
                .fetch_watermarks(&partition.topic, partition.partition.cast_signed(), REQUEST_TIMEOUT)
                .map_err(|error| classify(error, format!("ask for the watermarks of {partition}")))?;
            Ok(Watermarks { low: low.unsigned_abs(), high: high.unsigned_abs() })
        })
        .await
    }
}

impl KafkaLog {
    /// Names a cluster. Connects in the background: that it cannot be reached shows in [`KafkaLog::health`] and in calls.
    ///
    /// # Errors
    /// Fatal when librdkafka refuses the settings.
    pub fn connect(settings: KafkaSettings) -> Result<Self, StreamError> {
        Ok(Self { cluster: Arc::new(Cluster::open(settings)?) })
    }

    /// Whether the cluster can be reached.
    pub fn health(&self) -> Health {
        self.cluster.health.now()
    }
}

#[async_trait]
impl Log for KafkaLog {
    async fn subscribe(&self, group: GroupSettings) -> Result<Box<dyn Source>, StreamError> {
        let Cluster { settings, health, .. } = &*self.cluster;
        Ok(Box::new(source::KafkaSource::subscribe(settings, health.clone(), &group)?))
    }

    async fn read(&self, from: Vec<(TopicPartition, SeekTo)>) -> Result<Box<dyn Source>, StreamError> {
        Ok(Box::new(reader::KafkaReader::open(self.cluster.clone(), from).await?))
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

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        admin::partition_counts(self).await?.remove(topic).ok_or_else(|| unknown_topic(topic))
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, StreamError> {
        self.cluster.watermarks(partition).await
    }

    async fn epoch(&self) -> Result<String, StreamError> {
        let question = |cluster: &Cluster| {
            cluster.watcher()?.client().fetch_cluster_id(REQUEST_TIMEOUT).ok_or_else(|| {
                let attempted = format!("ask {} for its cluster id", cluster.settings.bootstrap);
                StreamError::transient("unavailable", attempted, "no answer")
            })
        };
        self.cluster.ask("ask for the cluster id", question).await
    }

    fn trouble(&self) -> Option<String> {
        let health = self.health();
        health.last_error.filter(|_| health.state == HealthState::Down)
    }
}
