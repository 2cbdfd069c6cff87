//! The part of `/ready` for the clocks of the owned partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use parking_lot::Mutex;
use runtime::Part;

use air::core::partition_clock::PartitionClock;

/// The clocks' part of `/ready`: always ready, and degraded for an hour after a clock leapt, or while the clock of a
/// bridge is off. Clones share one state.
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
                let others = match troubles.len() - 1 {
                    0 => String::new(),
                    1 => " (and 1 more partition)".to_owned(),
                    count => format!(" (and {count} more partitions)"),
                };
                self.part.degraded(format!("raw partition {partition}: {text}{others}"));
            }
            None => self.part.ready(),
        }
    }
}

fn trouble_of(clock: &PartitionClock) -> Option<String> {
    if let Some((bridge, ahead_us)) = clock.bridges_off().next() {
        let (seconds, direction) = (ahead_us.unsigned_abs() / 1_000_000, if ahead_us < 0 { "behind" } else { "ahead" });
        return Some(format!(
            "the clock of bridge {bridge} is {seconds} s {direction}: synchronize the clock of its machine"
        ));
    }
    let leap = clock.recent_leap()?;
    let (by_s, to) = (leap.by_us / 1_000_000, rfc3339(leap.to_us));
    Some(format!(
        "its clock leapt by {by_s:+} s to {to}, after a silence of all bridges or because a bridge's clock was set: \
         check that the bridges' machines are synchronized"
    ))
}

/// UTC in full seconds; later times become the end of the year 9999.
fn rfc3339(at_us: u64) -> String {
    const LAST_S: u64 = 253_402_300_799;
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs((at_us / 1_000_000).min(LAST_S))).to_string()
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
        let leapt = degraded().expect("leapt");
        assert!(leapt.starts_with("raw partition 3: its clock leapt by +7200 s to 2025-06-15T17:06:40Z, "), "{leapt}");
        assert!(!leapt.contains("more partition"), "{leapt}");
        tick(7_205, "b");
        for second in 0..3 {
            tick(7_210 + second * 5, "a");
            tick(90 + second * 5, "b");
        }
        let off = degraded().expect("off");
        assert!(off.starts_with("raw partition 3: the clock of bridge b is 7") && off.contains(" s behind: "), "{off}");
        assert!(readiness.is_ready(), "degraded is ready");
        clocks.update(4, &clock);
        let both = degraded().expect("off");
        assert!(both.ends_with(" (and 1 more partition)"), "{both}");
        clocks.remove(4);
        clocks.remove(3);
        assert_eq!(degraded(), None);
    }
}
