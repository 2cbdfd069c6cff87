use geo::distance::bearing_deg;

use super::*;
use crate::core::settings::{HOUR_US, SECOND_US};
use crate::thermals::fading::LONGEST_US;

const START_US: u64 = 1_750_000_000_000_000;
const HOME: Position = Position::new(46.0, 13.0);

fn report_of(device: u32, second: u64, climb_mps: f64) -> ClimbReport {
    ClimbReport {
        report_id: 7,
        event_at_us: START_US + second * SECOND_US,
        device,
        position: Some(at(HOME, 1_500.0)),
        climb_mps,
        confidence_pct: 50.0,
        ..ClimbReport::default()
    }
}

fn windy(from_deg: f64, speed_kmh: f64, second: u64) -> ClimbReport {
    ClimbReport { wind_from_deg: Some(from_deg), wind_speed_kmh: Some(speed_kmh), ..report_of(1, second, 2.0) }
}

fn joined(reports: &[ClimbReport]) -> Thermal {
    let mut thermal = Thermal::begin(&reports[0], HOME);
    reports[1..].iter().for_each(|report| thermal.join(report, HOME));
    thermal
}

fn close(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
}

#[test]
fn a_first_report_is_kept_unchanged() {
    let report = ClimbReport {
        max_climb_mps: Some(4.0),
        radius_m: Some(80.0),
        base_altitude_m: Some(1_200.0),
        top_altitude_m: Some(1_700.0),
        ..windy(270.0, 18.0, 0)
    };
    let state = joined(&[report]).state;
    assert_eq!((state.mean_climb_mps, state.max_climb_mps), (2.0, 4.0));
    assert_eq!((state.radius_m, state.base_altitude_m, state.top_altitude_m), (80.0, 1_200.0, 1_700.0));
    assert_eq!((state.pilots, state.reports, state.confidence_pct), (1, 1, 50.0));
    close(state.wind_from_deg.expect("present"), 270.0, 1e-9);
    close(state.drift_course_deg.expect("present"), 90.0, 1e-9);
    close(state.drift_speed_kmh.expect("present"), 18.0, 1e-9);
}

#[test]
fn climbs_are_weighted_by_age_and_trust() {
    // At once: the plain mean. After a half-life: the older one counts half.
    close(joined(&[report_of(1, 0, 2.0), report_of(2, 0, 4.0)]).state.mean_climb_mps, 3.0, 1e-9);
    close(joined(&[report_of(1, 0, 2.0), report_of(2, 600, 4.0)]).state.mean_climb_mps, 10.0 / 3.0, 1e-9);
    let sure = ClimbReport { confidence_pct: 100.0, ..report_of(2, 0, 4.0) };
    close(joined(&[report_of(1, 0, 2.0), sure]).state.mean_climb_mps, 10.0 / 3.0, 1e-9);
}

#[test]
fn the_band_and_the_best_climb_only_grow() {
    let low = ClimbReport { base_altitude_m: Some(900.0), top_altitude_m: Some(1_400.0), ..report_of(2, 60, 1.5) };
    let state = joined(&[report_of(1, 0, 3.0), low, report_of(1, 90, 2.0)]).state;
    assert_eq!((state.base_altitude_m, state.top_altitude_m, state.max_climb_mps), (900.0, 1_500.0, 3.0));
    assert_eq!((state.pilots, state.reports), (2, 3));
}

#[test]
fn confidence_grows_with_pilots_and_halves_in_an_hour() {
    close(joined(&[report_of(1, 0, 2.0), report_of(2, 0, 2.0)]).state.confidence_pct, 75.0, 1e-9);
    close(joined(&[report_of(1, 0, 2.0), report_of(2, 3_600, 2.0)]).state.confidence_pct, 62.5, 1e-9);
    // Half is left of 50, 25, 12.5, 6.25 percent, and five of them are the end.
    let lifetime_h = (joined(&[report_of(1, 0, 2.0)]).ends_at_us() - START_US) as f64 / HOUR_US as f64;
    close(lifetime_h, libm::log2(10.0), 1e-6);
    let many: Vec<_> = (0..40).map(|device| report_of(device, 0, 2.0)).collect();
    assert!(joined(&many).ends_at_us() <= START_US + LONGEST_US);
}

#[test]
fn winds_on_both_sides_of_north_make_a_north_wind() {
    let state = joined(&[windy(350.0, 10.0, 0), windy(10.0, 10.0, 0)]).state;
    let from_deg = state.wind_from_deg.expect("present");
    assert!(!(0.001..=359.999).contains(&from_deg), "{from_deg}");
    close(state.wind_speed_kmh.expect("present"), 10.0 * libm::cos(10.0_f64.to_radians()), 1e-6);
}

#[test]
fn the_drifted_centre_is_where_reports_are_looked_for() {
    // 5 m/s to the east over the date line: 3 km in ten minutes.
    let start = Position::new(46.0, 179.99);
    let mut thermal = Thermal::begin(&windy(270.0, 18.0, 0), start);
    let later = windy(270.0, 18.0, 600);
    let there = shifted(start, 3_000.0, 0.0);
    assert!(there.longitude_deg < 0.0);
    assert!(thermal.distance_m(&later, there).expect("same band") < 5.0);
    assert!(thermal.distance_m(&later, start).expect("same band") > JOIN_M);
    thermal.join(&later, there);
    let centre = thermal.state.position.expect("present");
    let centre = Position::new(centre.latitude_deg, centre.longitude_deg);
    assert!(distance_m(centre, there) < 5.0, "{}", bearing_deg(there, centre));
}

#[test]
fn bands_that_touch_are_compatible() {
    let thermal = joined(&[report_of(1, 0, 2.0)]);
    for (altitude_m, compatible) in [(1_900.0, true), (1_100.0, true), (1_901.0, false), (1_099.0, false)] {
        let report = ClimbReport { position: Some(at(HOME, altitude_m)), ..report_of(2, 10, 2.0) };
        assert_eq!(thermal.distance_m(&report, HOME).is_some(), compatible, "{altitude_m}");
    }
}

#[test]
fn a_checkpoint_restores_everything() {
    let thermal = joined(&[windy(200.0, 9.0, 0), report_of(3, 200, 2.5)]);
    assert_eq!(Thermal::from_checkpoint(&thermal.to_checkpoint(9)), thermal);
}
