//! The services that the tests of one process share, each started at its first use.

use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, OnceLock};

use anyhow::{Result, anyhow};

use crate::services::clickhouse::ClickHouse;
use crate::services::kafka::{Kafka, KafkaOptions};
use crate::services::mosquitto::Mosquitto;
use crate::services::redis::Redis;
use crate::services::registry::Registry;

/// One instance of each service. A service that failed to start fails every test that needs it with the same error.
#[derive(Default)]
pub struct Stack {
    kafka: Slot<Kafka>,
    registry: Slot<Registry>,
    redis: Slot<Redis>,
    mosquitto: Slot<Mosquitto>,
    clickhouse: Slot<ClickHouse>,
}

/// The kinds of service in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// Apache Kafka.
    Kafka,
    /// The schema registry.
    Registry,
    /// Redis.
    Redis,
    /// The MQTT broker.
    Mosquitto,
    /// The ClickHouse engine.
    ClickHouse,
}

impl ServiceKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Redis, Self::Mosquitto, Self::ClickHouse, Self::Kafka, Self::Registry];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Registry => "registry",
            Self::Redis => "redis",
            Self::Mosquitto => "mosquitto",
            Self::ClickHouse => "clickhouse",
        }
    }

    /// The environment variable that names a running service.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Kafka => "KAFKA_BOOTSTRAP",
            Self::Registry => "SCHEMA_REGISTRY_URL",
            Self::Redis => "REDIS_URL",
            Self::Mosquitto => "MQTT_URL",
            Self::ClickHouse => "CLICKHOUSE_URL",
        }
    }
}

type Slot<T> = OnceLock<Result<T, String>>;

impl Stack {
    /// The stack of this process. Tests that use it leave its services running.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Stack> = LazyLock::new(Stack::default);
        &SHARED
    }

    /// Kafka, or what `KAFKA_BOOTSTRAP` names. Isolate by [`unique_prefix`].
    ///
    /// # Errors
    /// When it cannot be started, with the reason; the same applies to the methods below.
    pub async fn kafka(&self) -> Result<&Kafka> {
        self.kafka_blocking()
    }

    /// The schema registry, or what `SCHEMA_REGISTRY_URL` names. Isolated by the topic prefix, which subjects contain.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn registry(&self) -> Result<&Registry> {
        self.registry_blocking()
    }

    /// Redis, or what `REDIS_URL` names. Isolate by [`Redis::database`].
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn redis(&self) -> Result<&Redis> {
        self.redis_blocking()
    }

    /// Mosquitto, or what `MQTT_URL` names. Isolate by topic and random client ids.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn mosquitto(&self) -> Result<&Mosquitto> {
        self.mosquitto_blocking()
    }

    /// The ClickHouse engine, or what `CLICKHOUSE_URL` names. Isolate by database.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn clickhouse(&self) -> Result<&ClickHouse> {
        self.clickhouse_blocking()
    }

    /// The address of a service, started on the calling thread if necessary: for tools; tests use the methods above.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub fn address(&self, kind: ServiceKind) -> Result<&str> {
        Ok(match kind {
            ServiceKind::Kafka => self.kafka_blocking()?.bootstrap(),
            ServiceKind::Registry => self.registry_blocking()?.url(),
            ServiceKind::Redis => self.redis_blocking()?.url(),
            ServiceKind::Mosquitto => self.mosquitto_blocking()?.url(),
            ServiceKind::ClickHouse => self.clickhouse_blocking()?.url(),
        })
    }

    /// The settings of our programs for Kafka, registry, Redis and Mosquitto, with a topic prefix.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let settings = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", self.kafka().await?.bootstrap()),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", self.registry().await?.url()),
            ("UPDRAFT_REDIS_URL", self.redis().await?.url()),
            ("UPDRAFT_MQTT_URL", self.mosquitto().await?.url()),
            ("UPDRAFT_TOPIC_PREFIX", prefix),
        ];
        Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    fn kafka_blocking(&self) -> Result<&Kafka> {
        // Benchmarks, which are release builds, need a fast Kafka; tests need a fast start.
        let options = KafkaOptions { fast: !cfg!(debug_assertions), ..KafkaOptions::default() };
        let start = || Kafka::start_blocking(&options);
        obtain(&self.kafka, ServiceKind::Kafka, Kafka::given, start)
    }

    fn registry_blocking(&self) -> Result<&Registry> {
        obtain(&self.registry, ServiceKind::Registry, Registry::given, Registry::start_blocking)
    }

    fn redis_blocking(&self) -> Result<&Redis> {
        obtain(&self.redis, ServiceKind::Redis, Redis::given, Redis::start_blocking)
    }

    fn mosquitto_blocking(&self) -> Result<&Mosquitto> {
        obtain(&self.mosquitto, ServiceKind::Mosquitto, Mosquitto::given, Mosquitto::start_blocking)
    }

    fn clickhouse_blocking(&self) -> Result<&ClickHouse> {
        obtain(&self.clickhouse, ServiceKind::ClickHouse, ClickHouse::given, ClickHouse::start_blocking)
    }
}

/// Blocks the calling thread during the start, once per process and service, since the test needs the service to
/// continue.
fn obtain<T>(
    slot: &Slot<T>,
    kind: ServiceKind,
    given: impl FnOnce(String) -> T,
    start: impl FnOnce() -> Result<T>,
) -> Result<&T> {
    let named = || std::env::var(kind.variable()).ok().filter(|value| !value.is_empty());
    let outcome = slot.get_or_init(|| match named() {
        Some(address) => Ok(given(address)),
        None => start().map_err(|error| format!("{error:#}")),
    });
    outcome.as_ref().map_err(|reason| anyhow!("{reason}"))
}

/// A prefix for topics, groups, client ids and databases that no other test has, such as `order-1f3a9c0d.`.
pub fn unique_prefix(test: &str) -> String {
    let random = RandomState::new().hash_one(test) as u32;
    format!("{test}-{random:08x}.")
}
