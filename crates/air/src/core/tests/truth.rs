//! Only what is true is shown: phantoms, first positions, two devices with one address.

use fanet::Packet;
use fanet::packet::GroundType;
use geo::Position;
use geo::distance::{distance_m, offset};
use proptest::prelude::*;
use schemas::object::{Kind, State};
use schemas::v1::{Audience, ObservationFlag};

use super::kit::{PILOT, Story, at, frame_of, ground, station, tracking};
use crate::core::Outputs;
use crate::core::score::Reason;

/// 60 N 150 W, from 07A013.
const FAR_PILOT: &str = "010713a02855558e5595dc95500000";
/// A weather station far from home, 01011E.
const FAR_STATION: &str = "04011e012095a752b76a725affff";
/// 0 N 0 E at 0 m, from 07A012.
const NO_FIX: &str = "010712a00000000000000090500040";

fn home() -> fanet::Position {
    at(46.2, 13.6)
}

fn position_of(state: &State) -> Option<Position> {
    let position = state.position().filter(|_| state.kind() != Kind::Alert);
    position.map(|position| Position::new(position.latitude_deg, position.longitude_deg))
}

/// Where a record shows its device.
fn shown(out: &Outputs) -> Option<Position> {
    let public = out.states.iter().filter(|change| change.audience == Audience::Public);
    public.filter_map(|change| position_of(change.state.as_ref()?)).next_back()
}

fn has(out: &Outputs, flag: ObservationFlag) -> bool {
    out.observations.iter().any(|observation| observation.flags.contains(&flag.into()))
}

fn moved(east_m: f64) -> fanet::Position {
    let position = offset(Position::new(46.2, 13.6), 90.0, east_m);
    at(position.latitude_deg, position.longitude_deg)
}

#[test]
fn a_phantom_right_after_a_frame_is_not_shown() {
    let mut story = Story::new();
    story.introduce(0x07_A013, home());
    for _ in 0..3 {
        assert!(shown(&story.frame(0x07_A013, Packet::Tracking(tracking(home())))).is_some());
        story.pass(0.3);
        let out = story.bytes(FAR_PILOT);
        assert_eq!((shown(&out), out.observations.len()), (None, 1));
        assert!(has(&out, ObservationFlag::Implausible) || has(&out, ObservationFlag::AddressConflict));
        story.pass(4.7);
    }
    let out = story.frame(0x07_A013, Packet::Tracking(tracking(home())));
    assert!(shown(&out).is_some(), "one pair of phantoms hides no aircraft");
}

#[test]
fn a_phantom_station_or_vehicle_is_not_shown() {
    let mut story = Story::new();
    for _ in 0..2 {
        story.frame(0x01_011E, Packet::Service(station(home())));
        story.pass(40.0);
    }
    assert!(shown(&story.frame(0x01_011E, Packet::Service(station(home())))).is_some());
    story.pass(0.3);
    let out = story.bytes(FAR_STATION);
    assert_eq!((shown(&out), out.observations[0].device), (None, 0x01_011E));
    let vehicle = |position| Packet::GroundTracking(ground(position, GroundType::Vehicle));
    for _ in 0..3 {
        story.frame(PILOT, vehicle(home()));
        story.pass(5.0);
    }
    assert!(shown(&story.frame(PILOT, vehicle(home()))).is_some());
    story.pass(0.3);
    assert_eq!(shown(&story.frame(PILOT, vehicle(at(-30.0, 100.0)))), None);
}

#[test]
fn too_soon_to_judge_does_not_move() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    story.frame(PILOT, Packet::Tracking(tracking(home())));
    story.pass(0.3);
    let out = story.frame(PILOT, Packet::Tracking(tracking(moved(900.0))));
    assert!(out.states.is_empty() && has(&out, ObservationFlag::Unconfirmed));
    // Another rounding of the same position is no other position.
    let out = story.frame(PILOT, Packet::Tracking(tracking(moved(3.0))));
    assert!(shown(&out).is_some() && !has(&out, ObservationFlag::Unconfirmed));
}

#[test]
fn a_missing_fix_is_no_position() {
    let mut story = Story::new();
    let out = story.bytes(NO_FIX);
    assert!(has(&out, ObservationFlag::Implausible));
    assert_eq!(out.scores[0].last_reason.map(Reason::as_str), Some("no_fix"));
    let mut seen = Vec::new();
    for step in 0..6_u64 {
        story.pass(5.0);
        let out = story.frame(0x07_A012, Packet::Tracking(tracking(moved(step as f64 * 50.0))));
        assert!(!has(&out, ObservationFlag::Implausible), "{step}");
        if let Some(position) = shown(&out) {
            assert!(distance_m(position, Position::new(46.2, 13.6)) < 400.0);
            seen.push(step);
        }
    }
    assert_eq!(seen, [2, 3, 4, 5]);
}

#[test]
fn a_first_fix_waits_for_a_second() {
    let mut story = Story::new();
    let first = story.frame(PILOT, Packet::Tracking(tracking(at(1.0, 1.0))));
    assert!(has(&first, ObservationFlag::Unconfirmed) && shown(&first).is_none());
    story.pass(5.0);
    let second = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert!(has(&second, ObservationFlag::Unconfirmed) && !has(&second, ObservationFlag::Implausible));
    story.pass(5.0);
    let third = story.frame(PILOT, Packet::Tracking(tracking(moved(50.0))));
    assert_eq!(third.observations[0].confirms, [second.observations[0].observation_id]);
    assert!(shown(&third).is_some());
    let Some(State::Aircraft(state)) = &third.states[0].state else { panic!("not an aircraft") };
    assert_eq!(state.first_seen_at_us, second.observations[0].event_at_us);
}

#[test]
fn of_two_aircraft_with_one_address_the_first_stays() {
    let mut story = Story::new();
    let (mut conflicts, mut last) = (0, Outputs::default());
    for step in 0..120_u32 {
        let own = moved(f64::from(step) * 50.0);
        let out = story.frame(PILOT, Packet::Tracking(tracking(own)));
        assert_eq!(shown(&out).is_some(), step > 0, "{step}");
        story.pass(2.0);
        let other = at(47.1, 13.6 + f64::from(step) * 0.000_5);
        last = story.heard("far", 0, &frame_of(PILOT, Packet::Tracking(tracking(other))));
        conflicts += u32::from(has(&last, ObservationFlag::AddressConflict));
        assert_eq!(shown(&last), None, "{step}");
        story.pass(3.0);
    }
    assert_eq!(conflicts, 119);
    let score = &last.scores[0];
    assert_eq!((score.score, score.published, score.implausible_frames), (100, true, 0));
    let conflict = score.address_conflict.as_ref().expect("reported");
    assert_eq!((conflict.frames, conflict.other_receiver_id.as_deref()), (119, Some("far")));
    assert_eq!(conflict.receiver_id.as_deref(), Some("r"));
    let latitudes_deg =
        [conflict.position, conflict.other_position].map(|position| position.expect("public").latitude_deg);
    assert!((latitudes_deg[0] - 46.2).abs() < 0.01 && (latitudes_deg[1] - 47.1).abs() < 0.01, "{latitudes_deg:?}");
    // The first one falls silent: once it has expired the other one is shown.
    let mut shown_at_s = None;
    for step in 0..1_000_u32 {
        let other = at(47.1, 13.66 + f64::from(step) * 0.000_5);
        let out = story.heard("far", 0, &frame_of(PILOT, Packet::Tracking(tracking(other))));
        shown_at_s = shown_at_s.or_else(|| shown(&out).map(|_| step * 5));
        story.pass(5.0);
    }
    assert!(shown_at_s.is_some_and(|seconds| (200..=900).contains(&seconds)), "{shown_at_s:?}");
}

#[test]
fn conflicts_of_hidden_devices_have_no_positions() {
    let mut story = Story::new();
    let hidden = |position| fanet::packet::Tracking { online_tracking: false, ..tracking(position) };
    let mut last = Outputs::default();
    for _ in 0..4 {
        story.frame(PILOT, Packet::Tracking(hidden(home())));
        story.pass(2.0);
        last = story.frame(PILOT, Packet::Tracking(hidden(at(47.1, 13.6))));
        story.pass(3.0);
    }
    let conflict = last.scores[0].address_conflict.as_ref().expect("reported");
    assert_eq!((conflict.position, conflict.other_position, conflict.frames), (None, None, 3));
}

/// A frame between those of a true flight.
fn noise() -> impl Strategy<Value = (f64, f64, u64)> {
    (-85.0..85.0_f64, -179.0..179.0_f64, 100..4_900_u64)
}

proptest! {
    /// What the radio explains: a paraglider's greatest speed since the newest true position.
    #[test]
    fn noise_never_moves_a_flight_further_than_it_flies(
        noises in prop::collection::vec(prop::option::weighted(0.4, noise()), 2..60),
    ) {
        let mut story = Story::new();
        for (step, noise) in noises.iter().enumerate() {
            let truth = offset(Position::new(46.2, 13.6), 90.0, step as f64 * 50.0);
            let frame = tracking(at(truth.latitude_deg, truth.longitude_deg));
            let out = story.frame(PILOT, Packet::Tracking(frame));
            prop_assert!(shown(&out).is_none_or(|position| distance_m(position, truth) < 5.0), "{:?}", shown(&out));
            let mut pause_ms = 5_000;
            if let Some((latitude, longitude, after_ms)) = noise {
                story.pass(*after_ms as f64 / 1_000.0);
                let out = story.frame(PILOT, Packet::Tracking(tracking(at(*latitude, *longitude))));
                prop_assert!(shown(&out).is_none_or(|position| distance_m(position, truth) < 340.0), "{:?}", shown(&out));
                pause_ms -= after_ms;
            }
            story.pass(pause_ms as f64 / 1_000.0);
        }
    }

    #[test]
    fn phantoms_without_a_second_frame_are_never_public(
        frames in prop::collection::vec((-60.0..60.0_f64, 0..3_600_u64), 1..80),
    ) {
        let mut story = Story::new();
        for (number, (latitude, pause_s)) in (0..).zip(&frames) {
            // Three devices, none of which is ever within reach of where it was before.
            let position = at(*latitude, f64::from(number * 7 % 40) * 9.0 - 178.0);
            let out = story.frame(1 + number % 3, Packet::Tracking(tracking(position)));
            prop_assert!(shown(&out).is_none());
            prop_assert!(has(&out, ObservationFlag::Unconfirmed));
            story.pass(*pause_s as f64);
        }
    }

    #[test]
    fn the_first_of_two_with_one_address_stays_shown(
        pauses in prop::collection::vec((1_000..5_000_u64, prop::bool::weighted(0.8)), 10..150),
    ) {
        let mut story = Story::new();
        story.introduce(PILOT, home());
        let mut since_s = 0.0;
        for (index, (pause_ms, other_sends)) in pauses.iter().enumerate() {
            let out = story.frame(PILOT, Packet::Tracking(tracking(moved(since_s * 10.0))));
            prop_assert!(shown(&out).is_some(), "{index}");
            let half_s = *pause_ms as f64 / 2_000.0;
            story.pass(half_s);
            if *other_sends {
                let far = at(47.1, 13.6 + index as f64 * 0.000_1);
                let out = story.frame(PILOT, Packet::Tracking(tracking(far)));
                prop_assert!(shown(&out).is_none() && out.states.is_empty(), "{:?}", out.states);
            }
            story.pass(half_s);
            since_s += half_s * 2.0;
        }
    }
}
