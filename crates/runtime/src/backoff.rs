//! Exponential backoff with jitter.

use std::time::Duration;

use rand::RngExt as _;

/// Doubles from the first delay up to the last, each with 20 % of jitter, so that many programs do not retry at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    last: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts with `first` and never waits much longer than `last`.
    pub fn new(first: Duration, last: Duration) -> Self {
        Self { first, last, next: first }
    }

    /// For dependencies over the network: from 100 ms to 5 s.
    pub fn for_services() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(5))
    }

    /// The delay before the next try.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.last);
        delay.mul_f64(rand::rng().random_range(0.8..1.2))
    }

    /// A try succeeded: the next failure starts small again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_last_and_starts_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for expected_ms in [100.0, 200.0, 350.0, 350.0] {
            let ratio = backoff.next_delay().as_secs_f64() * 1e3 / expected_ms;
            assert!((0.8..1.2).contains(&ratio), "{ratio} of {expected_ms} ms");
        }
        backoff.reset();
        assert!(backoff.next_delay() < Duration::from_millis(120));
    }
}
