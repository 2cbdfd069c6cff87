//! When a partition's task checkpoints, and when it looks for late writes of a former owner.
//!
//! The tasks are spread over the interval: if all checkpointed at the same time, the records at that time would be
//! delayed.

use std::time::Duration;

/// A look for late writes follows every second checkpoint, halfway to the next one, but not more often than this.
const SHORTEST_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The next times of both, and their intervals.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    checkpoint: Every,
    look: Every,
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
        let look_interval = (checkpoint_interval * 2).max(SHORTEST_LOOK_INTERVAL);
        Self {
            checkpoint: Every { interval: checkpoint_interval, next: first },
            look: Every { interval: look_interval, next: first + look_interval - checkpoint_interval / 2 },
        }
    }

    /// When the next checkpoint or look is due.
    pub fn next(&self) -> Duration {
        self.checkpoint.next.min(self.look.next)
    }

    /// Whether a checkpoint and a look are due; advances those that are.
    pub fn due(&mut self, now: Duration) -> (bool, bool) {
        (self.checkpoint.take(now), self.look.take(now))
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
                (false, true) => seen.push((second, "look")),
                (is_both, _) => assert!(!is_both),
            }
        }
        let looks: Vec<_> = seen.iter().filter(|(_, what)| *what == "look").map(|(second, _)| *second).collect();
        assert_eq!(looks, [10, 18]);
        assert_eq!(seen.len() - looks.len(), 6, "4, 8 and so on to 24");
    }

    #[test]
    fn missed_times_are_skipped() {
        let mut schedule = Schedule::new(Duration::ZERO, SECOND, 1, 1);
        assert_eq!(schedule.due(10 * SECOND), (true, true));
        assert_eq!(schedule.due(10 * SECOND), (false, false));
        assert_eq!(schedule.next(), 11 * SECOND);
    }
}
