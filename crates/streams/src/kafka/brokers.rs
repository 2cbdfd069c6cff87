//! The brokers that one client knows, by its events and statistics.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use serde::Deserialize;

use super::health::HealthMonitor;
use crate::StreamError;

/// This many statistics in a row, one a second, without a usable broker make a client stranded. A new client has
/// brokers within milliseconds.
const STRANDED_AFTER: u32 = 2;
/// The client will never connect again to a broker that has been in state INIT for longer: a client without a
/// connection selects a broker every second.
const ABANDONED_AFTER_US: u64 = 3_000_000;

/// The brokers that one client knows. A client can lose all brokers and never look for one again; its owner must then
/// replace it.
///
/// This happens where all brokers are briefly unavailable, for example a single node that was frozen for longer than
/// its controller's session timeout: the cluster answers with an empty list of brokers, and librdkafka removes all that
/// it knew, including the configured ones. It should start again with the configured ones, but a race with the answer
/// in progress cancels that (confluentinc/librdkafka#5301; from 2.10 on, at least to 2.15). A removed broker that is
/// still referenced stays in the list in state INIT. Therefore only a broker counts to which the client connects or is
/// connected.
pub(super) struct BrokerMonitor {
    health: Arc<HealthMonitor>,
    /// Statistics in a row without a usable broker.
    without_broker: AtomicU32,
}

impl BrokerMonitor {
    pub(super) fn new(health: Arc<HealthMonitor>) -> Self {
        Self { health, without_broker: AtomicU32::new(0) }
    }

    /// A client's statistics.
    pub(super) fn statistics(&self, json: &[u8]) {
        let Ok(Statistics { brokers }) = serde_json::from_slice(json) else { return };
        // Only called from the client's own thread. A stranded client stays stranded.
        match (brokers.values().any(Broker::is_usable), self.without_broker.load(Ordering::Relaxed)) {
            (false, before) => self.without_broker.store(before.saturating_add(1), Ordering::Relaxed),
            (true, ..STRANDED_AFTER) => self.without_broker.store(0, Ordering::Relaxed),
            (true, _) => {}
        }
    }

    /// A client's error event.
    pub(super) fn error(&self, error: &KafkaError, text: &str) {
        match error.rdkafka_error_code() {
            // Not an error: every partition reports its end.
            None | Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) => self.health.error(code, text),
        }
    }

    /// Whether the cluster answers any client of this process.
    pub(super) fn cluster_answers(&self) -> bool {
        self.health.is_up()
    }

    /// Marks the client as stranded.
    pub(super) fn set_stranded(&self) {
        self.without_broker.store(STRANDED_AFTER, Ordering::Relaxed);
    }

    /// Whether the client must be replaced.
    pub(super) fn is_stranded(&self) -> bool {
        self.without_broker.load(Ordering::Relaxed) >= STRANDED_AFTER
    }
}

/// The reason in the errors of a stranded client.
pub(super) const STRANDED: &str = "stranded";

/// The error of a call on a stranded client.
pub(super) fn stranded(attempted: &str) -> StreamError {
    StreamError::fatal(STRANDED, attempted, WHY_STRANDED)
}

/// The cause in the errors of a stranded client.
pub(super) const WHY_STRANDED: &str = "the client has lost all brokers: open a new one";

#[derive(Deserialize)]
struct Statistics {
    brokers: HashMap<String, Broker>,
}

#[derive(Deserialize)]
struct Broker {
    /// `learned`, `configured`, `internal` or `logical`.
    source: String,
    state: String,
    /// How long it has been in that state, microseconds.
    #[serde(default, rename = "stateage")]
    state_age_us: u64,
}

impl Broker {
    /// Whether it is a broker of the cluster, not a placeholder, and the client can still connect to it.
    fn is_usable(&self) -> bool {
        let is_abandoned = self.state == "INIT" && self.state_age_us >= ABANDONED_AFTER_US;
        matches!(self.source.as_str(), "learned" | "configured") && !is_abandoned
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const UP: &[u8] = br#"{"name":"x","brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"UP"}}}"#;
    const DOWN: &[u8] = br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"TRY_CONNECT"}}}"#;
    /// Of a client that received an empty list of brokers: only its placeholders are left.
    pub(in crate::kafka) const NONE: &[u8] =
        br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"GroupCoordinator":{"source":"logical","state":"INIT"}}}"#;

    #[test]
    fn a_client_without_brokers_is_stranded() {
        let brokers = BrokerMonitor::new(Arc::new(HealthMonitor::new("h:1")));
        for (statistics, expected) in
            [(UP, false), (NONE, false), (DOWN, false), (NONE, false), (b"{}", false), (NONE, true), (UP, true)]
        {
            brokers.statistics(statistics);
            assert_eq!(brokers.is_stranded(), expected);
        }
    }

    /// As observed after a freeze: the removed broker is still listed, but the client does not connect to it.
    #[test]
    fn an_abandoned_broker_is_not_usable() {
        let at_rest = |age_us: u64| {
            format!(
                r#"{{"brokers":{{"h:1/1":{{"source":"learned","state":"INIT","stateage":{age_us}}},"GroupCoordinator":{{"source":"logical","state":"TRY_CONNECT","stateage":9}}}}}}"#
            )
        };
        let brokers = BrokerMonitor::new(Arc::new(HealthMonitor::new("h:1")));
        for (age_us, expected) in [(21_813_611, false), (400, false), (3_000_000, false), (4_000_000, true)] {
            brokers.statistics(at_rest(age_us).as_bytes());
            assert_eq!(brokers.is_stranded(), expected, "{age_us}");
        }
    }
}
