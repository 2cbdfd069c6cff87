//! The part of `/ready` for the clocks of the owned partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use runtime::Part;

use air::core::partition_clock::PartitionClock;

/// The clocks' part of `/ready`: always ready, and degraded after a clock has leapt recently or while bridges disagree.
/// Clones share one state.
#[derive(Clone, Debug)]
pub struct ClockReadiness {
    part: Part,
    troubles: Arc<Mutex<BTreeMap<u16, String>>>,
}

impl ClockReadiness {
    /// Reports to `part`.
    pub fn new(part: Part) -> Self {
        part.ready();
        Self { part, troubles: Arc::default() }
    }

    /// Reports the state of a partition's clock.
    pub fn update(&self, partition: u16, clock: &PartitionClock) {
        self.set(partition, trouble_of(clock));
    }

    /// The partition is no longer owned.
    pub fn remove(&self, partition: u16) {
        self.set(partition, None);
    }

    fn set(&self, partition: u16, trouble: Option<String>) {
        let mut troubles = self.troubles.lock();
        let before = match &trouble {
            Some(text) => troubles.insert(partition, text.clone()),
            None => troubles.remove(&partition),
        };
        if before == trouble {
            return;
        }
        match troubles.first_key_value() {
            Some((partition, text)) => {
                let others = troubles.len() - 1;
                self.part.degraded(format!("clock of raw partition {partition}: {text} ({others} more partitions)"));
            }
            None => self.part.ready(),
        }
    }
}

fn trouble_of(clock: &PartitionClock) -> Option<String> {
    let seconds = |us: i64| us / 1_000_000;
    if let Some((bridge, ahead_us)) = clock.bridges_off().next() {
        return Some(format!("bridge {bridge} is off by {:+} s: set its machine's clock", seconds(ahead_us)));
    }
    let leap = clock.recent_leap()?;
    let (by_s, to_s) = (seconds(leap.by_us), leap.to_us / 1_000_000);
    Some(format!("it leapt by {by_s:+} s to {to_s} (Unix time): bridges were silent, or a bridge's clock was set"))
}

#[cfg(test)]
mod tests {
    use runtime::{Clock, Metrics, Readiness};
    use schemas::v1::Tick;

    use super::*;

    const NOW_US: u64 = 1_750_000_000_000_000;

    #[test]
    fn a_leap_degrades_readiness_until_it_is_over() {
        let readiness = Readiness::new(Clock::manual(0), &Metrics::new());
        let clocks = ClockReadiness::new(readiness.part("clock"));
        let degraded = || readiness.parts()["clock"].degraded.clone();
        let mut clock = PartitionClock::default();
        let mut tick = |seconds: u64, bridge: &str| {
            let tick = Tick { bridge_id: bridge.into(), interval_s: 5 };
            clock.read(NOW_US + seconds * 1_000_000, Some(&tick));
            clocks.update(3, &clock);
        };
        tick(0, "a");
        assert_eq!(degraded(), None);
        tick(7_200, "a");
        assert!(degraded().expect("leapt").contains("raw partition 3: it leapt by +7200 s"));
        tick(7_205, "b");
        for second in 0..3 {
            tick(7_210 + second * 5, "a");
            tick(90 + second * 5, "b");
        }
        assert!(degraded().expect("off").contains("bridge b is off by -7"));
        assert!(readiness.is_ready(), "degraded is ready");
        clocks.remove(3);
        assert_eq!(degraded(), None);
    }
}
