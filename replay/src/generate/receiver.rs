//! Receivers: their positions, ranges and clock errors.

use serde::Serialize;

use super::clock_fault::ClockFault;
use super::dice::{Dice, Part, scatter};
use super::plane::Position3d;

/// A ground station.
#[derive(Debug, Clone, Serialize)]
pub struct Receiver {
    /// Its chip id, shown in decimal in its topics.
    pub id: u32,
    /// Where its antenna is.
    pub position: Position3d,
    /// Beyond this distance it hears nothing.
    pub range_m: f64,
    /// Error of its clock at the start of the run, positive where it is ahead.
    pub clock_offset_s: f64,
    /// How fast that error grows, parts per million.
    pub clock_drift_ppm: f64,
    /// What else is wrong with its clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_fault: Option<ClockFault>,
    /// Share of its messages that its link to the internet holds up for seconds.
    pub held_share: f64,
}

impl Receiver {
    /// The receiver of a number, at a random position around a point.
    pub(crate) fn near(seed: u64, index: usize, around: Position3d) -> Self {
        let mut dice = Dice::new(seed, Part::Receiver, index as u64);
        let offset_deg = |dice: &mut Dice| dice.between(-0.03, 0.03);
        let position = Position3d {
            latitude_deg: around.latitude_deg + offset_deg(&mut dice),
            longitude_deg: around.longitude_deg + offset_deg(&mut dice),
            altitude_m: around.altitude_m + dice.between(0.0, 400.0),
        };
        // One in eight has a clock that was never set, another one an unreliable link.
        let clock_spread_s = if index % 8 == 5 { 45.0 } else { 2.5 };
        Self {
            id: chip_id(seed, index),
            position,
            range_m: dice.between(45_000.0, 75_000.0),
            clock_offset_s: dice.between(-clock_spread_s, clock_spread_s),
            clock_drift_ppm: dice.spread(15.0),
            clock_fault: None,
            held_share: if index % 8 == 7 { 0.02 } else { 0.0 },
        }
    }

    /// The same receiver, with a clock fault at a probability of `share`.
    pub(crate) fn with_clock_faults(mut self, seed: u64, index: usize, share: f64) -> Self {
        let mut dice = Dice::new(seed, Part::Clock, index as u64);
        self.clock_fault = dice.chance(share).then(|| ClockFault::drawn(&mut dice));
        self
    }

    /// The full second that this receiver's clock shows.
    ///
    /// `at_us` is the right time and `run_us` how long the run has lasted, both in microseconds.
    pub(crate) fn stamp_s(&self, at_us: u64, run_us: u64) -> u32 {
        let error_us = self.clock_offset_s * 1e6 + self.clock_drift_ppm * 1e-6 * run_us as f64;
        let at_us = self.clock_fault.map_or(at_us, |fault| fault.shown_us(at_us, run_us));
        let shown_us = at_us.saturating_add_signed(error_us as i64);
        u32::try_from(shown_us / 1_000_000).unwrap_or(u32::MAX)
    }
}

/// Odd steps through the upper half of all 32-bit numbers: unlike each other, never twice.
fn chip_id(seed: u64, index: usize) -> u32 {
    let start = scatter(seed) as u32;
    start.wrapping_add((index as u32).wrapping_mul(0x9E37_79B1)) | 0x8000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver() -> Receiver {
        let around = Position3d { latitude_deg: 46.0, longitude_deg: 8.0, altitude_m: 1_000.0 };
        Receiver { clock_offset_s: -1.5, clock_drift_ppm: 100.0, ..Receiver::near(1, 0, around) }
    }

    #[test]
    fn stamps_are_full_seconds_of_a_wrong_clock() {
        assert_eq!(receiver().stamp_s(1_000_000_000, 0), 998);
        assert_eq!(receiver().stamp_s(1_000_600_000, 0), 999);
        // 100 ppm of 10,000 s are one second.
        assert_eq!(receiver().stamp_s(1_000_600_000, 10_000_000_000), 1_000);
        assert_eq!(receiver().stamp_s(0, 0), 0);
    }
}
