//! What strangers can send, and what it costs.

use fanet::Packet;
use fanet::packet::GroundType;
use schemas::object::Kind;
use schemas::v1::raw_record::Input;
use schemas::v1::{Audience, reception};

use super::kit::{PILOT, Story, at, frame_of, ground, name, tracking};
use crate::core::{Bounds, Evicted, Outputs, Settings};

const CALLER: u32 = 0x11_0CA1;

fn bounded(devices: usize) -> Story {
    Story::with(Settings { bounds: Bounds { devices, ..Bounds::default() }, ..Settings::default() })
}

fn made_up(number: u32) -> u32 {
    0x20_0001 + number
}

/// A frame of a made-up address, at a position of its own.
fn flood(story: &mut Story, number: u32) -> Outputs {
    story.pass(0.001);
    let position = at(46.0 + f64::from(number % 1_000) * 0.001, 13.0);
    story.frame(made_up(number), Packet::Tracking(tracking(position)))
}

fn unusable(out: &Outputs) -> Vec<(&str, u32, &str)> {
    let unusable = |reception: &'_ schemas::v1::Reception| match &reception.content {
        Some(reception::Content::UnusableFrames(unusable)) => Some(unusable.clone()),
        _ => None,
    };
    let of = out.receptions.iter().filter_map(|(_, reception)| Some((reception, unusable(reception)?)));
    of.map(|(reception, unusable)| {
        let reason = crate::decode::known_reason(&unusable.reason).expect("ours");
        (reception.receiver_id.as_str(), unusable.frames, reason)
    })
    .collect()
}

#[test]
fn made_up_devices_are_bounded() {
    let mut story = bounded(1_600);
    story.introduce(PILOT, at(46.2, 13.6));
    story.frame(CALLER, Packet::GroundTracking(ground(at(46.1, 13.5), GroundType::Distress)));
    let mut evicted = Vec::new();
    for number in 0..20_000 {
        evicted.append(&mut flood(&mut story, number).evicted);
        if number % 5_000 == 4_999 {
            story.core.changed_checkpoints("epoch");
            story.core.changed_checkpoints("epoch");
            let known = story.core.devices();
            assert!(known <= 1_601, "{known}: and the one that calls for help");
        }
    }
    assert!(evicted.len() > 18_000, "{}", evicted.len());
    assert!(evicted.iter().all(|of| !of.was_published && of.device >= made_up(0)), "shown ones stay");
    assert_eq!(evicted[0], Evicted { device: made_up(0), was_published: false }, "the oldest is evicted first");
    let kinds: Vec<_> = story.core.states().map(|change| (change.device, change.kind)).collect();
    assert!(kinds.contains(&(PILOT, Kind::Aircraft)) && kinds.contains(&(CALLER, Kind::Alert)), "{kinds:?}");
}

#[test]
fn an_evicted_device_leaves_tombstones() {
    let mut story = bounded(32);
    for number in 0..32 {
        story.introduce(made_up(number), at(46.0, 13.0 + f64::from(number) * 0.01));
    }
    let offset = story.offset;
    let out = story.frame(PILOT, Packet::Tracking(tracking(at(46.2, 13.6))));
    // The new one is not shown yet: of two that are not equal, it is evicted before those that are.
    assert_eq!(out.evicted[0], Evicted { device: PILOT, was_published: false });
    assert_eq!(out.evicted[1], Evicted { device: made_up(0), was_published: true });
    let ended: Vec<_> = out.states.iter().filter(|change| change.state.is_none()).collect();
    assert_eq!(ended.len(), 2, "three were evicted, and one of them was never shown");
    assert!(ended.iter().all(|change| change.version == offset && change.audience == Audience::Public));
    // It comes back like any new device.
    story.pass(5.0);
    story.introduce(made_up(0), at(46.0, 13.0));
    assert!(story.core.states_of(made_up(0)).next().is_some());
}

#[test]
fn a_flood_of_calls_evicts_no_caller() {
    let mut story = bounded(32);
    for number in 0..200 {
        story.pass(0.1);
        let call = ground(at(46.1, 13.5), GroundType::Distress);
        let out = story.frame(made_up(number), Packet::GroundTracking(call));
        assert_eq!(out.evicted, []);
    }
    let alerts = story.core.states().filter(|change| change.kind == Kind::Alert).count();
    assert_eq!(alerts, 200);
}

#[test]
fn made_up_receivers_are_bounded() {
    let bounds = Bounds { receivers: 1_000, ..Bounds::default() };
    let mut story = Story::with(Settings { bounds, ..Settings::default() });
    let mut evicted = 0;
    for number in 0..5_000_u32 {
        story.pass(0.001);
        evicted += story.heard(&format!("made-up-{number}"), 0, &frame_of(PILOT, name("x"))).evicted_receivers;
        evicted += story.record(Some(&format!("loud-{number}")), Input::MqttFrame(vec![1; 9].into())).evicted_receivers;
    }
    assert!(evicted >= 8_000, "{evicted}");
    let checkpoints = story.core.changed_checkpoints("epoch");
    let Some(schemas::v1::processor_state::Part::Partition(own)) =
        checkpoints.into_iter().next_back().and_then(|m| m.1?.part)
    else {
        panic!("the partition's part is the last")
    };
    assert!(own.receivers.len() <= 1_000 && own.rejects.len() <= 1_000);
}

#[test]
fn poison_of_one_receiver_is_counted_and_bounded() {
    let mut story = Story::new();
    story.tick();
    let mut letters = 0;
    for _ in 0..20_000 {
        story.pass(0.000_05);
        let out = story.record(Some("loud"), Input::MqttFrame(vec![0x55; 9].into()));
        assert_eq!(out.reject.as_ref().map(|reject| reject.reason), Some("frame_too_short"));
        letters += usize::from(!out.is_withheld);
    }
    assert_eq!(letters, 20);
    // Good frames that come under its id count as ever.
    story.pass(1.0);
    story.heard("loud", 0, &frame_of(PILOT, Packet::Tracking(tracking(at(46.2, 13.6)))));
    story.pass(5.0);
    let out = story.heard("loud", 0, &frame_of(PILOT, Packet::Tracking(tracking(at(46.2, 13.6)))));
    assert_eq!(out.states.len(), 1, "the pilot is shown");
    assert_eq!(unusable(&out), [("loud", 20_000, "frame_too_short")]);
    story.pass(5.0);
    assert_eq!(unusable(&story.tick()), [], "reported once");
}

#[test]
fn health_is_reported_of_good_receivers_only() {
    let mut story = Story::new();
    let mut health = Vec::new();
    story.core.take_health(&mut health);
    for second in 0..40 {
        story.pass(1.0);
        story.heard("good", 0, &frame_of(PILOT, name("Eva")));
        // Tracking, cut off: another release might read it; and what none can.
        let cut = [vec![0; 8], vec![0x01, 0x11, 0x90, 0x0B, second]].concat();
        story.record(Some("good"), Input::MqttFrame(cut.clone().into()));
        story.record(Some("good"), Input::MqttFrame(vec![0; 9].into()));
        story.record(Some("stranger"), Input::MqttFrame(cut.into()));
    }
    story.core.take_health(&mut health);
    let reported: Vec<_> = health.iter().map(|of| (&*of.receiver, of.readable, of.unreadable)).collect();
    assert_eq!(reported, [("good", 40, 40)]);
    story.core.take_health(&mut health);
    assert_eq!(health.len(), 1, "not more often than twice a minute");
}
