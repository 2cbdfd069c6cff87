use geo::distance::{offset, shifted};
use proptest::prelude::*;
use schemas::v1;

use super::*;

const START_US: u64 = 1_750_000_000_000_000;

fn report(id: u64, second: u64, position: Position, wind: (f64, f64)) -> ClimbReport {
    let (latitude_deg, longitude_deg) = (position.latitude_deg, position.longitude_deg);
    ClimbReport {
        report_id: id,
        event_at_us: START_US + second * SECOND_US,
        position: Some(v1::Position { latitude_deg, longitude_deg, altitude_m: Some(1_500.0) }),
        climb_mps: 2.0,
        wind_from_deg: Some(wind.0),
        wind_speed_kmh: Some(wind.1),
        confidence_pct: 80.0,
        ..ClimbReport::default()
    }
}

/// As [`Picture::nearest`], by looking at all.
fn nearest_of_all(picture: &Picture, report: &ClimbReport, position: Position) -> Option<u64> {
    let near = picture.iter().filter_map(|thermal| {
        let distance_m = thermal.distance_m(report, position).filter(|distance_m| *distance_m <= JOIN_M)?;
        Some((distance_m, thermal.state.thermal_id))
    });
    near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, thermal_id)| thermal_id)
}

/// Around positions where maps have their seams.
fn seams() -> impl Strategy<Value = Position> {
    let home = prop::sample::select(vec![
        Position::new(46.0, 13.0),
        Position::new(0.01, -179.999),
        Position::new(-33.0, 179.99),
        Position::new(70.0, 180.0),
        Position::new(88.98, -180.0),
        Position::new(89.99, 40.0),
        Position::new(-89.99, -90.0),
    ]);
    (home, 0.0..360.0_f64, 0.0..4_000.0_f64).prop_map(|(home, bearing_deg, far_m)| offset(home, bearing_deg, far_m))
}

proptest! {
    #[test]
    fn the_index_finds_every_near_thermal(
        reports in prop::collection::vec((seams(), 0..900_u64, 0.0..360.0_f64, 0.0..120.0_f64, any::<bool>()), 1..40),
    ) {
        let (mut picture, mut second) = (Picture::default(), 0);
        for (id, (position, pause, from_deg, speed_kmh, drifts_along)) in (1..).zip(reports) {
            second += pause;
            let at_us = START_US + second * SECOND_US;
            let mut ended = Vec::new();
            picture.pass(at_us, |thermal| ended.push(thermal));
            prop_assert!(ended.iter().all(|thermal| thermal.ends_at_us() <= at_us));
            prop_assert!(picture.iter().all(|thermal| thermal.ends_at_us() > at_us));
            // Some are where another has drifted to, which may be far from all seams.
            let followed = picture.iter().next().filter(|_| drifts_along).map(|thermal| thermal.drifted(at_us));
            let position = followed.map_or(position, |centre| shifted(centre, 300.0, 200.0));
            let report = report(id, second, position, (from_deg, speed_kmh));
            let nearest = picture.nearest(&report, position);
            prop_assert_eq!(nearest, nearest_of_all(&picture, &report, position));
            prop_assert!(!drifts_along || nearest.is_some() || picture.iter().next().is_none());
            let mut thermal = nearest.and_then(|thermal_id| picture.take(thermal_id));
            match &mut thermal {
                Some(thermal) => thermal.join(&report, position),
                None => thermal = Some(Thermal::begin(&report, position)),
            }
            picture.put(thermal.expect("just made"), at_us);
        }
    }
}

#[test]
fn a_taken_thermal_is_removed() {
    let mut picture = Picture::default();
    let home = Position::new(46.0, 13.0);
    let first = report(1, 0, home, (0.0, 10.0));
    picture.put(Thermal::begin(&first, home), START_US);
    assert_eq!(picture.nearest(&first, home), Some(1));
    assert!(picture.take(1).is_some() && picture.take(1).is_none());
    assert_eq!(picture.nearest(&first, home), None);
    assert!(picture.cells.is_empty() && picture.due.is_empty());
}
