//! Questions to a server that does not answer fail at once, instead of each waiting for its own time limit.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::Clock;
use tokio::sync::watch;

use super::errors;
use crate::HistoryError;

/// How long nobody else asks after a question without an answer, microseconds.
const PAUSE_US: u64 = 2_000_000;

/// Shared by all questions to one server.
#[derive(Clone)]
pub(super) struct Breaker {
    /// Microseconds since the epoch.
    closed_until: Arc<AtomicU64>,
    /// What the newest probe found, where there are probes.
    silent: Arc<watch::Sender<bool>>,
    clock: Clock,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self { closed_until: Arc::default(), silent: Arc::new(watch::Sender::new(false)), clock }
    }

    /// # Errors
    /// Transient: the server did not answer a moment ago.
    pub(super) fn pass(&self, attempted: &str) -> Result<(), HistoryError> {
        if !*self.silent.borrow() && self.clock.now_us() >= self.closed_until.load(Ordering::Relaxed) {
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

    /// What a probe found. Questions under way are given up when the server falls silent.
    pub(super) fn report(&self, answers: bool) {
        self.silent.send_if_modified(|silent| std::mem::replace(silent, !answers) == answers);
        if answers {
            self.closed_until.store(0, Ordering::Relaxed);
        }
    }

    /// Waits for an answer within a time, as long as the server is known to answer at all.
    ///
    /// # Errors
    /// Those of the question. Transient: no answer in time, or a probe found that the server is silent.
    pub(super) async fn answer<T>(
        &self,
        attempted: &str,
        within: Duration,
        asked: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, HistoryError> {
        self.pass(attempted)?;
        let mut silent = self.silent.subscribe();
        let fallen_silent = async {
            // The sender is in `self`.
            let _ = silent.wait_for(|silent| *silent).await;
        };
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(within, asked) => match outcome {
                Ok(outcome) => outcome.map_err(|cause| errors::error(attempted, cause)),
                Err(_) => Err(errors::timeout(attempted)),
            },
            () = fallen_silent => Err(errors::timeout(attempted)),
        };
        outcome.inspect_err(|error| self.heed(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

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

    #[tokio::test]
    async fn a_silent_server_ends_what_is_under_way() {
        let breaker = Breaker::new(Clock::manual(1_000_000_000));
        let mut asked = Box::pin(breaker.answer::<()>("x", WITHIN, std::future::pending()));
        assert!(futures::poll!(asked.as_mut()).is_pending());
        breaker.report(false);
        assert!(asked.await.is_err_and(|error| error.reason() == "timeout"));
        assert!(breaker.answer("x", WITHIN, async { Ok(1) }).await.is_err(), "nobody asks it");
        breaker.report(true);
        assert_eq!(breaker.answer("x", WITHIN, async { Ok(1) }).await.expect("it answers again"), 1);
    }
}
