//! How circles drift, by the way between the centre of the newest turn and that of an earlier one.
//!
//! A centre is the mean of a full turn: where a circle was widened or moved, the mean shows less of it than two single
//! positions would.

const TURN_DEG: f64 = 360.0;
/// After a smaller turn the two compared turns overlap too much.
const MIN_TURNED_DEG: f64 = 450.0;
/// Parts before a larger turn are ignored: there the aircraft was at another altitude, with another wind.
const MAX_TURNED_DEG: f64 = 1_080.0;

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// Turned from there to the newest point, to whichever side, degrees.
    pub(super) turned_deg: f64,
    /// Seconds before the newest point.
    pub(super) ago_s: f64,
    /// Metres from any origin.
    pub(super) east_m: f64,
    pub(super) north_m: f64,
    /// How long it took.
    pub(super) seconds: f64,
}

/// Metres per second east and north, from the parts of the way, newest first. `None`: they are too few turns.
pub(super) fn drift_mps(parts: &[Part]) -> Option<(f64, f64)> {
    let turned_deg = parts.last()?.turned_deg.min(MAX_TURNED_DEG);
    if turned_deg < MIN_TURNED_DEG {
        return None;
    }
    let newest = mean(parts, 0.0)?;
    let earlier = mean(parts, turned_deg - TURN_DEG)?;
    let seconds = earlier.ago_s - newest.ago_s;
    let moved = (newest.east_m - earlier.east_m, newest.north_m - earlier.north_m);
    (seconds > 0.0).then(|| (moved.0 / seconds, moved.1 / seconds))
}

/// The middle of one full turn.
fn mean(parts: &[Part], from_deg: f64) -> Option<Part> {
    let turn = parts.iter().filter(|part| (from_deg..from_deg + TURN_DEG).contains(&part.turned_deg));
    let none = Part { turned_deg: from_deg + TURN_DEG / 2.0, ago_s: 0.0, east_m: 0.0, north_m: 0.0, seconds: 0.0 };
    let sum = turn.fold(none, |sum, part| Part {
        ago_s: sum.ago_s + part.ago_s * part.seconds,
        east_m: sum.east_m + part.east_m * part.seconds,
        north_m: sum.north_m + part.north_m * part.seconds,
        seconds: sum.seconds + part.seconds,
        ..sum
    });
    (sum.seconds > 0.0).then(|| Part {
        ago_s: sum.ago_s / sum.seconds,
        east_m: sum.east_m / sum.seconds,
        north_m: sum.north_m / sum.seconds,
        ..sum
    })
}
