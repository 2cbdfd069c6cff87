use std::collections::HashSet;

use super::*;

/// Lets an aircraft live for some hours and shows each second to `see`.
fn live(seed: u64, index: usize, hours: u32, mut see: impl FnMut(&Aircraft, &Air<'_>)) {
    let mut area = Area::new(seed, index % 3, None);
    let mut aircraft = Aircraft::new(seed, index, &area);
    for second in 1..=hours * 3_600 {
        let now_s = f64::from(second);
        area.advance(now_s);
        let air = Air { area: &area, now_s, step_s: 1.0 };
        aircraft.step(&air);
        see(&aircraft, &air);
    }
}

#[test]
fn circling_climbs_with_the_lift_less_the_own_sink() {
    let mut circled = 0;
    for index in [0, 1, 2, 6] {
        let mut before_m = f64::NAN;
        live(11, index, 3, |aircraft, air| {
            let craft = &aircraft.craft;
            if let Some(circle) = aircraft.circle()
                && air.now_s - circle.since_s > 1.0
                && let Some(thermal) = circle.thermal.and_then(|id| air.area.thermal(id))
            {
                // The lift where the step began; over one second it differs from that at its end by a few percent.
                let distance_m = thermal.centre(air.now_s).distance_m(craft.point);
                let lift_mps = thermal.lift_mps(distance_m, before_m, air.now_s);
                let climb_mps = lift_mps - craft.performance.circling_sink_mps;
                assert!((craft.climb_mps - climb_mps).abs() < 1.0, "{} and {climb_mps} m/s", craft.climb_mps);
                assert!((craft.altitude_m - before_m - craft.climb_mps).abs() < 1e-6);
                circled += 1;
            }
            before_m = craft.altitude_m;
        });
    }
    assert!(circled > 3_600, "{circled} s of circling are too few to decide");
}

#[test]
fn circles_centre_on_the_thermal_and_drift_with_it() {
    let mut steady = 0;
    for index in [0, 1, 3, 4] {
        live(5, index, 2, |aircraft, air| {
            if let Some(circle) = aircraft.circle()
                && air.now_s - circle.since_s > 150.0
                && let Some(thermal) = circle.thermal.and_then(|id| air.area.thermal(id))
            {
                let off_m = thermal.centre(air.now_s).distance_m(circle.centre);
                assert!(off_m < 60.0, "{off_m} m off the core after {} s", air.now_s - circle.since_s);
                steady += 1;
            }
        });
    }
    assert!(steady > 600, "{steady}");
}

#[test]
fn soaring_pilots_gain_height_land_and_take_off_again() {
    let mut flights = 0;
    let mut gained = 0;
    for index in 0..12 {
        let mut was_parked = false;
        let mut highest_m = f64::MIN;
        live(2, index, 5, |aircraft, air| {
            flights += u32::from(was_parked && !aircraft.is_parked());
            was_parked = aircraft.is_parked();
            highest_m = highest_m.max(aircraft.craft.altitude_m - air.area.launch_m);
        });
        gained += u32::from(highest_m > 300.0);
    }
    assert!(flights >= 12, "{flights} take-offs of 12 pilots in 5 hours");
    assert!(gained >= 8, "{gained} of 12 rose above their launch");
}

#[test]
fn every_kind_flies_and_comes_down() {
    for index in 0..20 {
        let mut sent = HashSet::new();
        let mut flew = false;
        let mut kind = AircraftKind::Other;
        live(3, index, 6, |aircraft, air| {
            kind = aircraft.kind;
            match aircraft.on_ground(air.now_s) {
                Some(state) => _ = sent.insert(state as u8),
                None => flew = true,
            }
        });
        assert!(flew, "{kind:?} never flew");
        for state in [GroundState::Walking, GroundState::Vehicle] {
            assert!(sent.contains(&(state as u8)), "{kind:?} never sent {state:?}: {sent:?}");
        }
    }
}

#[test]
fn calls_for_help_are_made_and_resolved() {
    let mut calls = Vec::new();
    live(1, 5, 1, |aircraft, air| {
        let state = aircraft.on_ground(air.now_s);
        if calls.last() != Some(&state) {
            calls.push(state);
        }
    });
    assert_eq!(calls[..2], [Some(GroundState::Distress), Some(GroundState::LandedWell)]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_leaves_its_limits(seed in proptest::num::u64::ANY, index in 0..200_usize) {
        let mut before: Option<Point> = None;
        live(seed, index, 2, |aircraft, air| {
            let craft = &aircraft.craft;
            let position = air.area.plane.position(craft.point, craft.altitude_m);
            assert!(position.latitude_deg.is_finite() && position.longitude_deg.is_finite());
            assert!((air.area.floor_m - 10.0..6_000.0).contains(&craft.altitude_m), "{:?} at {} m", aircraft.kind, craft.altitude_m);
            assert!(craft.point.distance_m(Point::default()) < 60_000.0, "{:?} strayed", aircraft.kind);
            assert!(craft.velocity.speed_mps() < top_speed_mps(aircraft.kind), "{aircraft:?}");
            assert!(craft.climb_mps.abs() < 8.0, "{aircraft:?}");
            assert!((0.0..360.0).contains(&craft.velocity.course_deg()));
            assert!(craft.turn_dps.abs() < 60.0);
            if let Some(before) = before {
                assert!(before.distance_m(craft.point) < top_speed_mps(aircraft.kind), "{:?} jumped", aircraft.kind);
            }
            before = Some(craft.point);
        });
    }
}

/// What validators take for the fastest that each kind can be over ground.
fn top_speed_mps(kind: AircraftKind) -> f64 {
    let kmh = match kind {
        AircraftKind::Paraglider => 120.0,
        AircraftKind::HangGlider => 160.0,
        AircraftKind::Balloon => 150.0,
        AircraftKind::Glider => 300.0,
        AircraftKind::Powered => 400.0,
        AircraftKind::Helicopter => 360.0,
        AircraftKind::Uav | AircraftKind::Other => 200.0,
    };
    kmh / 3.6
}
