//! Keeps requests from a service that does not answer, so that each caller learns it at once.

use std::time::Duration;

/// Failures in a row after which nothing is asked.
const MAX_FAILURES: u32 = 5;
/// How long nothing is asked; then one request tries it.
const PAUSE: Duration = Duration::from_secs(10);

/// A circuit breaker. The caller passes the time.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// When one may try it.
    retry_at: Duration,
}

impl Breaker {
    /// Whether to ask now. Where the service was down, one caller alone is let through.
    pub(super) fn may_ask(&mut self, now: Duration) -> bool {
        if self.failures < MAX_FAILURES {
            return true;
        }
        let may = now >= self.retry_at;
        if may {
            self.retry_at = now + PAUSE;
        }
        may
    }

    /// It has answered.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It has not. The result: whether nothing is asked from now on, which was not so before.
    pub(super) fn failed(&mut self, now: Duration) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now + PAUSE;
        self.failures == MAX_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_down_is_tried_by_one_at_a_time() {
        let (mut breaker, start) = (Breaker::default(), Duration::from_secs(100));
        for failure in 1..=MAX_FAILURES {
            assert!(breaker.may_ask(start));
            assert_eq!(breaker.failed(start), failure == MAX_FAILURES);
        }
        assert!(!breaker.may_ask(start + PAUSE - Duration::from_millis(1)));
        assert!(breaker.may_ask(start + PAUSE) && !breaker.may_ask(start + PAUSE), "one tries it");
        breaker.failed(start + PAUSE);
        assert!(!breaker.may_ask(start + PAUSE * 2 - Duration::from_millis(1)));
        assert!(breaker.may_ask(start + PAUSE * 2));
        breaker.succeeded();
        assert!(breaker.may_ask(start + PAUSE * 2) && breaker.may_ask(start + PAUSE * 2));
    }
}
