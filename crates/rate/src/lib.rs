//! Rate limits, and the bounded table of those who are limited. Pure: the caller passes the time.

mod lru;

pub use lru::{Dropped, Lru};

/// `burst` times at once, and once more with every `period_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    period_us: u64,
    burst: u32,
}

impl RateLimit {
    /// Once per period, and `burst` times (at least once) after a pause.
    pub const fn every_us(period_us: u64, burst: u32) -> Self {
        Self { period_us, burst: if burst == 0 { 1 } else { burst } }
    }

    /// So often per second (at least once), and `burst` times (at least once) after a pause.
    pub const fn per_second(rate: u32, burst: u32) -> Self {
        Self::every_us(1_000_000 / if rate == 0 { 1 } else { rate as u64 }, burst)
    }

    /// The time in which one token comes.
    pub const fn period_us(self) -> u64 {
        self.period_us
    }

    /// How far ahead of now the full time of a bucket may be for it to still have a token.
    pub const fn tolerance_us(self) -> u64 {
        self.period_us.saturating_mul(self.burst as u64 - 1)
    }
}

/// A token bucket in eight bytes: when it is full again. A new one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBucket {
    full_at_us: u64,
}

impl TokenBucket {
    /// A bucket that is full from then on.
    pub const fn full_at(full_at_us: u64) -> Self {
        Self { full_at_us }
    }

    /// When it is full again, in the time that it is asked with.
    pub const fn full_at_us(self) -> u64 {
        self.full_at_us
    }

    /// Whether it is full, like a new one.
    pub const fn is_full(self, now_us: u64) -> bool {
        self.full_at_us <= now_us
    }

    /// How long until it has a token; 0: it has one.
    pub const fn wait_us(self, limit: RateLimit, now_us: u64) -> u64 {
        self.full_at_us.saturating_sub(now_us.saturating_add(limit.tolerance_us()))
    }

    /// Takes a token. False: there is none.
    pub fn take(&mut self, limit: RateLimit, now_us: u64) -> bool {
        self.take_with_credit(limit, 0, now_us)
    }

    /// As [`take`](Self::take), where also the time before the last `credit_us` filled the bucket beyond its burst.
    pub fn take_with_credit(&mut self, limit: RateLimit, credit_us: u64, now_us: u64) -> bool {
        // An empty bucket is full after a burst's time: more than that says only that the time was set back.
        let empty_us = now_us.saturating_add(limit.tolerance_us()).saturating_add(limit.period_us);
        self.full_at_us = self.full_at_us.min(empty_us);
        let full_at_us = self.full_at_us.max(now_us.saturating_sub(credit_us));
        if full_at_us > now_us.saturating_add(limit.tolerance_us()) {
            return false;
        }
        self.full_at_us = full_at_us.saturating_add(limit.period_us);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    fn taken(bucket: &mut TokenBucket, limit: RateLimit, asked: u32, now_us: u64) -> usize {
        (0..asked).filter(|_| bucket.take(limit, now_us)).count()
    }

    #[test]
    fn a_bucket_fills_and_empties_as_the_table_says() {
        // One a second, three at once. Each row: when, whether there is a token, and how long until there is one after it.
        let (limit, mut bucket) = (RateLimit::per_second(1, 3), TokenBucket::default());
        let start_us = 1_000 * SECOND_US;
        for (at_us, taken, wait_us) in [
            (0, true, 0),
            (0, true, 0),
            (0, true, 1_000_000),
            (0, false, 1_000_000),
            (999_999, false, 1),
            (1_000_000, true, 1_000_000),
            (1_500_000, false, 500_000),
            (3_000_000, true, 0),
            (3_000_000, true, 1_000_000),
            (3_000_000, false, 1_000_000),
            (60_000_000, true, 0),
            (60_000_000, true, 0),
            (60_000_000, true, 1_000_000),
            (60_000_000, false, 1_000_000),
            // A clock that was set back waits for a burst's time at most.
            (0, false, 1_000_000),
            (1_000_000, true, 1_000_000),
        ] {
            let now_us = start_us + at_us;
            assert_eq!((bucket.take(limit, now_us), bucket.wait_us(limit, now_us)), (taken, wait_us), "{at_us}");
        }
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (limit, mut bucket) = (RateLimit::per_second(10, 5), TokenBucket::default());
        let start_us = 1_000 * SECOND_US;
        assert_eq!(taken(&mut bucket, limit, 100, start_us), 5);
        assert_eq!(taken(&mut bucket, limit, 100, start_us + 99_999), 0);
        assert_eq!(taken(&mut bucket, limit, 100, start_us + 100_000), 1);
        assert_eq!(taken(&mut bucket, limit, 100, start_us + 350_000), 2);
        assert!(!bucket.is_full(start_us + 350_000));
        assert_eq!(taken(&mut bucket, limit, 100, start_us + 60 * SECOND_US), 5, "a pause gives no more than a burst");
    }

    #[test]
    fn the_wait_ends_with_a_token() {
        let (limit, mut bucket) = (RateLimit::per_second(10, 5), TokenBucket::default());
        let start_us = 1_000 * SECOND_US;
        assert_eq!(bucket.wait_us(limit, start_us), 0);
        assert_eq!(taken(&mut bucket, limit, 100, start_us), 5);
        let wait_us = bucket.wait_us(limit, start_us);
        assert_eq!(wait_us, 100_000);
        assert!(!bucket.take(limit, start_us + wait_us - 1) && bucket.take(limit, start_us + wait_us));
    }

    #[test]
    fn any_stretch_of_time_is_bounded() {
        let (limit, mut bucket) = (RateLimit::per_second(100, 50), TokenBucket::default());
        let passed: usize = (0..10_000_u64).map(|at| taken(&mut bucket, limit, 3, at * 1_000)).sum();
        assert!((1_040..=1_050).contains(&passed), "{passed} in ten seconds");
    }

    #[test]
    fn an_absence_is_made_up_for() {
        let (limit, mut bucket) = (RateLimit::per_second(100, 50), TokenBucket::default());
        let now_us = 1_000 * SECOND_US;
        let passed = (0..5_000).filter(|_| bucket.take_with_credit(limit, 10 * SECOND_US, now_us)).count();
        assert_eq!(passed, 1_050, "ten seconds at 100 a second, and the burst");
    }

    #[test]
    fn a_time_set_back_empties_a_bucket_at_most() {
        let (limit, mut bucket) = (RateLimit::per_second(10, 5), TokenBucket::default());
        assert!(bucket.take(limit, 9_000 * SECOND_US));
        let now_us = 1_000 * SECOND_US;
        assert_eq!(taken(&mut bucket, limit, 100, now_us), 0);
        assert_eq!(taken(&mut bucket, limit, 100, now_us + SECOND_US / 5), 2);
        assert_eq!(taken(&mut bucket, limit, 100, now_us + SECOND_US), 5);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut bucket = TokenBucket::full_at(u64::MAX - 1);
        assert!(!bucket.take(RateLimit::every_us(1, 1), 0));
        assert!(bucket.take(RateLimit::every_us(u64::MAX, u32::MAX), u64::MAX));
        assert!(TokenBucket::default().take(RateLimit::per_second(0, 0), 0), "never less than once");
    }
}
