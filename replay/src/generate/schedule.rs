//! The send schedule of a device.

use super::dice::Dice;

/// A second in the simulation's unit of time.
pub(crate) const SECOND_US: u64 = 1_000_000;
/// Positions every five seconds where few devices hear each other.
pub(crate) const POSITION_US: u64 = 5 * SECOND_US;
/// Names every four minutes.
pub(crate) const NAME_US: u64 = 240 * SECOND_US;
/// Hardware information every ten minutes.
pub(crate) const HARDWARE_US: u64 = 600 * SECOND_US;
/// Weather every forty seconds.
pub(crate) const WEATHER_US: u64 = 40 * SECOND_US;

/// The kinds of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Position = 0,
    Name,
    Hardware,
    Thermal,
    Weather,
}

/// The next time of each slot, microseconds since the start of the run.
#[derive(Debug, Clone)]
pub(crate) struct Schedule([u64; 5]);

impl Schedule {
    /// Devices start at random times. Each kind of frame is sent early once, so that names arrive soon.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut within = |seconds: f64| (dice.between(0.0, seconds) * SECOND_US as f64) as u64;
        Self([within(5.0), within(20.0), within(600.0), within(30.0), within(15.0)])
    }

    /// The time at which a slot is due before `until_us`; the next is then one interval later.
    pub(crate) fn take(&mut self, slot: Slot, until_us: u64, interval_us: u64) -> Option<u64> {
        let due_us = &mut self.0[slot as usize];
        let taken_us = *due_us;
        if taken_us >= until_us {
            return None;
        }
        *due_us += interval_us;
        Some(taken_us)
    }
}

/// Interval of positions for a sender with `neighbours` around it: 5 s, and 5 s more for each ten of them.
pub(crate) fn position_interval_us(neighbours: usize) -> u64 {
    (neighbours as u64 / 10 + 1) * POSITION_US
}

/// Interval of thermal reports, likewise.
pub(crate) fn thermal_interval_us(neighbours: usize) -> u64 {
    (neighbours as u64 / 10 + 1) * 30 * SECOND_US
}

#[cfg(test)]
mod tests {
    use super::super::dice::Part;
    use super::*;

    #[test]
    fn intervals_grow_with_the_neighbours() {
        for (neighbours, seconds) in [(0, 5), (9, 5), (10, 10), (20, 15), (50, 30), (100, 55)] {
            assert_eq!(position_interval_us(neighbours), seconds * SECOND_US);
            assert_eq!(thermal_interval_us(neighbours), 6 * seconds * SECOND_US);
        }
    }

    #[test]
    fn a_slot_comes_once_per_interval_for_any_steps() {
        let mut schedule = Schedule::new(&mut Dice::new(1, Part::Schedule, 0));
        let mut times = Vec::new();
        for second in 1..=60 {
            times.extend(schedule.take(Slot::Position, second * SECOND_US, 5 * SECOND_US));
        }
        assert_eq!(times.len(), 12);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 5 * SECOND_US));
    }
}
