//! When a partition's task checkpoints, and when it looks for late writes of a former owner.
//!
//! Tasks take turns over the interval: if all checkpointed at once, the records of that moment would be delayed.

use std::time::Duration;

/// A look comes after every second checkpoint, halfway to the next one, but not more often than this.
const SHORTEST_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The next times of both, and how long it is from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    checkpoint: Every,
    look: Every,
}

#[derive(Clone, Copy, Debug)]
struct Every {
    interval: Duration,
    next: Duration,
}

impl Turns {
    /// Of the task that is number `index` (from 1) of `count` that begin at the same time.
    pub fn new(now: Duration, checkpoint_interval: Duration, index: u32, count: u32) -> Self {
        let first = now + checkpoint_interval * index / count.max(1);
        let look_interval = (checkpoint_interval * 2).max(SHORTEST_LOOK_INTERVAL);
        Self {
            checkpoint: Every { interval: checkpoint_interval, next: first },
            look: Every { interval: look_interval, next: first + look_interval - checkpoint_interval / 2 },
        }
    }

    /// When the next of either is due.
    pub fn next(&self) -> Duration {
        self.checkpoint.next.min(self.look.next)
    }

    /// Whether a checkpoint and a look are due; then the ones after them are next.
    pub fn due(&mut self, now: Duration) -> (bool, bool) {
        (self.checkpoint.take(now), self.look.take(now))
    }
}

impl Every {
    /// Times that were missed are not made up for.
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
    fn tasks_take_turns_over_the_interval() {
        let firsts: Vec<_> = (1..=4).map(|index| Turns::new(10 * SECOND, 4 * SECOND, index, 4).next()).collect();
        assert_eq!(firsts, [11 * SECOND, 12 * SECOND, 13 * SECOND, 14 * SECOND]);
    }

    #[test]
    fn looks_lie_between_checkpoints() {
        let mut turns = Turns::new(Duration::ZERO, 4 * SECOND, 1, 1);
        let mut seen = Vec::new();
        for second in 0..25 {
            match turns.due(second * SECOND) {
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
    fn what_was_missed_is_not_made_up_for() {
        let mut turns = Turns::new(Duration::ZERO, SECOND, 1, 1);
        assert_eq!(turns.due(10 * SECOND), (true, true));
        assert_eq!(turns.due(10 * SECOND), (false, false));
        assert_eq!(turns.next(), 11 * SECOND);
    }
}
