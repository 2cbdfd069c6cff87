//! Landmarks, the marks that a device sets on the map.

use fanet::Packet;
use fanet::packet::{Layer, Tracking};
use schemas::object::{Kind, State};
use schemas::v1::Audience;
use schemas::v1::command::{Action, Erase};

use super::kit::{PILOT, Story, at, kinds, mark, tracking};
use crate::core::{Outputs, Settings};

fn landmarks(out: &Outputs) -> Vec<(u64, Option<String>)> {
    let of = out.states.iter().filter(|change| change.kind == Kind::Landmark);
    of.map(|change| match &change.state {
        Some(State::Landmark(state)) => (change.number, state.text.clone()),
        _ => (change.number, None),
    })
    .collect()
}

#[test]
fn a_landmark_is_shown_until_it_expires_or_is_removed() {
    let mut story = Story::new();
    story.introduce(PILOT, at(46.2, 13.6));
    let first = landmarks(&story.frame(PILOT, mark(at(46.21, 13.61), Layer::Warning)));
    let [(id, Some(text))] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(text, "Wires!");
    story.pass(600.0);
    let again = landmarks(&story.frame(PILOT, mark(at(46.21, 13.61), Layer::Info)));
    assert_eq!(again, [(*id, Some("Wires!".into()))], "the same body is the same landmark");
    let other = landmarks(&story.frame(PILOT, mark(at(46.22, 13.61), Layer::Info)));
    assert_ne!(other[0].0, *id);
    story.pass(5.0);
    let removed = landmarks(&story.frame(PILOT, mark(at(46.22, 13.61), Layer::DontCare)));
    assert_eq!(removed, [(other[0].0, None)]);
    story.pass(1_190.0);
    assert_eq!(landmarks(&story.tick()), [], "ten minutes after the first, 20 after the second");
    story.pass(10.0);
    assert_eq!(landmarks(&story.tick()), [(*id, None)]);
}

#[test]
fn landmarks_of_hidden_or_far_devices_are_not_shown() {
    let mut story = Story::new();
    assert_eq!(landmarks(&story.frame(PILOT, mark(at(46.2, 13.6), Layer::Info))), [], "nothing is known of it");
    story.introduce(PILOT, at(46.2, 13.6));
    assert_eq!(landmarks(&story.frame(PILOT, mark(at(10.0, 13.6), Layer::Info))), [], "far away");
    let shown = landmarks(&story.frame(PILOT, mark(at(46.2, 13.6), Layer::Info)));
    story.pass(5.0);
    let hidden = Tracking { online_tracking: false, ..tracking(at(46.2, 13.6)) };
    assert_eq!(landmarks(&story.frame(PILOT, Packet::Tracking(hidden))), [(shown[0].0, None)]);
    story.frame(PILOT, mark(at(46.2, 13.6), Layer::Info));
    story.pass(5.0);
    assert_eq!(
        landmarks(&story.frame(PILOT, Packet::Tracking(tracking(at(46.2, 13.6))))),
        [],
        "sent while it was hidden"
    );
}

#[test]
fn a_device_has_at_most_sixteen_landmarks() {
    let mut story = Story::new();
    story.introduce(PILOT, at(46.2, 13.6));
    let mut live = std::collections::BTreeSet::new();
    for number in 0..20 {
        story.pass(5.0);
        for (id, text) in landmarks(&story.frame(PILOT, mark(at(46.2 + f64::from(number) * 1e-3, 13.6), Layer::Info))) {
            if text.is_some() {
                live.insert(id)
            } else {
                live.remove(&id)
            };
        }
    }
    assert_eq!(live.len(), 16);
}

/// Where privacy is off, an erasure hides nothing: it has to end what is shown by itself.
#[test]
fn an_erasure_ends_landmarks_without_privacy_too() {
    for privacy in [true, false] {
        let mut story = Story::with(Settings { privacy, ..Settings::default() });
        story.introduce(PILOT, at(46.2, 13.6));
        let shown = landmarks(&story.frame(PILOT, mark(at(46.2, 13.6), Layer::Info)));
        story.pass(5.0);
        let out = story.command(PILOT, "c1", Action::Erase(Erase {}));
        assert_eq!(landmarks(&out), [(shown[0].0, None)], "privacy: {privacy}");
        assert_eq!(kinds(&out), [(Audience::Public, "no landmark"), (Audience::Public, "no aircraft")]);
    }
}
