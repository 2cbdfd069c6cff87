//! Whether one body can have been at two positions.

use crate::units::KMH_PER_MPS;

/// Shorter intervals between two event times are not reliable: receivers' uplinks shift them by more, seconds.
const SHORTEST_JUDGED_S: f64 = 1.0;
/// How far rounding over the radio and the noise of GPS move a position, metres.
const RESOLUTION_M: f64 = 10.0;
/// How far interrupted uplinks can shift two event times against each other, seconds.
const SHIFT_S: f64 = 60.0;

/// How the second of two positions relates to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One body can have been at both.
    Possible,
    /// No body of this kind can have been at both.
    Impossible,
    /// They are too close in time to say.
    TooSoon,
}

/// Whether the speed between two event times can be judged.
pub fn is_reliable(interval_us: u64) -> bool {
    interval_us as f64 / 1e6 >= SHORTEST_JUDGED_S
}

/// Judges a step of `distance_m` within `interval_us` by an object that moves at `max_speed_kmh` at most.
///
/// From one second on, the speed decides. Below, a step that one second and the resolution of the positions explain is
/// possible: receivers stamp full seconds, and what their uplinks held up arrives at once. One that not even a shifted time
/// explains is impossible; steps in between are undecided. The first position stays the one to judge from until the interval
/// [is reliable](is_reliable): each frame of a burst could otherwise go on from the one before.
pub fn step(interval_us: u64, distance_m: f64, max_speed_kmh: f64) -> Step {
    let (seconds, mps) = (interval_us as f64 / 1e6, max_speed_kmh / KMH_PER_MPS);
    if is_reliable(interval_us) {
        return if distance_m <= mps * seconds { Step::Possible } else { Step::Impossible };
    }
    let near_m = RESOLUTION_M + mps * SHORTEST_JUDGED_S;
    match distance_m {
        metres if metres <= near_m => Step::Possible,
        metres if metres <= near_m + mps * SHIFT_S => Step::TooSoon,
        _ => Step::Impossible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_decides_from_one_second_on() {
        // 120 km/h for 10 s is 333 m.
        assert_eq!(step(10_000_000, 333.0, 120.0), Step::Possible);
        assert_eq!(step(10_000_000, 334.0, 120.0), Step::Impossible);
        assert_eq!(step(1_000_000, 34.0, 120.0), Step::Impossible);
    }

    #[test]
    fn below_a_second_a_step_of_one_second_is_possible() {
        for (interval_us, distance_m, expected) in [
            (0, 3.0, Step::Possible),
            (300_000, 43.0, Step::Possible),
            (300_000, 44.0, Step::TooSoon),
            (999_999, 1_900.0, Step::TooSoon),
            (300_000, 9_000.0, Step::Impossible),
            (0, 1e7, Step::Impossible),
            (300_000, f64::NAN, Step::Impossible),
        ] {
            assert_eq!(step(interval_us, distance_m, 120.0), expected, "{interval_us} us, {distance_m} m");
        }
    }
}
