//! Who asks a server that did not answer a moment ago is told so at once, instead of waiting for the time limit, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runtime::Clock;

use crate::HistoryError;

/// How long nobody else asks, microseconds.
const PAUSE_US: u64 = 2_000_000;

/// Shared by all questions to one server.
#[derive(Clone)]
pub(super) struct Breaker {
    /// Microseconds since the epoch.
    closed_until: Arc<AtomicU64>,
    clock: Clock,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self { closed_until: Arc::default(), clock }
    }

    /// # Errors
    /// Transient: the server did not answer a moment ago.
    pub(super) fn pass(&self, attempted: &str) -> Result<(), HistoryError> {
        if self.clock.now_us() >= self.closed_until.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(HistoryError::transient("unavailable", attempted, "the server did not answer a moment ago"))
    }

    /// Remembers that the server did not answer.
    pub(super) fn heed(&self, error: &HistoryError) {
        if matches!(error.reason(), "unavailable" | "timeout") {
            self.closed_until.store(self.clock.now_us() + PAUSE_US, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn after_silence_nobody_waits_for_a_while() {
        let clock = Clock::manual(1_000_000_000);
        let breaker = Breaker::new(clock.clone());
        breaker.heed(&HistoryError::transient("busy", "x", "too many queries"));
        assert!(breaker.pass("x").is_ok(), "it answered");
        breaker.heed(&HistoryError::transient("timeout", "x", "silence"));
        assert!(breaker.pass("x").is_err_and(|error| error.is_transient()));
        clock.advance(Duration::from_secs(2));
        assert!(breaker.pass("x").is_ok());
    }
}
