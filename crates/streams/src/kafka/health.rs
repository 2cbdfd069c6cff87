//! Whether the cluster can be reached: up when it answers a request, down when it does not, or when a client of this
//! process reports an error first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::types::RDKafkaErrorCode;
use tokio::time::Instant;

/// Whether a cluster can be reached.
#[derive(Clone, Debug)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// Since when.
    pub since: Instant,
    /// The last error of a client, kept after the cluster is up again.
    pub last_error: Option<String>,
}

/// The state of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// No answer and no error yet.
    Connecting,
    /// At least one broker answers.
    Up,
    /// No broker answers, or all refuse the credentials.
    Down,
}

impl Health {
    /// Whether at least one broker answers.
    pub fn is_up(&self) -> bool {
        self.state == HealthState::Up
    }
}

/// Collects the observations of all clients. Logs once per change.
pub(super) struct HealthMonitor {
    bootstrap: String,
    health: Mutex<Health>,
}

impl HealthMonitor {
    pub(super) fn new(bootstrap: &str) -> Self {
        let health = Health { state: HealthState::Connecting, since: Instant::now(), last_error: None };
        Self { bootstrap: bootstrap.to_owned(), health: Mutex::new(health) }
    }

    pub(super) fn now(&self) -> Health {
        self.lock().clone()
    }

    /// A client's error. Only some mean that the cluster is unavailable.
    pub(super) fn error(&self, code: RDKafkaErrorCode, text: &str) {
        let mut health = self.lock();
        let known = health.last_error.as_deref() == Some(text);
        // "All brokers are down" has less detail than the error before it.
        if !(code == RDKafkaErrorCode::AllBrokersDown && health.last_error.is_some()) {
            health.last_error = Some(text.to_owned());
        }
        if is_down(code) {
            self.down(&mut health);
        } else if !known {
            tracing::debug!(bootstrap = %self.bootstrap, ?code, "kafka client: {text}");
        }
    }

    /// A request was not answered.
    pub(super) fn silent(&self, text: &str) {
        let mut health = self.lock();
        // Before the first answer, the errors of the clients have more detail.
        let known = health.last_error.take().filter(|_| health.state != HealthState::Up);
        health.last_error = known.or_else(|| Some(text.to_owned()));
        self.down(&mut health);
    }

    /// A request was answered.
    pub(super) fn up(&self) {
        let mut health = self.lock();
        if !health.is_up() {
            tracing::info!(bootstrap = %self.bootstrap, "kafka is reachable");
            health.state = HealthState::Up;
            health.since = Instant::now();
        }
    }

    /// Whether the last request was answered.
    pub(super) fn is_up(&self) -> bool {
        self.lock().is_up()
    }

    fn down(&self, health: &mut Health) {
        if health.state != HealthState::Down {
            let reason = health.last_error.as_deref().unwrap_or_default();
            tracing::warn!(bootstrap = %self.bootstrap, %reason, "cannot reach kafka");
            health.state = HealthState::Down;
            health.since = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_down(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::AllBrokersDown | Code::Authentication | Code::SaslAuthenticationFailed | Code::SSL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_down_with_the_cause_and_up_with_an_answer() {
        let monitor = HealthMonitor::new("h:1");
        assert_eq!(monitor.now().state, HealthState::Connecting);
        monitor.error(RDKafkaErrorCode::BrokerTransportFailure, "h:1: connection refused");
        assert_eq!(monitor.now().state, HealthState::Connecting);
        monitor.error(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(monitor.now().state, HealthState::Down);
        assert_eq!(monitor.now().last_error.as_deref(), Some("h:1: connection refused"));
        monitor.up();
        assert_eq!(monitor.now().state, HealthState::Up);
    }

    #[test]
    fn an_unanswered_request_is_down() {
        let monitor = HealthMonitor::new("h:1");
        monitor.up();
        monitor.error(RDKafkaErrorCode::BrokerTransportFailure, "h:1: disconnected");
        monitor.silent("no answer");
        assert_eq!((monitor.is_up(), monitor.now().last_error.as_deref()), (false, Some("no answer")));
        monitor.error(RDKafkaErrorCode::BrokerTransportFailure, "h:1: connection refused");
        monitor.silent("no answer");
        assert_eq!(monitor.now().last_error.as_deref(), Some("h:1: connection refused"));
        monitor.up();
        assert!(monitor.is_up());
    }

    #[test]
    fn refused_credentials_are_down() {
        let monitor = HealthMonitor::new("h:1");
        monitor.up();
        monitor.error(RDKafkaErrorCode::Authentication, "SASL authentication error");
        assert_eq!(monitor.now().state, HealthState::Down);
    }
}
