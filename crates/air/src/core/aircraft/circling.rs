//! When a track shows that an aircraft circles.

use crate::core::track::Track;

const CIRCLING_DEG: f64 = 270.0;
/// Turned at least this much: it may begin to circle.
const MAYBE_DEG: f64 = 150.0;
/// In how long, seconds.
const CIRCLING_S: i32 = 45;
/// Turned at least this much in the last `STILL_S` seconds: still turning.
const STILL_DEG: f64 = 45.0;
const STILL_S: i32 = 16;
/// Turned less than this in the last `STRAIGHT_S` seconds: no longer circling.
const STRAIGHT_DEG: f64 = 60.0;
const STRAIGHT_S: i32 = 20;

/// Turned enough, and still turning.
pub(super) fn circles(track: &Track) -> bool {
    // Most aircraft fly straight on: the shorter period shows it.
    track.turned_deg(STILL_S).abs() > STILL_DEG && track.turned_deg(CIRCLING_S).abs() > CIRCLING_DEG
}

/// Turned so much lately that it may circle soon: only then its turns are examined.
pub(super) fn may_circle(track: &Track) -> bool {
    track.turned_deg(CIRCLING_S).abs() > MAYBE_DEG
}

/// No longer circling.
pub(super) fn is_straight(track: &Track) -> bool {
    track.turned_deg(STRAIGHT_S).abs() < STRAIGHT_DEG
}
