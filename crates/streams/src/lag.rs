//! How far a reader of the log is behind. Pure.

use std::time::Duration;

/// How far a reader is behind what its partitions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records that are there and not done: of a group those that it has not committed, over all partitions; of a reader
    /// without a group those that it has not read. In a compacted topic there may be fewer.
    pub records: u64,
    /// Of this reader's own partitions, those that hold records which it has not read.
    pub behind: Vec<Behind>,
}

/// A partition with records that were not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The time of the record up to which it was read, milliseconds since the epoch. `None`: nothing was read yet.
    pub read_to_ms: Option<i64>,
    /// For how long it has been behind, at least. A record that arrived a moment ago, on a partition that was quiet before,
    /// makes no long lag.
    pub at_least: Duration,
}

impl Lag {
    /// The lag in time at `now_us` (microseconds since the epoch), of the partition where it is the largest. It is 0 where
    /// everything was read.
    pub fn seconds(&self, now_us: u64) -> f64 {
        self.behind.iter().map(|behind| behind.lasts(now_us).as_secs_f64()).fold(0.0, f64::max)
    }

    /// The lag of two readers as that of one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.records += other.records;
        self.behind.extend(other.behind);
        self
    }
}

impl Behind {
    fn lasts(&self, now_us: u64) -> Duration {
        let read_to_us = self.read_to_ms.and_then(|ms| u64::try_from(ms).ok()).map(|ms| ms.saturating_mul(1_000));
        let age =
            read_to_us.map_or(Duration::MAX, |read_to_us| Duration::from_micros(now_us.saturating_sub(read_to_us)));
        age.min(self.at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_784_030_400_000_000;

    fn behind(age_ms: Option<i64>, at_least_s: u64) -> Behind {
        let read_to_ms = age_ms.map(|age_ms| (NOW_US / 1_000).cast_signed() - age_ms);
        Behind { read_to_ms, at_least: Duration::from_secs(at_least_s) }
    }

    #[test]
    fn the_partition_that_is_most_behind_counts() {
        for (behind, expected) in [
            (vec![], 0.0),
            (vec![behind(Some(1_500), 60)], 1.5),
            (vec![behind(Some(1_500), 60), behind(Some(4_000), 60)], 4.0),
            // A record after a quiet hour, seen for the first time; and 8 s later.
            (vec![behind(Some(3_600_000), 0)], 0.0),
            (vec![behind(Some(3_600_000), 8)], 8.0),
            // Nothing was read yet; a clock that is ahead.
            (vec![behind(None, 8)], 8.0),
            (vec![behind(Some(-5_000), 60)], 0.0),
        ] {
            let lag = Lag { records: 0, behind };
            assert!((lag.seconds(NOW_US) - expected).abs() < 1e-9, "{lag:?}");
        }
    }

    #[test]
    fn two_readers_count_together() {
        let one = Lag { records: 3, behind: vec![behind(Some(1_000), 60)] };
        let both = one.and(Lag { records: 4, behind: vec![behind(Some(2_000), 60)] });
        assert_eq!((both.records, both.behind.len()), (7, 2));
        assert!((both.seconds(NOW_US) - 2.0).abs() < 1e-9);
    }
}
