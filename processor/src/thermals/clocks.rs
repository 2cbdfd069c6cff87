//! How far the raw partitions have been read, as their clocks tell.
//!
//! Reports wait for every clock, so that how the partitions interleave changes nothing. Without ticks no clock moves,
//! nothing is applied and nothing ends. A partition that stands still while the others go on holds everything back, since
//! what it has still to tell may be as old as its clock; but not for ever: it is waited for no longer once it is behind
//! half of the partitions by [`PATIENCE_US`]. By then what it holds is about thermals that have ended. Half of them, not
//! the newest: one clock that runs ahead must not end the waiting for all others. A catching-up after a failure, where
//! partitions can be read hours apart, stays within this.

use std::collections::BTreeMap;

use schemas::v1::PartitionClock;

use crate::thermals::fading::LONGEST_US;

/// A partition that is farther behind half of the others is not waited for, microseconds.
pub(super) const PATIENCE_US: u64 = LONGEST_US;

/// The newest clock of each raw partition.
#[derive(Debug)]
pub(super) struct Clocks {
    raw_partitions: usize,
    told: BTreeMap<u32, u64>,
}

impl Clocks {
    pub(super) fn new(raw_partitions: u32) -> Self {
        Self { raw_partitions: raw_partitions as usize, told: BTreeMap::new() }
    }

    /// Takes a clock; an older one than is known changes nothing.
    pub(super) fn tell(&mut self, clock: &PartitionClock) {
        let known_us = self.told.entry(clock.raw_partition).or_default();
        *known_us = clock.clock_us.max(*known_us);
    }

    /// The time that all partitions have passed, those that are not waited for left out, microseconds. 0: not known.
    pub(super) fn passed_us(&self) -> u64 {
        let mut clocks: Vec<u64> = self.told.values().copied().collect();
        // Partitions that have told nothing yet stand at the beginning of time.
        clocks.resize(self.raw_partitions.max(clocks.len()).max(1), 0);
        clocks.sort_unstable();
        let half_us = clocks[(clocks.len() - 1) / 2];
        clocks[0].max(half_us.saturating_sub(PATIENCE_US))
    }

    pub(super) fn to_memory(&self) -> Vec<PartitionClock> {
        let clock = |(&raw_partition, &clock_us): (&u32, &u64)| PartitionClock { raw_partition, clock_us };
        self.told.iter().map(clock).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_750_000_000_000_000;
    const HOUR_US: u64 = 3_600_000_000;

    fn passed_us(raw_partitions: u32, told: &[u64]) -> u64 {
        let mut clocks = Clocks::new(raw_partitions);
        for (raw_partition, &clock_us) in (0..).zip(told) {
            clocks.tell(&PartitionClock { raw_partition, clock_us });
        }
        clocks.passed_us()
    }

    #[test]
    fn the_slowest_partition_is_waited_for_within_limits() {
        let late = |hours| NOW_US - hours * HOUR_US;
        for (raw_partitions, told, expected) in [
            (2, vec![], 0),
            (2, vec![NOW_US], 0),
            (2, vec![NOW_US, late(1)], late(1)),
            // Hours apart, as when everything is read again.
            (4, vec![NOW_US, NOW_US, late(5), late(1)], late(5)),
            // One that stands still.
            (4, vec![NOW_US, NOW_US, late(30), NOW_US], late(6)),
            // One that never told anything.
            (4, vec![NOW_US, NOW_US, NOW_US], late(6)),
            // One that runs ahead ends the waiting for nobody.
            (4, vec![NOW_US + 99 * HOUR_US, late(1), NOW_US, NOW_US], late(1)),
            // Half of them stand still: so does the whole.
            (4, vec![NOW_US, late(30), NOW_US, late(30)], late(30)),
        ] {
            assert_eq!(passed_us(raw_partitions, &told), expected, "{raw_partitions} {told:?}");
        }
    }

    #[test]
    fn a_clock_never_goes_back() {
        let mut clocks = Clocks::new(1);
        for clock_us in [5, 9, 7] {
            clocks.tell(&PartitionClock { raw_partition: 0, clock_us });
        }
        assert_eq!(clocks.passed_us(), 9);
    }
}
