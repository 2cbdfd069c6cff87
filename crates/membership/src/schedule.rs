//! When a partition's task checkpoints, and when it searches for late writes of a former owner.
//!
//! The tasks are spread over the interval: if all checkpointed at the same time, the records at that time would be
//! delayed.

use std::time::Duration;

/// A search for late writes follows every second checkpoint, halfway to the next one, but not more often than this.
const MIN_LATE_WRITE_SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// The next times of both, and their intervals.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    checkpoint: Every,
    late_write_search: Every,
}

#[derive(Clone, Copy, Debug)]
struct Every {
    interval: Duration,
    next: Duration,
}

impl Schedule {
    /// The times of task `index` (from 1) of `count` that start at the same time.
    pub fn new(now: Duration, checkpoint_interval: Duration, index: u32, count: u32) -> Self {
        let first = now + checkpoint_interval * index / count.max(1);
        let search_interval = (checkpoint_interval * 2).max(MIN_LATE_WRITE_SEARCH_INTERVAL);
        Self {
            checkpoint: Every { interval: checkpoint_interval, next: first },
            late_write_search: Every {
                interval: search_interval,
                next: first + search_interval - checkpoint_interval / 2,
            },
        }
    }

    /// When the next checkpoint or search for late writes is due.
    pub fn next(&self) -> Duration {
        self.checkpoint.next.min(self.late_write_search.next)
    }

    /// Whether a checkpoint and a search for late writes are due; advances those that are.
    pub fn due(&mut self, now: Duration) -> (bool, bool) {
        (self.checkpoint.take(now), self.late_write_search.take(now))
    }
}

impl Every {
    /// Missed times are skipped.
    fn take(&mut self, now: Duration) -> bool {
        if now < self.next {
            return false;
        }
        self.next += self.interval;
        if self.next <= now {
            self.next = now + self.interval;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn tasks_are_spread_over_the_interval() {
        let firsts: Vec<_> = (1..=4).map(|index| Schedule::new(10 * SECOND, 4 * SECOND, index, 4).next()).collect();
        assert_eq!(firsts, [11 * SECOND, 12 * SECOND, 13 * SECOND, 14 * SECOND]);
    }

    #[test]
    fn looks_are_between_checkpoints() {
        let mut schedule = Schedule::new(Duration::ZERO, 4 * SECOND, 1, 1);
        let mut seen = Vec::new();
        for second in 0..25 {
            match schedule.due(second * SECOND) {
                (true, false) => seen.push((second, "checkpoint")),
                (false, true) => seen.push((second, "search")),
                (is_both, _) => assert!(!is_both),
            }
        }
        let searches: Vec<_> = seen.iter().filter(|(_, what)| *what == "search").map(|(second, _)| *second).collect();
        assert_eq!(searches, [10, 18]);
        assert_eq!(seen.len() - searches.len(), 6, "4, 8 and so on to 24");
    }

    #[test]
    fn missed_times_are_skipped() {
        let mut schedule = Schedule::new(Duration::ZERO, SECOND, 1, 1);
        assert_eq!(schedule.due(10 * SECOND), (true, true));
        assert_eq!(schedule.due(10 * SECOND), (false, false));
        assert_eq!(schedule.next(), 11 * SECOND);
    }
}
