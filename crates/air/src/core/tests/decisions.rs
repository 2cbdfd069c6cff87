//! A person rejects and accepts positions.

use fanet::Packet;
use fanet::packet::GroundType;
use schemas::object::State;
use schemas::v1::command::{AcceptPosition, Action, Hide, RejectPosition};
use schemas::v1::observation::Body;
use schemas::v1::{AircraftState, AlertState, GroundKind, Observation, Position, SourceKind};

use super::kit::{PILOT, Story, at, ground, tracking};
use crate::core::Outputs;

const FLOWN: (f64, f64) = (46.2, 13.6);
/// 115 m further: what the rules believe within 5 s.
const SPIKE: (f64, f64) = (46.2, 13.6015);

fn aircraft_of(out: &Outputs) -> Option<AircraftState> {
    out.states.iter().find_map(|change| match &change.state {
        Some(State::Aircraft(state)) => Some(state.clone()),
        _ => None,
    })
}

fn alert_of(out: &Outputs) -> AlertState {
    let alert = out.states.iter().find_map(|change| match &change.state {
        Some(State::Alert(state)) => Some(state.clone()),
        _ => None,
    });
    alert.expect("an alert")
}

fn rounded(position: Option<Position>) -> (f64, f64) {
    let position = position.expect("a position");
    let round = |deg: f64| (deg * 1e3).round() / 1e3;
    (round(position.latitude_deg), round(position.longitude_deg))
}

/// A pilot who has flown, and the observation of the last position.
fn flown(story: &mut Story) -> Observation {
    for _ in 0..5 {
        story.frame(PILOT, Packet::Tracking(tracking(at(FLOWN.0, FLOWN.1))));
        story.pass(5.0);
    }
    let out = story.frame(PILOT, Packet::Tracking(tracking(at(SPIKE.0, SPIKE.1))));
    out.observations.into_iter().next().expect("an observation")
}

fn reject(wrong: &Observation) -> RejectPosition {
    // As the history has it: in milliseconds.
    let event_at_us = wrong.event_at_us / 1_000 * 1_000;
    RejectPosition { observation_id: wrong.observation_id, event_at_us, ..RejectPosition::default() }
}

#[test]
fn a_rejected_position_gives_way_to_the_one_before_it() {
    let mut story = Story::new();
    let wrong = flown(&mut story);
    let out = story.command(PILOT, "1", Action::RejectPosition(reject(&wrong)));
    let [decision] = &out.observations[..] else { panic!("{:?}", out.observations) };
    assert_eq!((decision.rejects.as_slice(), decision.private), (&[wrong.observation_id][..], false));
    assert!(matches!(&decision.body, Some(Body::Decision(decision)) if decision.command_id == "1"));
    let state = aircraft_of(&out).expect("still live");
    assert_eq!(rounded(state.position), FLOWN);
    assert!((4_000_000..6_000_000).contains(&(wrong.event_at_us - state.event_at_us)), "{}", state.event_at_us);
    assert!(story.command(PILOT, "1", Action::RejectPosition(reject(&wrong))).observations.is_empty(), "a repeat");
    // The next position is judged against the one before.
    story.pass(5.0);
    let out = story.frame(PILOT, Packet::Tracking(tracking(at(FLOWN.0, FLOWN.1))));
    assert_eq!(rounded(aircraft_of(&out).expect("live").position), FLOWN);
    assert_eq!(out.observations[0].flags, Vec::<i32>::new());
}

#[test]
fn a_right_position_takes_the_place_of_the_wrong_one() {
    let mut story = Story::new();
    let wrong = flown(&mut story);
    let position = Some(Position { latitude_deg: FLOWN.0, longitude_deg: 13.601, altitude_m: Some(1_510.0) });
    let right = RejectPosition { position, speed_kmh: Some(36.0), ..reject(&wrong) };
    let out = story.command(PILOT, "1", Action::RejectPosition(right));
    let observation = &out.observations[0];
    assert_eq!((observation.source(), observation.rejects.len()), (SourceKind::Person, 1));
    let Some(Body::Position(report)) = &observation.body else { panic!("{observation:?}") };
    assert_eq!((report.position, report.speed_kmh, report.online_tracking), (position, 36.0, true));
    let state = aircraft_of(&out).expect("live");
    assert_eq!((rounded(state.position), state.event_at_us), ((FLOWN.0, 13.601), wrong.event_at_us));
    let nowhere = Some(Position { latitude_deg: 91.0, longitude_deg: 0.0, altitude_m: None });
    let out = story.command(PILOT, "2", Action::RejectPosition(RejectPosition { position: nowhere, ..reject(&wrong) }));
    assert!(matches!(&out.observations[0].body, Some(Body::Decision(_))), "no position on earth is none");
}

#[test]
fn an_aircraft_without_another_position_ends() {
    let mut story = Story::new();
    story.introduce(PILOT, at(FLOWN.0, FLOWN.1));
    let wrong = story.frame(PILOT, Packet::Tracking(tracking(at(FLOWN.0, FLOWN.1)))).observations[0].clone();
    story.pass(5.0);
    let older = reject(&Observation { event_at_us: wrong.event_at_us - 60_000_000, ..wrong.clone() });
    let out = story.command(PILOT, "1", Action::RejectPosition(older));
    assert!(out.states.is_empty() && out.observations.len() == 1, "an older one changes the history alone");
    for index in 0..4 {
        let state = story.core.states_of(PILOT).next().and_then(|change| change.state);
        let Some(State::Aircraft(state)) = state else { break };
        let newest = reject(&Observation { event_at_us: state.event_at_us, ..wrong.clone() });
        story.command(PILOT, &format!("again {index}"), Action::RejectPosition(newest));
    }
    assert_eq!(story.core.states_of(PILOT).count(), 0);
}

#[test]
fn a_call_for_help_gets_its_right_position() {
    let mut story = Story::new();
    let call = Packet::GroundTracking(ground(at(SPIKE.0, SPIKE.1), GroundType::Distress));
    let wrong = story.frame(PILOT, call).observations[0].clone();
    let position = Some(Position { latitude_deg: FLOWN.0, longitude_deg: FLOWN.1, altitude_m: None });
    let ground_kind = Some(GroundKind::Distress.into());
    let right = RejectPosition { position, ground_kind, ..reject(&wrong) };
    let out = story.command(PILOT, "1", Action::RejectPosition(right));
    assert_eq!(alert_of(&out).position, position);
    assert!(matches!(&out.observations[0].body, Some(Body::GroundPosition(report)) if report.position == position));
    let out = story.command(PILOT, "2", Action::RejectPosition(reject(&wrong)));
    assert_eq!(alert_of(&out).position, None, "it stands, wherever it is");
}

#[test]
fn an_accepted_position_is_confirmed() {
    let mut story = Story::new();
    let wrong = flown(&mut story);
    let accept =
        AcceptPosition { observation_id: wrong.observation_id, event_at_us: wrong.event_at_us / 1_000 * 1_000 };
    let out = story.command(PILOT, "1", Action::AcceptPosition(accept));
    assert_eq!((out.observations[0].confirms.as_slice(), out.states.len()), (&[wrong.observation_id][..], 0));
    assert!(matches!(&out.observations[0].body, Some(Body::Decision(_))));
}

#[test]
fn a_decision_about_a_hidden_device_is_private() {
    let mut story = Story::new();
    let wrong = flown(&mut story);
    story.command(PILOT, "1", Action::Hide(Hide {}));
    let out = story.command(PILOT, "2", Action::RejectPosition(reject(&wrong)));
    assert!(out.observations[0].private);
}
