//! Alerts from the call until it ends.

use fanet::Packet;
use fanet::packet::{GroundType, Tracking};
use schemas::object::State;
use schemas::v1::command::{AcknowledgeAlert, Action, ResolveAlert};
use schemas::v1::{AlertKind, AlertResolution, AlertStatus, Audience};

use super::kit::{PILOT, Story, ground, home, kinds, name, tracking};
use crate::core::Outputs;

fn alert_of(out: &Outputs) -> &schemas::v1::AlertState {
    let alert = out.states.iter().find_map(|change| match &change.state {
        Some(State::Alert(state)) => Some(state),
        _ => None,
    });
    alert.expect("an alert")
}

#[test]
fn standing_distress_is_public_without_the_name() {
    let mut story = Story::new();
    let hidden = Tracking { online_tracking: false, ..tracking(home()) };
    story.frame(PILOT, Packet::Tracking(hidden));
    story.pass(5.0);
    story.frame(PILOT, Packet::Tracking(hidden));
    story.frame(PILOT, name("Eva"));
    story.pass(5.0);
    let call = fanet::packet::GroundTracking { online_tracking: false, ..ground(home(), GroundType::Distress) };
    let out = story.frame(PILOT, Packet::GroundTracking(call));
    assert!(out.urgent);
    let expected = [(Audience::Private, "no aircraft"), (Audience::Public, "ground"), (Audience::Public, "alert")];
    assert_eq!(kinds(&out), expected);
    let alert = alert_of(&out);
    assert_eq!((alert.status(), alert.alert_kind()), (AlertStatus::Open, AlertKind::Distress));
    assert!(alert.position.is_some() && alert.name.is_none() && !alert.unverified);
    let Some(State::Ground(state)) = &out.states[1].state else { panic!("not a ground object") };
    assert_eq!((state.name.as_ref(), state.alert_kind), (None, Some(AlertKind::Distress.into())));
    // Landed well: over, and hidden again.
    story.pass(60.0);
    let well = fanet::packet::GroundTracking { ground_type: GroundType::LandedWell, ..call };
    let out = story.frame(PILOT, Packet::GroundTracking(well));
    let expected = [(Audience::Public, "no ground"), (Audience::Private, "ground"), (Audience::Public, "alert")];
    assert_eq!(kinds(&out), expected);
    let alert = alert_of(&out);
    assert_eq!(alert.resolution, Some(AlertResolution::LandedWell.into()));
    assert_eq!((alert.position, alert.name.as_ref()), (None, None));
}

#[test]
fn unknown_distress_is_shown_at_once_as_unverified() {
    let mut story = Story::new();
    let out = story.frame(PILOT, Packet::GroundTracking(ground(home(), GroundType::DistressAutomatic)));
    assert_eq!(kinds(&out), [(Audience::Public, "ground"), (Audience::Public, "alert")]);
    assert!(alert_of(&out).unverified && out.urgent);
    // A ride is no distress: it waits for trust.
    let out = story.frame(9, Packet::GroundTracking(ground(home(), GroundType::NeedRide)));
    assert!(out.states.is_empty());
}

#[test]
fn a_call_without_a_fix_is_where_the_pilot_was_last() {
    let no_fix = fanet::Position::new(0.0, 0.0);
    let place = |out: &Outputs| alert_of(out).position.map(|position| (position.latitude_deg, position.longitude_deg));
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let (latitude_deg, longitude_deg) =
        place(&story.frame(PILOT, Packet::GroundTracking(ground(no_fix, GroundType::Distress))))
            .expect("the position of before");
    assert!(
        (latitude_deg - 46.2).abs() < 0.01 && (longitude_deg - 13.6).abs() < 0.01,
        "{latitude_deg} {longitude_deg}"
    );
    // Repeated: it does not move.
    story.pass(60.0);
    let repeated = story.frame(PILOT, Packet::GroundTracking(ground(no_fix, GroundType::Distress)));
    assert_eq!(place(&repeated), Some((latitude_deg, longitude_deg)));
    // Of an unknown device, and of a hidden one, no place is known.
    let unknown = story.frame(9, Packet::GroundTracking(ground(no_fix, GroundType::Distress)));
    assert_eq!(place(&unknown), None);
    let hidden = Tracking { online_tracking: false, ..tracking(home()) };
    for _ in 0..3 {
        story.pass(5.0);
        story.frame(10, Packet::Tracking(hidden));
    }
    let call = fanet::packet::GroundTracking { online_tracking: false, ..ground(no_fix, GroundType::Distress) };
    assert_eq!(place(&story.frame(10, Packet::GroundTracking(call))), None);
}

#[test]
fn alerts_are_acknowledged_and_resolved_by_command() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let out = story.frame(PILOT, Packet::GroundTracking(ground(home(), GroundType::NeedMedicalHelp)));
    let alert_id = alert_of(&out).alert_id;
    let out = story.command(PILOT, "c1", Action::AcknowledgeAlert(AcknowledgeAlert { alert_id }));
    assert_eq!(alert_of(&out).acknowledged_by.as_deref(), Some("operator"));
    let repeat = story.command(PILOT, "c1", Action::AcknowledgeAlert(AcknowledgeAlert { alert_id }));
    assert!(repeat.states.is_empty());
    let second = story.command(PILOT, "c2", Action::AcknowledgeAlert(AcknowledgeAlert { alert_id }));
    assert!(second.states.is_empty(), "the first one stays");
    let other = story.command(PILOT, "c3", Action::ResolveAlert(ResolveAlert { alert_id: alert_id + 1, remark: None }));
    assert!(other.states.is_empty(), "another alert");
    let out = story.command(PILOT, "c4", Action::ResolveAlert(ResolveAlert { alert_id, remark: None }));
    assert_eq!(alert_of(&out).resolution, Some(AlertResolution::Operator.into()));
    assert_eq!(alert_of(&out).resolved_by.as_deref(), Some("operator"));
    assert_eq!(alert_of(&out).acknowledged_by.as_deref(), Some("operator"), "it is kept");
    let again = story.command(PILOT, "c5", Action::ResolveAlert(ResolveAlert { alert_id, remark: None }));
    assert!(again.states.is_empty());
    story.pass(24.0 * 3_600.0);
    assert!(kinds(&story.tick()).contains(&(Audience::Public, "no alert")));
}

#[test]
fn a_silent_alert_resolves_in_1_day_and_expires_in_2() {
    let mut story = Story::new();
    story.frame(PILOT, Packet::GroundTracking(ground(home(), GroundType::Distress)));
    story.pass(24.0 * 3_600.0);
    let out = story.tick();
    assert_eq!(alert_of(&out).resolution, Some(AlertResolution::Silence.into()));
    story.pass(24.0 * 3_600.0);
    assert_eq!(kinds(&story.tick()), [(Audience::Public, "no alert")]);
}
