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
/// A broker that rests for longer is one that nobody will connect to again: a client without a connection looks every second
/// for one to make.
const RESTS_US: u64 = 3_000_000;

/// One client's view. A client can come to know no broker at all and never look for one again; whoever holds it then gives it
/// up and makes another.
///
/// It happens where all brokers are away for a moment, such as a single node that was frozen for longer than its own
/// controller believes: the cluster answers with an empty list of brokers, and librdkafka drops those it knew, the ones it was
/// given among them. It means to begin anew with the latter, but the answer just worked off calls that off where the two meet
/// (confluentinc/librdkafka#5301; from 2.10 on, at least to 2.15). A dismissed broker that something still refers to stays in
/// the list, at rest for ever, and hides that there is none: so one counts that is connected to, or is being so.
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
        // Only ever called from the client's own thread. Once given up, it stays so.
        match (brokers.values().any(Broker::is_of_use), self.without.load(Ordering::Relaxed)) {
            (false, without) => self.without.store(without.saturating_add(1), Ordering::Relaxed),
            (true, ..STRANDED_AFTER) => self.without.store(0, Ordering::Relaxed),
            (true, _) => {}
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

    /// Whether the cluster answers, this client or another.
    pub(super) fn cluster_answers(&self) -> bool {
        self.health.is_up()
    }

    /// The client is of no use, as others see it.
    pub(super) fn give_up(&self) {
        self.without.store(STRANDED_AFTER, Ordering::Relaxed);
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
    /// Since when it is in that state, microseconds.
    #[serde(default, rename = "stateage")]
    state_age_us: u64,
}

impl Broker {
    /// Whether it is one of the cluster's, not a place-holder, and anything can still come of it.
    fn is_of_use(&self) -> bool {
        let rests = self.state == "INIT" && self.state_age_us >= RESTS_US;
        matches!(self.source.as_str(), "learned" | "configured") && !rests
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const UP: &[u8] = br#"{"name":"x","brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"UP"}}}"#;
    const DOWN: &[u8] = br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"h:1/1":{"source":"learned","state":"TRY_CONNECT"}}}"#;
    /// Of a client that was told of an empty list: its place-holders are left.
    pub(in crate::kafka) const NONE: &[u8] =
        br#"{"brokers":{":0/internal":{"source":"internal","state":"UP"},"GroupCoordinator":{"source":"logical","state":"INIT"}}}"#;

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
    /// As seen after a freeze: the dismissed broker is listed, and nobody connects to it.
    #[test]
    fn a_dismissed_broker_hides_no_stranding() {
        let at_rest = |age_us: u64| {
            format!(
                r#"{{"brokers":{{"h:1/1":{{"source":"learned","state":"INIT","stateage":{age_us}}},"GroupCoordinator":{{"source":"logical","state":"TRY_CONNECT","stateage":9}}}}}}"#
            )
        };
        let lookout = Lookout::new(Arc::new(Monitor::new("h:1")));
        for (age_us, expected) in [(21_813_611, false), (400, false), (3_000_000, false), (4_000_000, true)] {
            lookout.statistics(at_rest(age_us).as_bytes());
            assert_eq!(lookout.is_stranded(), expected, "{age_us}");
        }
    }
}
