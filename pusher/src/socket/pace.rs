//! The interval of a shard's flushes: one tick, and longer while flushes take more than half of the time.

use std::time::Duration;

/// The longest tick.
const LONGEST: Duration = Duration::from_secs(1);

/// The tick of a shard, adapted to the load.
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

    /// Whether a flush is due: at once after an idle tick, otherwise when the tick is over.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.wait(now).is_zero()
    }

    /// Time to the end of the tick.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        (self.flushed_at + self.tick).saturating_sub(now)
    }

    /// Adapts the tick to a flush that began at `at` and took `took`: the tick becomes twice as long as the flush,
    /// within its limits, so that at least half of the time is left for other work. It grows at once and shrinks by
    /// halves, because one short flush is no sign of a lower load.
    pub(super) fn flushed(&mut self, at: Duration, took: Duration) {
        self.flushed_at = at;
        self.tick = (took * 2).max(self.tick / 2).clamp(self.shortest, LONGEST.max(self.shortest));
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
        assert_eq!(pace.wait(now), Duration::from_millis(40));
        pace.flushed(now, Duration::from_millis(1));
        assert_eq!(pace.wait(now), TICK, "not shorter than the shortest");
        pace.flushed(now, Duration::from_secs(2));
        assert_eq!(pace.wait(now), LONGEST);
        pace.flushed(now, Duration::from_millis(1));
        assert_eq!(pace.wait(now), LONGEST / 2);
        (0..10).for_each(|_| pace.flushed(now, Duration::from_millis(1)));
        assert_eq!(pace.wait(now), TICK);
        assert!(!pace.is_due(now + TICK / 2) && pace.is_due(now + TICK));
    }
}
