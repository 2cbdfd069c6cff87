//! Errors, climb by climb, to compare with the picture.

use geo::distance::from_components;
use geo::position::wrap_difference_deg;

use super::climb::{FoundClimb, Recording, Shown, TrueClimb};
use super::score::{CALM_MPS, found_of};

/// Errors above these are faults: those of the figures that are counted.
pub(super) const CLIMB_MPS: f64 = 0.3;
pub(super) const WIND_DEG: f64 = 20.0;

/// A line for each found climb that was none, each climb that was not found, and each whose climb or wind is off.
pub(super) fn faults(recording: &Recording, found: &[FoundClimb]) -> Vec<String> {
    let own: Vec<&FoundClimb> = found.iter().filter(|climb| climb.device == recording.device).collect();
    let false_ones = own.iter().filter(|climb| !recording.bears_out(climb)).map(|climb| false_find(recording, climb));
    let climbs = recording.climbs();
    let others = climbs.iter().flat_map(|climb| match found_of(climb, &own) {
        None => vec![format!("missed: {}", of_climb(climb))],
        Some(found) => errors(climb, found),
    });
    false_ones.chain(others).collect()
}

fn false_find(recording: &Recording, climb: &FoundClimb) -> String {
    let Shown { circled, gain_m, .. } = recording.shown(climb).unwrap_or_default();
    let (from_s, to_s, reported_mps) = (climb.from_s, climb.to_s, climb.climb_mps());
    format!(
        "false: {from_s:.0} to {to_s:.0} s, reported {reported_mps:.2} m/s; circled {circled:.2}, gained {gain_m:.0} m"
    )
}

fn of_climb(climb: &TrueClimb) -> String {
    format!("{} to {} s, {:.0} m at {:.2} m/s", climb.from_s, climb.to_s, climb.gain_m, climb.climb_mps)
}

fn errors(climb: &TrueClimb, found: &FoundClimb) -> Vec<String> {
    let reports = format!("{:.0} to {:.0} s in {} reports", found.from_s, found.to_s, found.reports.len());
    let mut lines = Vec::new();
    if (found.climb_mps() - climb.climb_mps).abs() > CLIMB_MPS {
        lines.push(format!("climb: {}; reported {:.2} m/s, {reports}", of_climb(climb), found.climb_mps()));
    }
    let (true_deg, true_mps) = from_components(climb.wind_mps.0, climb.wind_mps.1);
    let (found_mps_east, found_mps_north) = found.wind_mps();
    let (found_deg, found_mps) = from_components(found_mps_east, found_mps_north);
    if true_mps >= CALM_MPS && wrap_difference_deg(found_deg - true_deg).abs() > WIND_DEG {
        let winds =
            format!("towards {true_deg:.0} at {true_mps:.1} m/s; reported {found_deg:.0} at {found_mps:.1} m/s");
        lines.push(format!("wind: {}; {winds}, {reports}", of_climb(climb)));
    }
    lines
}
