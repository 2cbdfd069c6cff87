//! A circuit breaker: queries to a server that does not answer fail immediately, instead of waiting for their time
//! limits.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::Clock;
use tokio::sync::watch;

use super::errors;
use crate::HistoryError;

/// How long the breaker stays open after a query without an answer.
const OPEN: Duration = Duration::from_secs(2);

/// Shared by all queries to one server.
#[derive(Clone)]
pub(super) struct Breaker {
    /// Monotonic microseconds: a wall clock that is set back would keep the breaker open.
    open_until: Arc<AtomicU64>,
    /// Whether the newest probe, if any, got no answer.
    unresponsive: Arc<watch::Sender<bool>>,
    clock: Clock,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self { open_until: Arc::default(), unresponsive: Arc::new(watch::Sender::new(false)), clock }
    }

    fn now_us(&self) -> u64 {
        micros(self.clock.monotonic())
    }

    /// Checks whether a query may be sent.
    ///
    /// # Errors
    /// Transient: the server did not answer the last query or probe.
    pub(super) fn check(&self, attempted: &str) -> Result<(), HistoryError> {
        if !*self.unresponsive.borrow() && self.now_us() >= self.open_until.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(HistoryError::transient("unavailable", attempted, "the server did not answer the last request"))
    }

    /// Opens the breaker after an error of a server that did not answer.
    pub(super) fn record(&self, error: &HistoryError) {
        if matches!(error.reason(), "unavailable" | "timeout") {
            self.open_until.store(self.now_us() + micros(OPEN), Ordering::Relaxed);
        }
    }

    /// Reports the result of a probe. When the server does not answer, queries in progress fail.
    pub(super) fn report(&self, answers: bool) {
        self.unresponsive.send_if_modified(|unresponsive| std::mem::replace(unresponsive, !answers) == answers);
        if answers {
            self.open_until.store(0, Ordering::Relaxed);
        }
    }

    /// Waits for an answer up to a time limit, and only while the server answers probes.
    ///
    /// # Errors
    /// Those of the query. Transient: no answer in time, or a probe without an answer.
    pub(super) async fn answer<T>(
        &self,
        attempted: &str,
        within: Duration,
        request: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, HistoryError> {
        self.check(attempted)?;
        let mut unresponsive = self.unresponsive.subscribe();
        let becomes_unresponsive = async {
            // `self` owns the sender, so that the channel stays open.
            let _ = unresponsive.wait_for(|unresponsive| *unresponsive).await;
        };
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(within, request) => match outcome {
                Ok(outcome) => outcome.map_err(|cause| errors::error(attempted, cause)),
                Err(_) => Err(errors::timeout(attempted)),
            },
            () = becomes_unresponsive => Err(errors::timeout(attempted)),
        };
        outcome.inspect_err(|error| self.record(error))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

    #[test]
    fn queries_fail_immediately_after_a_timeout() {
        let clock = Clock::manual(1_000_000_000);
        let breaker = Breaker::new(clock.clone());
        breaker.record(&HistoryError::transient("busy", "x", "too many queries"));
        assert!(breaker.check("x").is_ok(), "it answered");
        breaker.record(&HistoryError::transient("timeout", "x", "silence"));
        assert!(breaker.check("x").is_err_and(|error| error.is_transient()));
        clock.advance(Duration::from_secs(2));
        assert!(breaker.check("x").is_ok());
    }

    #[tokio::test]
    async fn an_unanswered_probe_ends_queries_in_progress() {
        let breaker = Breaker::new(Clock::manual(1_000_000_000));
        let mut asked = Box::pin(breaker.answer::<()>("x", WITHIN, std::future::pending()));
        assert!(futures::poll!(asked.as_mut()).is_pending());
        breaker.report(false);
        assert!(asked.await.is_err_and(|error| error.reason() == "timeout"));
        assert!(breaker.answer("x", WITHIN, async { Ok(1) }).await.is_err(), "not sent");
        breaker.report(true);
        assert_eq!(breaker.answer("x", WITHIN, async { Ok(1) }).await.expect("it answers again"), 1);
    }
}
