//! Faults of a receiver's clock.

use serde::Serialize;

use super::dice::Dice;
use super::schedule::SECOND_US;

/// A fault of a clock, besides offset and drift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ClockFault {
    /// Never set: it counts from 1970 since the start of the run.
    Unset,
    /// It stands still at the start of the run.
    Standing,
    /// It runs at a share of the right speed.
    Slow {
        /// Seconds shown per second.
        speed: f64,
    },
    /// It is wrong by a time zone, or by a wrong setting.
    Offset {
        /// Positive where it is ahead.
        by_s: f64,
    },
    /// It jumps ahead and back again, periodically.
    Jumping {
        /// How far.
        by_s: f64,
        /// The time between two jumps.
        every_s: f64,
    },
    /// It is correct at first, and then set to a wrong time.
    Reset {
        /// Negative where it was set back.
        by_s: f64,
        /// The time of that since the start of the run.
        after_s: f64,
    },
}

impl ClockFault {
    /// A random fault.
    pub(crate) fn drawn(dice: &mut Dice) -> Self {
        let side = |dice: &mut Dice| if dice.chance(0.5) { 1.0 } else { -1.0 };
        match (dice.unit() * 6.0) as u8 {
            0 => Self::Unset,
            1 => Self::Standing,
            2 => Self::Slow { speed: dice.between(0.5, 0.99) },
            3 => Self::Offset { by_s: side(dice) * 3_600.0 * dice.between(1.0, 12.0).round() },
            4 => Self::Jumping { by_s: dice.between(30.0, 7_200.0), every_s: dice.between(20.0, 300.0) },
            _ => Self::Reset { by_s: side(dice) * dice.between(60.0, 7_200.0), after_s: dice.between(30.0, 600.0) },
        }
    }

    /// The clock's time at a real time, both microseconds since the Unix epoch; `run_us`: the time since the start of
    /// the run.
    pub(crate) fn shown_us(self, at_us: u64, run_us: u64) -> u64 {
        let (second_us, run_s) = (SECOND_US as f64, run_us as f64 / SECOND_US as f64);
        let moved = |by_s: f64| at_us.saturating_add_signed((by_s * second_us) as i64);
        match self {
            Self::Unset => run_us,
            Self::Standing => at_us.saturating_sub(run_us),
            Self::Slow { speed } => moved((speed - 1.0) * run_s),
            Self::Offset { by_s } => moved(by_s),
            Self::Jumping { by_s, every_s } if (run_s / every_s) as u64 % 2 == 1 => moved(by_s),
            Self::Reset { by_s, after_s } if run_s >= after_s => moved(by_s),
            Self::Jumping { .. } | Self::Reset { .. } => at_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_shows_the_expected_time() {
        let (at_us, run_us) = (1_000_000_000, 100_000_000);
        for (fault, shown_s) in [
            (ClockFault::Unset, 100),
            (ClockFault::Standing, 900),
            (ClockFault::Slow { speed: 0.5 }, 950),
            (ClockFault::Offset { by_s: 3_600.0 }, 4_600),
            (ClockFault::Offset { by_s: -3_600.0 }, 0),
            (ClockFault::Jumping { by_s: 60.0, every_s: 60.0 }, 1_060),
            (ClockFault::Jumping { by_s: 60.0, every_s: 40.0 }, 1_000),
            (ClockFault::Reset { by_s: -60.0, after_s: 99.0 }, 940),
            (ClockFault::Reset { by_s: -60.0, after_s: 101.0 }, 1_000),
        ] {
            assert_eq!(fault.shown_us(at_us, run_us) / SECOND_US, shown_s, "{fault:?}");
        }
    }
}
