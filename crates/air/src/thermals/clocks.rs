//! How far the raw partitions have been read, by their clocks.
//!
//! Reports wait for every clock, so that the interleaving of partitions changes nothing. Without ticks no clock moves,
//! nothing is applied and nothing ends. A partition whose clock stops while the others advance delays everything, since
//! its next reports may be as old as its clock; but not for ever: it is ignored once it is behind half of the
//! partitions by [`LONGEST_WAIT_US`]. By then its reports are about thermals that have ended. Half of them, not the
//! newest: one clock that runs ahead must not make all others be ignored. Catching up after a failure, where partitions
//! can be read hours apart, stays within this.
//!
//! A clock never moves back, unless its partition reports that it was set back: then the newer count of set-backs decides.

use std::collections::BTreeMap;

use schemas::v1::PartitionClock;

use crate::thermals::fading::LONGEST_US;

/// A partition that is farther behind half of the others is ignored, microseconds.
pub(super) const LONGEST_WAIT_US: u64 = LONGEST_US;

/// The newest clock of each raw partition.
#[derive(Debug)]
pub(super) struct Clocks {
    raw_partitions: usize,
    by_partition: BTreeMap<u32, PartitionClock>,
}

impl Clocks {
    pub(super) fn new(raw_partitions: u32) -> Self {
        Self { raw_partitions: raw_partitions as usize, by_partition: BTreeMap::new() }
    }

    /// Takes a clock; an older one than is known changes nothing. True: the clock was set back.
    pub(super) fn update(&mut self, clock: &PartitionClock) -> bool {
        let known = self.by_partition.entry(clock.raw_partition).or_insert(*clock);
        let is_set_back = clock.set_back_count > known.set_back_count;
        if is_set_back || clock.set_back_count == known.set_back_count && clock.clock_us > known.clock_us {
            *known = *clock;
        }
        is_set_back
    }

    /// The newest of all clocks, microseconds.
    pub(super) fn newest_us(&self) -> u64 {
        self.by_partition.values().map(|clock| clock.clock_us).max().unwrap_or_default()
    }

    /// The time that all partitions have passed, those that are not waited for left out, microseconds. 0: not known.
    pub(super) fn passed_us(&self) -> u64 {
        let mut clocks: Vec<u64> = self.by_partition.values().map(|clock| clock.clock_us).collect();
        // Partitions without a clock yet count as time 0.
        clocks.resize(self.raw_partitions.max(clocks.len()).max(1), 0);
        clocks.sort_unstable();
        let half_us = clocks[(clocks.len() - 1) / 2];
        clocks[0].max(half_us.saturating_sub(LONGEST_WAIT_US))
    }

    pub(super) fn to_checkpoint(&self) -> Vec<PartitionClock> {
        self.by_partition.values().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_750_000_000_000_000;
    const HOUR_US: u64 = 3_600_000_000;

    fn passed_us(raw_partitions: u32, clocks_us: &[u64]) -> u64 {
        let mut clocks = Clocks::new(raw_partitions);
        for (raw_partition, &clock_us) in (0..).zip(clocks_us) {
            clocks.update(&PartitionClock { raw_partition, clock_us, set_back_count: 0 });
        }
        clocks.passed_us()
    }

    #[test]
    fn the_slowest_partition_is_waited_for_within_limits() {
        let late = |hours| NOW_US - hours * HOUR_US;
        for (raw_partitions, clocks_us, expected) in [
            (2, vec![], 0),
            (2, vec![NOW_US], 0),
            (2, vec![NOW_US, late(1)], late(1)),
            // Hours apart, as when everything is read again.
            (4, vec![NOW_US, NOW_US, late(5), late(1)], late(5)),
            // One that stopped.
            (4, vec![NOW_US, NOW_US, late(30), NOW_US], late(6)),
            // One without a clock.
            (4, vec![NOW_US, NOW_US, NOW_US], late(6)),
            // One that runs ahead does not make the others be ignored.
            (4, vec![NOW_US + 99 * HOUR_US, late(1), NOW_US, NOW_US], late(1)),
            // Half of them stopped: so does the result.
            (4, vec![NOW_US, late(30), NOW_US, late(30)], late(30)),
        ] {
            assert_eq!(passed_us(raw_partitions, &clocks_us), expected, "{raw_partitions} {clocks_us:?}");
        }
    }

    #[test]
    fn a_clock_never_goes_back() {
        let mut clocks = Clocks::new(1);
        for clock_us in [5, 9, 7] {
            clocks.update(&PartitionClock { raw_partition: 0, clock_us, set_back_count: 0 });
        }
        assert_eq!(clocks.passed_us(), 9);
    }

    #[test]
    fn a_clock_that_was_set_back_is_followed() {
        let mut clocks = Clocks::new(1);
        let clock = |clock_us, set_back_count| PartitionClock { raw_partition: 0, clock_us, set_back_count };
        assert!(!clocks.update(&clock(9, 0)));
        assert!(clocks.update(&clock(5, 1)));
        assert_eq!(clocks.passed_us(), 5);
        // What was written before, and comes again.
        assert!(!clocks.update(&clock(20, 0)));
        assert_eq!(clocks.passed_us(), 5);
    }
}
