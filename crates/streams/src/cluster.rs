//! The cluster of a program: its log, the schemas of its values, and the names of its topics.

use std::sync::Arc;
#[cfg(feature = "kafka")]
use std::time::Duration;

use runtime::{Context, Part, keep_trying};
use schemas::catalogue;

use crate::registry::Schemas;
#[cfg(feature = "kafka")]
use crate::{KafkaLog, KafkaSettings, LogOptions};
use crate::{Log, StreamError, Topic};

/// The name of an embedded log.
const IN_PROCESS: &str = "the log of this process";
/// How often the cluster's health is checked.
#[cfg(feature = "kafka")]
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first answer of the cluster may take before the part is reported as not ready.
#[cfg(feature = "kafka")]
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// A log with what is needed to use it. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The log's name in messages: its address.
    pub name: Arc<str>,
    /// Where schemas are registered.
    pub schemas: Schemas,
    /// Put before every topic name.
    pub topic_prefix: Arc<str>,
    /// The log, where it is Kafka.
    #[cfg(feature = "kafka")]
    kafka: Option<KafkaLog>,
}

/// Why a topic is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// The program was asked to stop while it waited for the cluster.
    #[error("asked to stop")]
    Stopped,
    /// The cluster refuses permanently.
    #[error(transparent)]
    Refused(#[from] StreamError),
}

/// The part of a cluster that cannot be used, so that retrying does not help.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A topic.
    #[error("topic {name}")]
    Topic {
        /// Its full name.
        name: Arc<str>,
        /// Why.
        source: StreamError,
    },
    /// The schema registry.
    #[error("the schema registry")]
    Registry(#[source] StreamError),
}

/// Turns a requested stop into `None`, since it is no error.
///
/// # Errors
/// The cluster refuses permanently.
pub fn unless_stopped<T>(prepared: Result<T, Unprepared>) -> Result<Option<T>, StreamError> {
    match prepared {
        Ok(prepared) => Ok(Some(prepared)),
        Err(Unprepared::Stopped) => Ok(None),
        Err(Unprepared::Refused(error)) => Err(error),
    }
}

impl Cluster {
    /// Names the cluster and the registry of a program's settings. Connects in the background. `client_id` names the
    /// program in the cluster's logs.
    ///
    /// # Errors
    /// Fatal when librdkafka refuses the settings, or when the registry's URL is invalid.
    #[cfg(feature = "kafka")]
    pub fn connect(options: &LogOptions, client_id: impl Into<String>) -> Result<Self, StreamError> {
        let kafka = KafkaLog::connect(KafkaSettings {
            bootstrap: options.kafka_bootstrap.clone(),
            extra: options.kafka_config.to_vec(),
            client_id: client_id.into(),
        })?;
        let schemas = Schemas::registry(&options.schema_registry_url)?;
        let name = format!("Kafka at {}", options.kafka_bootstrap).into();
        let topic_prefix = options.topic_prefix.as_str().into();
        Ok(Self { log: Arc::new(kafka.clone()), name, schemas, topic_prefix, kafka: Some(kafka) })
    }

    /// A cluster on an existing log.
    pub fn new(log: Arc<dyn Log>, schemas: Schemas, topic_prefix: impl Into<Arc<str>>) -> Self {
        let name = log.system().into();
        Self {
            log,
            name,
            schemas,
            topic_prefix: topic_prefix.into(),
            #[cfg(feature = "kafka")]
            kafka: None,
        }
    }

    /// A cluster on an embedded log, with the schemas of this build.
    pub fn in_process(log: Arc<dyn Log>) -> Self {
        Self { name: IN_PROCESS.into(), ..Self::new(log, Schemas::local(), "") }
    }

    /// The full name of a topic of the catalogue, or of a group.
    pub fn full_name(&self, name: &str) -> Arc<str> {
        format!("{}{name}", self.topic_prefix).into()
    }

    /// Waits until a topic of the catalogue exists and the registry answers, and returns the topic's number of
    /// partitions; `part` reports what is missing. `None`: the program was asked to stop.
    ///
    /// Call this before anything is registered: with a mistyped prefix the topic does not exist, and nothing must be
    /// registered under that prefix.
    ///
    /// # Errors
    /// The cluster refuses the topic permanently, or the registry refuses.
    pub async fn find_topic(&self, context: &Context, part: &Part, topic: &str) -> Result<Option<u32>, ClusterError> {
        let entry = catalogue::find(topic).expect("in the catalogue");
        let name = self.full_name(topic);
        let what = format!("topic {name}");
        let registry = context.readiness.part("registry");
        let found = keep_trying(context, part, &what, is_final, || self.log.partitions(&name));
        let answers = keep_trying(context, &registry, self.schemas.name(), is_final, || {
            self.schemas.ask(&self.topic_prefix, &entry)
        });
        let found = async { found.await.map_err(|source| ClusterError::Topic { name: name.clone(), source }) };
        let answers = async { answers.await.map_err(ClusterError::Registry) };
        let (found, answers) = tokio::try_join!(found, answers)?;
        Ok(found.filter(|_| answers.is_some()))
    }

    /// Registers the schema of a topic of the catalogue; waits until the registry answers.
    ///
    /// # Errors
    /// The program was asked to stop, or the registry refuses the schema.
    pub async fn topic(&self, context: &Context, name: &str) -> Result<Topic, Unprepared> {
        let entry = catalogue::find(name).expect("in the catalogue");
        let part = context.readiness.part("registry");
        let prepared = keep_trying(context, &part, self.schemas.name(), is_final, || {
            self.schemas.prepare(&self.topic_prefix, &entry)
        });
        let codec = prepared.await?.ok_or(Unprepared::Stopped)?;
        Ok(Topic { name: self.full_name(name), codec })
    }

    /// Like [`Cluster::topic`] in a single attempt, for a topic that exists.
    ///
    /// # Errors
    /// The topic does not exist, the log or the registry cannot be reached, or the registry refuses the schema.
    pub async fn try_topic(&self, name: &str) -> Result<Topic, StreamError> {
        let entry = catalogue::find(name).expect("in the catalogue");
        let name = self.full_name(name);
        // With a mistyped prefix the topic does not exist: nothing is registered under that prefix.
        self.log.partitions(&name).await?;
        let codec = self.schemas.prepare(&self.topic_prefix, &entry).await?;
        Ok(Topic { name, codec })
    }

    /// Reports on `/ready` whether Kafka answers, until the program stops; does nothing on an embedded log.
    #[cfg(feature = "kafka")]
    pub async fn watch(&self, context: &Context) {
        let Some(kafka) = &self.kafka else { return std::future::pending().await };
        let part = context.readiness.part("kafka");
        let began = context.clock.monotonic();
        loop {
            if context.shutdown.or(context.clock.sleep(CHECK_INTERVAL)).await.is_none() {
                // The program's other tasks end by themselves.
                return std::future::pending().await;
            }
            let health = kafka.health();
            let is_early = context.clock.monotonic().saturating_sub(began) < FIRST_ANSWER;
            match (health.is_up(), health.last_error) {
                (true, _) => part.ready(),
                // The part still reports "starting".
                (false, None) if is_early => {}
                (false, reason) => {
                    let reason = reason.unwrap_or_else(|| "no answer yet".to_owned());
                    part.not_ready(format!("cannot reach {}: {reason}", self.name));
                }
            }
        }
    }
}

fn is_final(error: &StreamError) -> bool {
    !error.is_transient()
}

#[cfg(all(test, feature = "kafka"))]
mod tests {
    use runtime::Clock;
    use schemas::catalogue::topic;

    use super::*;
    use crate::{EmbeddedLog, EmbeddedSettings, NewTopic};

    async fn cluster(topics: &[&str]) -> Cluster {
        let log = EmbeddedLog::new(EmbeddedSettings::new(0));
        let topics: Vec<_> = topics.iter().map(|name| NewTopic::new(*name, 3)).collect();
        log.create_topics(&topics).await.expect("created");
        Cluster::new(Arc::new(log), Schemas::local(), "test-")
    }

    #[tokio::test]
    async fn topics_have_the_prefix() {
        let (cluster, context) = (cluster(&["test-fanet.raw.v1"]).await, Context::new(Clock::system()));
        let part = context.readiness.part("log");
        assert_eq!(cluster.find_topic(&context, &part, topic::RAW).await.expect("there"), Some(3));
        let raw = cluster.topic(&context, topic::RAW).await.expect("a schema");
        assert_eq!(&*raw.name, "test-fanet.raw.v1");
        assert_eq!(cluster.try_topic(topic::RAW).await.expect("there").name, raw.name);
        assert_eq!(cluster.try_topic(topic::AIRCRAFT).await.expect_err("missing").reason(), "unknown_topic");
    }

    #[tokio::test]
    async fn a_stop_ends_the_wait_for_a_topic() {
        let (cluster, context) = (cluster(&[]).await, Context::new(Clock::system()));
        let part = context.readiness.part("log");
        let stop = async {
            while context.readiness.parts().iter().all(|(_, part)| part.last_error.is_none()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            context.shutdown.request();
        };
        let (found, ()) = tokio::join!(cluster.find_topic(&context, &part, topic::RAW), stop);
        assert_eq!(found.expect("no error"), None);
    }

    #[test]
    fn settings_name_the_cluster() {
        let cluster = Cluster::connect(&LogOptions::default(), "test").expect("good settings");
        assert_eq!(&*cluster.name, "Kafka at localhost:9092");
        assert_eq!(cluster.schemas.name(), "http://localhost:8081");
        assert_eq!(&*cluster.full_name("fanet.raw.v1"), "fanet.raw.v1");
        let options = LogOptions { schema_registry_url: "registry:8081".to_owned(), ..LogOptions::default() };
        assert!(Cluster::connect(&options, "test").is_err());
    }
}
