//! The services that the tests of one process share, each started at its first use.

use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, OnceLock};

use anyhow::{Result, anyhow};

use crate::services::clickhouse::ClickHouse;
use crate::services::kafka::{Kafka, KafkaOptions};
use crate::services::mosquitto::Mosquitto;
use crate::services::redis::Redis;
use crate::services::registry::Registry;

/// One instance of each service. A service that failed to start fails every test that needs it with the same words.
#[derive(Default)]
pub struct Stack {
    kafka: Slot<Kafka>,
    registry: Slot<Registry>,
    redis: Slot<Redis>,
    mosquitto: Slot<Mosquitto>,
    clickhouse: Slot<ClickHouse>,
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
    /// When it cannot be had, with the reason; likewise for those below.
    pub async fn kafka(&self) -> Result<&Kafka> {
        let start = || Kafka::start_blocking(&KafkaOptions::default());
        obtain(&self.kafka, "KAFKA_BOOTSTRAP", Kafka::given, start)
    }

    /// The schema registry, or what `SCHEMA_REGISTRY_URL` names. Isolated by the topic prefix, which subjects carry.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn registry(&self) -> Result<&Registry> {
        obtain(&self.registry, "SCHEMA_REGISTRY_URL", Registry::given, Registry::start_blocking)
    }

    /// Redis, or what `REDIS_URL` names. Isolate by [`Redis::database`].
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn redis(&self) -> Result<&Redis> {
        obtain(&self.redis, "REDIS_URL", Redis::given, Redis::start_blocking)
    }

    /// Mosquitto, or what `MQTT_URL` names. Isolate by topic and random client ids.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn mosquitto(&self) -> Result<&Mosquitto> {
        obtain(&self.mosquitto, "MQTT_URL", Mosquitto::given, Mosquitto::start_blocking)
    }

    /// The ClickHouse engine, or what `CLICKHOUSE_URL` names. Isolate by database.
    #[allow(clippy::missing_errors_doc, reason = "as for Kafka")]
    pub async fn clickhouse(&self) -> Result<&ClickHouse> {
        obtain(&self.clickhouse, "CLICKHOUSE_URL", ClickHouse::given, ClickHouse::start_blocking)
    }
}

/// Blocks the calling thread through the start, once per process and service: nothing of the test can run without it.
fn obtain<'a, T>(
    slot: &'a Slot<T>,
    variable: &str,
    given: impl FnOnce(String) -> T,
    start: impl FnOnce() -> Result<T>,
) -> Result<&'a T> {
    let named = || std::env::var(variable).ok().filter(|value| !value.is_empty());
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
