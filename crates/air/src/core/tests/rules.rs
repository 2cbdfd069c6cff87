//! One test per rule that spans more than one file.

use fanet::packet::{GroundType, Layer, Tracking};
use fanet::{Address, Frame, Header, Packet};
use schemas::object::State;
use schemas::v1::command::{Action, Deny, Erase, Hide, HideName, Show, ShowName};
use schemas::v1::raw_record::Input;
use schemas::v1::{
    AppPosition, Audience, FlightPhase, ObservationFlag, Position, observation, reception, thermal_report,
};

use super::kit::{
    HOME, PILOT, Story, at, frame_of, ground, home, kinds, mark, message, name, station, thermal, tracking,
};
use crate::core::{Outputs, StateChange};

#[test]
fn a_second_frame_shows_a_pilot() {
    let mut story = Story::new();
    let first = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert_eq!((first.observations.len(), first.states.len()), (1, 0));
    assert!(first.observations[0].flags.contains(&ObservationFlag::Untrusted.into()));
    story.pass(5.0);
    let second = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert_eq!(kinds(&second), [(Audience::Public, "aircraft")]);
    let Some(State::Aircraft(state)) = &second.states[0].state else { panic!("not an aircraft") };
    assert_eq!((state.version, second.states[0].version), (101, 101));
    assert_eq!(state.flight_phase(), FlightPhase::Flying);
    assert_eq!(state.received_by.len(), 1);
    assert_eq!(second.scores[0].score, 80);
}

#[test]
fn copies_make_receptions_and_no_observations() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let frame = frame_of(PILOT, Packet::Tracking(tracking(home())));
    let first = story.heard("a", 0, &frame);
    let id = first.observations[0].observation_id;
    story.pass(0.3);
    let relayed = Frame { header: Header { forward: false, ..frame.header }, ..frame };
    for (receiver, copy) in [("b", &frame), ("c", &relayed)] {
        let out = story.heard(receiver, 0, copy);
        assert!(out.observations.is_empty() && out.states.is_empty());
        let (_, reception) = &out.receptions[0];
        let Some(reception::Content::HeardFrame(heard)) = &reception.content else { panic!("not a frame") };
        assert_eq!((heard.observation_id, reception.receiver_id.as_str()), (Some(id), receiver));
        assert!(heard.position.is_some());
        assert_ne!(reception.reception_id, id);
    }
    // The parked pilot repeats identical bytes: a refresh.
    story.pass(5.0);
    let refresh = story.heard("a", 0, &frame);
    assert_eq!((refresh.observations.len(), refresh.states.len()), (1, 1));
    let Some(State::Aircraft(state)) = &refresh.states[0].state else { panic!("not an aircraft") };
    assert_eq!(state.received_by.len(), 4, "a, b, c and the first receiver");
}

#[test]
fn consent_decides_where_things_go() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    assert!(story.frame(PILOT, name("Eva")).states[0].audience == Audience::Public);
    story.pass(5.0);
    let hidden = Tracking { online_tracking: false, ..tracking(home()) };
    let out = story.frame(PILOT, Packet::Tracking(hidden));
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft"), (Audience::Private, "aircraft")]);
    assert!(out.observations[0].private);
    let Some(reception::Content::HeardFrame(heard)) = &out.receptions[0].1.content else { panic!("not a frame") };
    assert_eq!((heard.observation_id, heard.packet_type, heard.position), (None, None, None));
    assert!(story.frame(PILOT, Packet::Thermal(thermal(home()))).thermal_reports.iter().all(is_clock));
    story.pass(5.0);
    let out = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert_eq!(kinds(&out), [(Audience::Private, "no aircraft"), (Audience::Public, "aircraft")]);
    let Some(State::Aircraft(state)) = &out.states[1].state else { panic!("not an aircraft") };
    assert_eq!(state.name.as_deref(), Some("Eva"));
}

fn is_clock((_, report): &(u64, schemas::v1::ThermalReport)) -> bool {
    matches!(report.content, Some(thermal_report::Content::Clock(_)))
}

#[test]
fn a_name_waits_for_consent() {
    let mut story = Story::new();
    let out = story.frame(PILOT, name("Eva"));
    assert!(out.observations[0].private);
    assert!(out.states.is_empty());
    story.introduce(PILOT, home());
    let out = story.frame(PILOT, Packet::Tracking(tracking(home())));
    let Some(State::Aircraft(state)) = &out.states[0].state else { panic!("not an aircraft") };
    assert_eq!(state.name.as_deref(), Some("Eva"));
}

#[test]
fn unicast_is_private_and_changes_nothing() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let (from, to) = (Address::new(0x11, 0x0B90), Address::new(0x11, 1));
    let frame = Frame::new(Header::unicast(from, to), Packet::Tracking(tracking(at(46.21, 13.6))));
    let out = story.heard("a", 0, &frame);
    assert!(out.observations[0].private && out.states.is_empty());
    assert_eq!(out.observations[0].destination_device, Some(to.as_u32()));
}

#[test]
fn stations_are_public_until_they_move() {
    let mut story = Story::new();
    story.frame(7, Packet::Service(station(home())));
    story.pass(40.0);
    let out = story.frame(7, Packet::Service(station(home())));
    assert_eq!(kinds(&out), [(Audience::Public, "station")]);
    assert!(!out.observations[0].private);
    story.pass(5.0);
    let out = story.frame(7, Packet::Tracking(Tracking { online_tracking: false, ..tracking(home()) }));
    assert_eq!(kinds(&out), [(Audience::Public, "no station"), (Audience::Private, "aircraft")]);
}

#[test]
fn one_device_has_one_live_state() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let out = story.frame(PILOT, Packet::GroundTracking(ground(home(), GroundType::Walking)));
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft"), (Audience::Public, "ground")]);
    story.pass(5.0);
    let out = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert_eq!(kinds(&out), [(Audience::Public, "no ground"), (Audience::Public, "aircraft")]);
}

#[test]
fn things_end_by_the_partitions_clock() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    story.pass(14.0 * 60.0);
    assert!(story.tick().states.is_empty());
    story.pass(60.0);
    let out = story.tick();
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft")]);
    assert_eq!(out.states[0].version, story.offset - 1);
    story.pass(24.0 * 3_600.0);
    story.tick();
    assert_eq!(story.core.changed_checkpoints("e").len(), 2, "the blank device and the partition");
    let dropped = story.core.changed_checkpoints("e");
    assert!(dropped[0].1.is_none() && story.core.devices() == 0);
}

#[test]
fn a_delayed_frame_replaces_nothing_and_is_not_judged() {
    for (silence_s, late_s, flags) in [
        (75.0, 60, &[ObservationFlag::Delayed][..]),
        (4_000.0, 3_700, &[ObservationFlag::Delayed, ObservationFlag::HistoryOnly]),
    ] {
        let mut story = Story::new();
        for _ in 0..6 {
            story.frame(PILOT, Packet::Tracking(tracking(home())));
            story.pass(5.0);
        }
        // Another receiver hears on.
        story.pass(silence_s);
        for _ in 0..2 {
            story.heard("other", 0, &frame_of(PILOT, Packet::Tracking(tracking(home()))));
            story.pass(5.0);
        }
        // Held up, from 50 km away: flagged, in the history, nothing else.
        let out = story.heard("r", late_s, &frame_of(PILOT, Packet::Tracking(tracking(at(46.6, 13.6)))));
        let observation = &out.observations[0];
        assert_eq!(observation.flags, flags.iter().map(|flag| i32::from(*flag)).collect::<Vec<_>>());
        assert_eq!(observation.event_at_us, story.now_us - late_s.unsigned_abs() * 1_000_000);
        assert_eq!((observation.score, out.states.len(), out.scores.len()), (None, 0, 0));
    }
}
#[test]
fn commands_hide_show_deny_and_erase() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    let out = story.command(PILOT, "1", Action::Hide(Hide {}));
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft"), (Audience::Private, "aircraft")]);
    assert_eq!(kinds(&story.command(PILOT, "2", Action::Show(Show {})))[1], (Audience::Public, "aircraft"));
    let out = story.command(PILOT, "3", Action::Erase(Erase {}));
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft")]);
    // The erasure is one private observation.
    let observations = &out.observations[..];
    let erased = matches!(&observations[0].body, Some(observation::Body::Erased(erased)) if erased.command_id == "3");
    assert!(
        observations.len() == 1 && erased && observations[0].private && observations[0].device == PILOT,
        "{observations:?}"
    );
    assert!(story.command(PILOT, "3", Action::Erase(Erase {})).observations.is_empty(), "a repeat");
    story.command(PILOT, "4", Action::Deny(Deny { remark: None }));
    story.introduce(PILOT, home());
    // For good: also after the core has forgotten all that it heard.
    story.pass(25.0 * 3_600.0).tick();
    story.introduce(PILOT, home());
    let out = story.frame(PILOT, Packet::GroundTracking(ground(home(), GroundType::Distress)));
    assert!(kinds(&out).iter().all(|(audience, _)| *audience == Audience::Private), "{:?}", kinds(&out));
}

#[test]
fn a_hidden_name_is_for_no_public_state_or_record() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    story.frame(PILOT, name("Rude"));
    story.frame(PILOT, mark(home(), Layer::Info));
    let out = story.command(PILOT, "1", Action::HideName(HideName { remark: None }));
    let names = |out: &Outputs| {
        let name = |change: &StateChange| match &change.state {
            Some(State::Aircraft(state)) => Some(state.name.clone()),
            _ => None,
        };
        out.states.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&out), [None]);
    assert!(kinds(&out).contains(&(Audience::Public, "no landmark")), "{:?}", kinds(&out));
    assert!(matches!(&out.privacy[..], [change] if change.state.name_hidden && !change.state.hidden));
    // The device itself stays public; what it calls itself does not.
    let out = story.frame(PILOT, name("Ruder"));
    assert_eq!((names(&out), out.observations[0].private), (vec![None], true));
    assert!(story.frame(PILOT, message(0, "rude")).observations[0].private);
    story.pass(5.0);
    let out = story.frame(PILOT, Packet::Tracking(tracking(home())));
    assert_eq!((names(&out), out.observations[0].private), (vec![None], false));
    // For good: also after the core has forgotten all that it heard.
    story.pass(25.0 * 3_600.0).tick();
    story.introduce(PILOT, home());
    assert_eq!(names(&story.frame(PILOT, name("Rude"))), [None]);
    let out = story.command(PILOT, "2", Action::ShowName(ShowName {}));
    assert_eq!(names(&out), [Some("Rude".to_owned())]);
    assert!(matches!(&out.privacy[..], [change] if !change.state.name_hidden && change.state.public_since_us == 0));
}

#[test]
fn an_app_position_counts_like_a_frame() {
    let mut story = Story::new();
    let mut report = AppPosition {
        device: PILOT,
        position: Some(Position { latitude_deg: HOME.0, longitude_deg: HOME.1, altitude_m: Some(900.0) }),
        speed_kmh: Some(30.0),
        public: true,
        name: Some("Eva".into()),
        ..AppPosition::default()
    };
    let mut last = Outputs::default();
    for _ in 0..2 {
        report.positioned_at_us = story.now_us - 500_000;
        last = story.record(None, Input::AppPosition(report.clone()));
        let repeat = story.record(None, Input::AppPosition(report.clone()));
        assert!(repeat.observations.is_empty(), "a repeat says nothing new");
        story.pass(5.0);
    }
    let Some(State::Aircraft(state)) = &last.states[0].state else { panic!("not an aircraft") };
    assert_eq!((state.name.as_deref(), state.course_deg), (Some("Eva"), None));
    assert!(
        last.receptions.is_empty() || last.receptions.iter().all(|(_, reception)| reception.receiver_id.is_empty())
    );
}

#[test]
fn a_late_app_position_keeps_its_own_consent() {
    for (public, ago_s) in [(true, 3_700), (true, 80_000), (false, 3_700)] {
        let mut story = Story::new();
        let report = AppPosition {
            device: PILOT,
            positioned_at_us: story.now_us - ago_s * 1_000_000,
            position: Some(Position { latitude_deg: HOME.0, longitude_deg: HOME.1, altitude_m: Some(900.0) }),
            public,
            name: Some("Eva".into()),
            ..AppPosition::default()
        };
        let out = story.record(None, Input::AppPosition(report));
        let observation = &out.observations[0];
        assert!(observation.flags.contains(&ObservationFlag::HistoryOnly.into()));
        assert_eq!((observation.private, observation.sent_name.as_deref()), (!public, Some("Eva")));
        assert!(out.states.is_empty(), "the past is no live state");
    }
}

#[test]
fn a_sent_name_is_in_one_observation_of_many() {
    let mut story = Story::new();
    let mut named = Vec::new();
    for step in 0..120_u64 {
        let report = AppPosition {
            device: PILOT,
            position: Some(Position { latitude_deg: HOME.0, longitude_deg: HOME.1, altitude_m: Some(900.0) }),
            public: true,
            name: Some(if step < 90 { "Eva" } else { "Ada" }.into()),
            positioned_at_us: story.now_us,
            ..AppPosition::default()
        };
        let out = story.record(None, Input::AppPosition(report));
        named.extend(out.observations[0].sent_name.as_ref().map(|name| (step, name.clone())));
        story.pass(5.0);
    }
    let of = |name: &str| named.iter().filter(|(_, sent)| sent == name).count();
    assert!((1..=4).contains(&of("Eva")) && (1..=2).contains(&of("Ada")), "{named:?}");
    assert_eq!(named[0].0, 0);
    assert!(named.contains(&(90, "Ada".into())), "a new name is carried at once");
}

#[test]
fn a_telephones_clock_set_back_freezes_nothing() {
    for behind_s in [65, 7_200] {
        let mut story = Story::new();
        let mut hidden = Vec::new();
        for step in 0..24_u64 {
            let behind_s = if step < 12 { 0 } else { behind_s };
            let report = AppPosition {
                device: PILOT,
                position: Some(Position { latitude_deg: HOME.0, longitude_deg: HOME.1, altitude_m: Some(900.0) }),
                speed_kmh: Some(30.0),
                public: true,
                positioned_at_us: story.now_us - behind_s * 1_000_000,
                ..AppPosition::default()
            };
            let out = story.record(None, Input::AppPosition(report));
            hidden.extend((!kinds(&out).contains(&(Audience::Public, "aircraft"))).then_some(step));
            story.pass(5.0);
        }
        assert_eq!(hidden, [0], "{behind_s} s: one position is waited for");
    }
}

#[test]
fn unusable_input_is_rejected_with_its_reason() {
    let mut story = Story::new();
    for (bytes, reason) in [(&b"xyz"[..], "mqtt_too_short"), (&[0; 9][..], "frame_too_short")] {
        let out = story.record(Some("r"), Input::MqttFrame(bytes.to_vec().into()));
        assert_eq!(out.reject.expect("refused").reason, reason);
        assert!(out.observations.is_empty() && out.states.is_empty());
    }
    let big = story.record(Some("r"), Input::MqttFrame(vec![0xFF; 65_536].into()));
    assert!(big.reject.is_none() == (big.observations.len() == 1));
}

#[test]
fn clocks_are_passed_on_every_five_seconds() {
    let mut story = Story::new();
    let mut passed = 0;
    for _ in 0..20 {
        passed += story.tick().thermal_reports.len();
        story.pass(1.0);
    }
    assert_eq!(passed, 4);
}

#[test]
fn the_date_line_and_the_pole_need_no_exception() {
    for (latitude, longitude, next) in [(10.0, 179.9998, (10.0, -179.9998)), (89.9995, 10.0, (89.9995, -170.0))] {
        let mut story = Story::new();
        story.introduce(PILOT, at(latitude, longitude));
        let out = story.frame(PILOT, Packet::Tracking(tracking(at(next.0, next.1))));
        assert!(!out.observations[0].flags.contains(&ObservationFlag::Implausible.into()));
        assert_eq!(kinds(&out), [(Audience::Public, "aircraft")]);
    }
}

/// The record by which something of a device ends can be the device's own.
#[test]
fn a_frame_that_comes_as_its_aircraft_expires_counts() {
    let mut story = Story::new();
    story.introduce(PILOT, home());
    story.pass(15.0 * 60.0 - 5.0);
    let out = story.frame(PILOT, Packet::Tracking(tracking(at(46.201, 13.6))));
    assert_eq!(kinds(&out), [(Audience::Public, "no aircraft"), (Audience::Public, "aircraft")]);
    assert_eq!(
        (
            out.observations.len(),
            out.receptions.iter().filter(|(_, reception)| !reception.receiver_id.is_empty()).count()
        ),
        (1, 1)
    );
}

#[test]
fn a_broadcast_text_is_shown_with_its_device() {
    let mut story = Story::new();
    story.introduce(PILOT, at(46.2, 13.6));
    let text_of = |out: &Outputs| {
        out.states.iter().find_map(|change| match &change.state {
            Some(State::Aircraft(state)) => Some((state.text.clone(), state.text_at_us)),
            _ => None,
        })
    };
    let sent_us = story.now_us;
    let shown = (Some("landing at the lake".to_owned()), Some(sent_us));
    assert_eq!(text_of(&story.frame(PILOT, message(0, "landing\u{1b} at\r\nthe lake"))), Some(shown.clone()));
    story.pass(5.0);
    let flown = story.frame(PILOT, Packet::Tracking(tracking(at(46.2, 13.6))));
    assert_eq!(text_of(&flown), Some(shown), "it stays with the next position");
    story.pass(5.0);
    assert_eq!(text_of(&story.frame(PILOT, message(1, "not a plain one"))), None);
    assert_eq!(text_of(&story.frame(PILOT, message(0, ""))), Some((None, None)), "taken back");
}

#[test]
fn texts_of_hidden_devices_or_to_one_are_private() {
    let mut story = Story::new();
    story.introduce(PILOT, at(46.2, 13.6));
    let to_one = Header::unicast(Address::new(0x11, 0x0B90), Address::new(0x11, 0x77));
    let out = story.heard("r", 0, &Frame::new(to_one, message(0, "only for you")));
    assert!(out.states.is_empty() && out.observations.iter().all(|observation| observation.private));
    story.pass(5.0);
    story.frame(PILOT, Packet::Tracking(Tracking { online_tracking: false, ..tracking(at(46.2, 13.6)) }));
    story.pass(5.0);
    let out = story.frame(PILOT, message(0, "hidden"));
    assert!(out.observations.iter().all(|observation| observation.private));
    assert!(out.states.iter().all(|change| change.audience == Audience::Private), "{:?}", out.states);
}
