//! The coverage of a receiver, and the estimate of its position.

use geo::Position;
use geo::distance::{bearing_deg, distance_m, local_m, shifted};
use schemas::v1::{CoverageSector, ReceiverState, StrongReception};

use crate::core::settings::HOUR_US;

const SECTOR_DEG: u32 = 10;
/// No frame is heard from further away, metres: one of the two positions is wrong.
const FARTHEST_M: f64 = 400_000.0;
/// This many of the strongest receptions estimate the position.
const STRONGEST: usize = 8;
/// Older ones no longer count: a receiver can be moved, microseconds.
const SPEAKS_US: u64 = 6 * HOUR_US;
/// Fewer give no estimate.
const LEAST: usize = 3;

/// Counts a frame of a sender; true: it is the farthest in its sector so far.
pub(super) fn extend(state: &mut ReceiverState, own: Position, sender: Position) -> bool {
    let reach_m = distance_m(own, sender);
    if reach_m > FARTHEST_M {
        return false;
    }
    let sector_deg = (bearing_deg(own, sender) as u32) / SECTOR_DEG * SECTOR_DEG;
    match state.coverage.binary_search_by_key(&sector_deg, |sector| sector.bearing_deg) {
        Ok(known) if state.coverage[known].distance_m >= reach_m => return false,
        Ok(known) => state.coverage[known].distance_m = reach_m,
        Err(at) => state.coverage.insert(at, CoverageSector { bearing_deg: sector_deg, distance_m: reach_m }),
    }
    true
}

/// Keeps the strongest receptions of the last hours, strongest first; true: this is one of them.
pub(super) fn keep_strongest(strongest: &mut Vec<StrongReception>, heard: StrongReception) -> bool {
    strongest.retain(|known| known.heard_at_us + SPEAKS_US > heard.heard_at_us);
    let at = strongest.partition_point(|known| known.rssi_dbm >= heard.rssi_dbm);
    if at >= STRONGEST {
        return false;
    }
    strongest.insert(at, heard);
    strongest.truncate(STRONGEST);
    true
}

/// The position estimated from the strongest receptions: their mean, each weighted by its signal's amplitude.
pub(super) fn estimate(strongest: &[StrongReception]) -> Option<schemas::v1::Position> {
    if strongest.len() < LEAST {
        return None;
    }
    let origin = position(strongest[0].position?);
    let (mut east, mut north, mut total) = (0.0, 0.0, 0.0);
    for heard in strongest {
        let weight = libm::pow(10.0, f64::from(heard.rssi_dbm) / 20.0);
        let (x, y) = local_m(origin, position(heard.position?));
        (east, north, total) = (east + x * weight, north + y * weight, total + weight);
    }
    let own = shifted(origin, east / total, north / total);
    Some(schemas::v1::Position { latitude_deg: own.latitude_deg, longitude_deg: own.longitude_deg, altitude_m: None })
}

pub(super) fn position(at: schemas::v1::Position) -> Position {
    Position::new(at.latitude_deg, at.longitude_deg)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Position = Position::new(46.0, 13.0);

    fn heard(rssi_dbm: i32, east_m: f64) -> StrongReception {
        let at = shifted(HOME, east_m, 0.0);
        let position =
            schemas::v1::Position { latitude_deg: at.latitude_deg, longitude_deg: at.longitude_deg, altitude_m: None };
        StrongReception { rssi_dbm, position: Some(position), heard_at_us: HOUR_US }
    }

    #[test]
    fn sectors_keep_the_farthest() {
        let mut state = ReceiverState::default();
        for (bearing, reach_m, new) in [
            (95.0, 5_000.0, true),
            (99.0, 4_000.0, false),
            (91.0, 9_000.0, true),
            (5.0, 1_000.0, true),
            (5.0, 500_000.0, false),
        ] {
            assert_eq!(
                extend(&mut state, HOME, geo::distance::offset(HOME, bearing, reach_m)),
                new,
                "{bearing} {reach_m}"
            );
        }
        let sectors: Vec<_> =
            state.coverage.iter().map(|sector| (sector.bearing_deg, sector.distance_m.round())).collect();
        assert_eq!(sectors, [(0, 1_000.0), (90, 9_000.0)]);
    }

    #[test]
    fn the_strongest_speak_for_the_place() {
        let mut strongest = Vec::new();
        assert!(keep_strongest(&mut strongest, heard(-60, 100.0)));
        keep_strongest(&mut strongest, heard(-60, -100.0));
        assert_eq!(estimate(&strongest), None);
        for _ in 0..20 {
            keep_strongest(&mut strongest, heard(-110, 20_000.0));
        }
        assert_eq!(strongest.len(), STRONGEST);
        assert!(!keep_strongest(&mut strongest, heard(-120, 0.0)));
        let own = estimate(&strongest).expect("enough");
        assert!(distance_m(position(own), HOME) < 300.0, "{}", distance_m(position(own), HOME));
    }
    #[test]
    fn a_receiver_that_was_moved_is_found_again() {
        let mut strongest = Vec::new();
        for _ in 0..STRONGEST {
            keep_strongest(&mut strongest, heard(-50, 0.0));
        }
        let later = |hours: u64| StrongReception { heard_at_us: hours * HOUR_US, ..heard(-90, 30_000.0) };
        assert!(!keep_strongest(&mut strongest, later(6)), "weaker ones, and the strong ones still speak");
        for _ in 0..LEAST {
            keep_strongest(&mut strongest, later(7));
        }
        let own = estimate(&strongest).expect("enough");
        assert!(distance_m(position(own), HOME) > 29_000.0);
    }
}
