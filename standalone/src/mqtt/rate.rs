//! The limit of a connection's packets per second. Pure.

use std::time::Duration;

/// A token bucket: each packet takes one token. It holds the tokens of one second, so that a burst of this size passes
/// at once, and refills at the permitted rate.
#[derive(Debug)]
pub(super) struct TokenBucket {
    /// Tokens added per second, and the size of the bucket.
    per_second: f64,
    tokens: f64,
    /// When `tokens` was computed (monotonic).
    filled_at: Duration,
}

impl TokenBucket {
    /// A full bucket. `now` is monotonic.
    pub(super) fn new(per_second: u32, now: Duration) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, tokens: per_second, filled_at: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The bucket has no token: the time until it has one.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let passed = now.saturating_sub(self.filled_at);
        self.filled_at = now;
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.per_second);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_passes_then_the_rate_applies() {
        let mut bucket = TokenBucket::new(10, Duration::ZERO);
        assert!((0..10).all(|_| bucket.take(Duration::ZERO).is_ok()));
        assert_eq!(bucket.take(Duration::ZERO), Err(Duration::from_millis(100)));
        assert!(bucket.take(Duration::from_millis(100)).is_ok());
        assert!(bucket.take(Duration::from_millis(100)).is_err());
        let much_later = Duration::from_secs(3_600);
        assert_eq!((0..50).filter(|_| bucket.take(much_later).is_ok()).count(), 10, "it holds a second's worth");
    }
}
