//! What one client sees of its cluster's brokers, as its events and statistics tell.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use serde::Deserialize;

use super::health::Monitor;
use crate::StreamError;

/// So many statistics in a row, one a second, without a broker. A client that begins anew has its first ones within
/// milliseconds.
const STRANDED_AFTER: u32 = 2;

/// One client's view. A client can come to know no broker at all and never look for one again; whoever holds it then gives it
/// up and makes another.
///
/// It happens where all brokers are away for a moment, such as a single node that was frozen for longer than its own
/// controller believes: the cluster answers with an empty list of brokers, and librdkafka drops those it knew, the ones it was
/// given among them. It means to begin anew with the latter, but the answer just worked off calls that off where the two meet
/// (confluentinc/librdkafka#5301; from 2.10 on, at least to 2.15).
pub(super) struct Lookout {
    health: Arc<Monitor>,
    /// Statistics in a row that named no broker.
    without: AtomicU32,
}

impl Lookout {
    pub(super) fn new(health: Arc<Monitor>) -> Self {
        Self { health, without: AtomicU32::new(0) }
    }

    /// A client's statistics.
    pub(super) fn statistics(&self, json: &[u8]) {
        let Ok(Statistics { brokers }) = serde_json::from_slice(json) else { return };
        let mut known = brokers.values().filter(|broker| broker.is_one()).peekable();
        // Only ever called from the client's own thread. Once given up, it stays so.
        match (known.peek(), self.without.load(Ordering::Relaxed)) {
            (None, without) => self.without.store(without.saturating_add(1), Ordering::Relaxed),
            (Some(_), ..STRANDED_AFTER) => self.without.store(0, Ordering::Relaxed),
            (Some(_), _) => {}
        }
        if known.any(|broker| broker.state == "UP") {
            self.health.up();
        }
    }

    /// A client's error event.
    pub(super) fn error(&self, error: &KafkaError, text: &str) {
        match error.rdkafka_error_code() {
            // No error, but news that every caught-up partition brings.
            None | Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) => self.health.error(code, text),
        }
    }

    /// Whether the client must be given up.
    pub(super) fn is_stranded(&self) -> bool {
        self.without.load(Ordering::Relaxed) >= STRANDED_AFTER
    }
}

/// The reason in the errors of a stranded client.
pub(super) const STRANDED: &str = "stranded";

/// What a call on a stranded client fails with.
pub(super) fn stranded(attempted: &str) -> StreamError {
    StreamError::fatal(STRANDED, attempted, WHY_STRANDED)
}

/// In words.
pub(super) const WHY_STRANDED: &str = "the client knows no broker any more, and another must take over";

#[derive(Deserialize)]
struct Statistics {
    brokers: HashMap<String, Broker>,
}

#[derive(Deserialize)]
struct Broker {
    /// `learned`, `configured`, `internal` or `logical`.
    source: String,
    state: String,
}

impl Broker {
    /// Whether it is one of the cluster's, not a place-holder.
    fn is_one(&self) -> bool {
        matches!(self.source.as_str(), "learned" | "configured")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kafka::HealthState;

    const UP: &[u8] = br#"{"name":"x","brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"UP"}}}"#;
    const DOWN: &[u8] = br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"TRY_CONNECT"}}}"#;
    /// Of a client that was told of an empty list: its place-holders are left.
    pub(in crate::kafka) const NONE: &[u8] =
        br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"GroupCoordinator":{"source":"logical","state":"INIT"}}}"#;

    #[test]
    fn the_cluster_is_reached_with_the_first_broker() {
        let health = Arc::new(Monitor::new("h:1"));
        let lookout = Lookout::new(health.clone());
        for (statistics, state) in
            [(DOWN, HealthState::Connecting), (NONE, HealthState::Connecting), (UP, HealthState::Up)]
        {
            lookout.statistics(statistics);
            assert_eq!(health.now().state, state);
        }
    }

    #[test]
    fn a_client_is_stranded_that_goes_on_knowing_nobody() {
        let lookout = Lookout::new(Arc::new(Monitor::new("h:1")));
        for (statistics, expected) in
            [(UP, false), (NONE, false), (DOWN, false), (NONE, false), (b"{}", false), (NONE, true), (UP, true)]
        {
            lookout.statistics(statistics);
            assert_eq!(lookout.is_stranded(), expected);
        }
    }
}
