//! How a recorded flight moves, from its fixes.

use super::flight::Fix;
use crate::generate::turn_deg;

/// Fixes are compared over at least this time: single seconds are too coarse.
const WINDOW_S: u32 = 4;
/// Slower than this there is no course to turn from, m/s.
const LEAST_SPEED_MPS: f64 = 1.5;

/// Speed, climb, course and turn at the end of some fixes; all zero where there is too little.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Motion {
    pub(crate) speed_mps: f64,
    pub(crate) climb_mps: f64,
    pub(crate) course_deg: f64,
    /// Clockwise is positive.
    pub(crate) turn_dps: f64,
}

/// The motion at the last fix, over the few seconds before it.
pub(crate) fn motion(fixes: &[Fix]) -> Motion {
    let Some((last, before)) = fixes.split_last() else {
        return Motion::default();
    };
    let Some(from) = before.iter().rev().find(|fix| last.at_s - fix.at_s >= WINDOW_S).or(before.first()) else {
        return Motion::default();
    };
    let seconds = f64::from(last.at_s - from.at_s);
    let speed_mps = from.position.distance_m(&last.position) / seconds;
    let middle_s = from.at_s + (last.at_s - from.at_s) / 2;
    let middle = before.iter().rev().find(|fix| fix.at_s <= middle_s).unwrap_or(from);
    let turned_deg = turn_deg(from.position.course_deg(&middle.position), middle.position.course_deg(&last.position));
    let is_turning = speed_mps > LEAST_SPEED_MPS && middle.at_s > from.at_s;
    Motion {
        speed_mps,
        climb_mps: (last.position.altitude_m - from.position.altitude_m) / seconds,
        course_deg: from.position.course_deg(&last.position),
        turn_dps: if is_turning { turned_deg / (seconds / 2.0) } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Position3d;

    fn fix(at_s: u32, east_m: f64, north_m: f64, altitude_m: f64) -> Fix {
        let position = Position3d { latitude_deg: north_m / 111_195.0, longitude_deg: east_m / 111_195.0, altitude_m };
        Fix { at_s, position }
    }

    #[test]
    fn straight_flight_has_its_speed_climb_and_course() {
        let fixes: Vec<Fix> =
            (0..10).map(|second| fix(second, 10.0 * f64::from(second), 0.0, f64::from(second))).collect();
        let motion = motion(&fixes);
        assert!((motion.speed_mps - 10.0).abs() < 0.01);
        assert!((motion.climb_mps - 1.0).abs() < 1e-9);
        assert!((motion.course_deg - 90.0).abs() < 0.01);
        assert!(motion.turn_dps.abs() < 0.01);
    }

    #[test]
    fn a_circle_turns_at_its_rate() {
        for rate_dps in [20.0_f64, -20.0] {
            let point = |second: u32| {
                let angle = (rate_dps * f64::from(second)).to_radians();
                fix(second, 30.0 * angle.sin(), 30.0 * angle.cos(), 1_000.0)
            };
            let fixes: Vec<Fix> = (0..40).map(point).collect();
            let turn_dps = motion(&fixes).turn_dps;
            assert!((turn_dps - rate_dps).abs() < 1.0, "{turn_dps}");
        }
    }

    #[test]
    fn too_few_fixes_do_not_move() {
        assert_eq!(motion(&[]), Motion::default());
        assert_eq!(motion(&[fix(5, 0.0, 0.0, 0.0)]), Motion::default());
        let rate = motion(&[fix(5, 0.0, 0.0, 0.0), fix(6, 3.0, 4.0, 0.0)]);
        assert!((rate.speed_mps - 5.0).abs() < 0.01);
        assert_eq!(rate.turn_dps, 0.0);
    }
}
