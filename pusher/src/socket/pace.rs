//! How often a shard flushes: every tick, and less often while sending takes most of it.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pace {
    shortest: Duration,
    tick: Duration,
    flushed_at: Duration,
}

impl Pace {
    pub(super) fn new(shortest: Duration) -> Self {
        Self { shortest, tick: shortest, flushed_at: Duration::ZERO }
    }

    /// At once after an idle tick; else when the tick is over.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.wait(now).is_zero()
    }

    /// Time to the end of the tick.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        (self.flushed_at + self.tick).saturating_sub(now)
    }

    /// A flush began at `at` and took so long: the tick doubles while that is more than half of it, and shrinks again
    /// when it would be less than half of a shorter one.
    pub(super) fn flushed(&mut self, at: Duration, took: Duration) {
        self.flushed_at = at;
        if took > self.tick / 2 {
            self.tick = (self.tick * 2).min(LONGEST.max(self.shortest));
        } else if took < self.tick / 4 {
            self.tick = (self.tick / 2).max(self.shortest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(25);

    #[test]
    fn the_tick_follows_the_load_between_its_bounds() {
        let mut pace = Pace::new(TICK);
        let now = Duration::from_secs(10);
        assert!(pace.is_due(now), "idle: at once");
        pace.flushed(now, Duration::from_millis(20));
        assert_eq!(pace.wait(now), TICK * 2);
        (0..10).for_each(|_| pace.flushed(now, Duration::from_secs(2)));
        assert_eq!(pace.wait(now), LONGEST);
        (0..10).for_each(|_| pace.flushed(now, Duration::from_millis(1)));
        assert_eq!(pace.wait(now), TICK);
        assert!(!pace.is_due(now + TICK / 2) && pace.is_due(now + TICK));
    }
}
