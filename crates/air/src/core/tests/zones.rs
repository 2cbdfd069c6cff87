//! Zones in the core: when an aircraft enters and leaves them, and what a restart and a replay make of it.

use fanet::Packet;
use fanet::packet::{GroundType, Tracking};
use schemas::v1::raw_record::Input;
use schemas::v1::{ProcessorState, ZoneEvent, ZoneEventKind, ZoneSetPart, processor_state};
use zones::{openair, split};

use super::kit::{PILOT, Story, at, ground, tracking};
use crate::core::{Core, Outputs, Settings};

/// East of 13.605 degrees, up to 2,000 m; with a second one inside where `count` is larger.
fn parts(version: u64, count: usize) -> Vec<ZoneSetPart> {
    let zone = |number: usize| {
        format!(
            "AC CTR\nAN Soca {number}\nAL GND\nAH 2000 m MSL\nDP 46:00:00 N 013:36:18 E\nDP 47:00:00 N 013:36:18 E\n\
             DP 47:00:00 N 014:00:00 E\nDP 46:00:00 N 014:00:00 E\n"
        )
    };
    let text: String = (1..=count).map(zone).collect();
    split("slovenia", version, "operator", openair::parse(&text).expect("zones").zones)
}

impl Story {
    fn import(&mut self, parts: Vec<ZoneSetPart>) -> Vec<Outputs> {
        parts.into_iter().map(|part| self.record(None, Input::ZoneSet(part))).collect()
    }

    /// Flies to a longitude in steps that are plausible.
    fn fly(&mut self, from_deg: f64, to_deg: f64, altitude_m: i32) -> Vec<ZoneEvent> {
        let steps = ((to_deg - from_deg).abs() / 0.0005).ceil();
        let mut events = Vec::new();
        for step in 1..=steps as u32 {
            let longitude_deg = from_deg + (to_deg - from_deg) * f64::from(step) / steps;
            let position = at(46.2, longitude_deg);
            let tracking = Tracking { altitude_m, ..tracking(position) };
            events.extend(self.frame(PILOT, Packet::Tracking(tracking)).zone_events);
            self.pass(5.0);
        }
        events
    }
}

fn over_soca() -> Story {
    let mut story = Story::new();
    story.import(parts(1, 1));
    story.introduce(PILOT, at(46.2, 13.6));
    story
}

fn kinds(events: &[ZoneEvent]) -> Vec<ZoneEventKind> {
    events.iter().map(ZoneEvent::event_kind).collect()
}

use ZoneEventKind::{Enter, Leave};

const NONE: [ZoneEventKind; 0] = [];

#[test]
fn an_aircraft_enters_and_leaves_a_zone() {
    let mut story = over_soca();
    let entered = story.fly(13.6, 13.61, 1_500);
    let [event] = &entered[..] else { panic!("one event: {entered:?}") };
    assert_eq!((event.event_kind(), event.device, event.set.as_str()), (Enter, PILOT, "slovenia"));
    assert_eq!(
        (event.zone_id.as_str(), event.zone_name.as_str(), event.zone_class.as_str()),
        ("soca-1", "Soca 1", "CTR")
    );
    let position = event.position.expect("where it is");
    assert!(position.longitude_deg >= 13.605 && position.longitude_deg < 13.606, "with the first position inside");
    assert_eq!(position.altitude_m, Some(1_500.0));
    let observation = schemas::RecordId(event.observation_id);
    assert_eq!(event.event_id, format!("{observation}/slovenia/soca-1"));
    // A thousandth of a degree is 77 m: out by 100 m at 13.6037.
    assert_eq!(kinds(&story.fly(13.61, 13.604, 1_500)), NONE, "within a hundred metres it has not left");
    assert_eq!(kinds(&story.fly(13.604, 13.606, 1_500)), NONE, "and does not enter again");
    assert_eq!(kinds(&story.fly(13.606, 13.60, 1_500)), [Leave]);
    assert_eq!(kinds(&story.fly(13.60, 13.601, 1_500)), NONE);
}

#[test]
fn floor_and_ceiling_are_borders_too() {
    let mut story = Story::new();
    story.import(parts(1, 1));
    story.fly(13.599, 13.6, 1_990);
    story.fly(13.6, 13.61, 1_990);
    assert_eq!(kinds(&story.fly(13.61, 13.611, 2_020)), NONE, "within thirty metres it has not left");
    assert_eq!(kinds(&story.fly(13.611, 13.612, 2_040)), [Leave]);
    assert_eq!(kinds(&story.fly(13.612, 13.613, 2_010)), NONE, "above the ceiling it does not enter");
    assert_eq!(kinds(&story.fly(13.613, 13.614, 1_990)), [Enter]);
}

#[test]
fn a_hidden_device_has_no_events() {
    let mut story = over_soca();
    story.fly(13.6, 13.61, 1_500);
    let hidden = Tracking { online_tracking: false, ..tracking(at(46.2, 13.61)) };
    assert_eq!(story.frame(PILOT, Packet::Tracking(hidden)).zone_events, [] as [ZoneEvent; 0]);
    story.pass(5.0);
    let far = Tracking { online_tracking: false, ..tracking(at(46.2, 13.609)) };
    assert_eq!(
        story.frame(PILOT, Packet::Tracking(far)).zone_events,
        [] as [ZoneEvent; 0],
        "the stay ended without an event"
    );
    story.pass(5.0);
    assert_eq!(kinds(&story.fly(13.609, 13.61, 1_500)), [Enter], "shown again, it enters again");
}

#[test]
fn a_call_for_help_of_a_hidden_device_has_no_events() {
    let mut story = over_soca();
    let hidden = |position| Tracking { online_tracking: false, ..tracking(position) };
    story.frame(PILOT, Packet::Tracking(hidden(at(46.2, 13.6))));
    story.pass(5.0);
    let call = ground(at(46.2, 13.6), GroundType::Distress);
    story.frame(PILOT, Packet::GroundTracking(fanet::packet::GroundTracking { online_tracking: false, ..call }));
    for step in 0..20 {
        story.pass(5.0);
        let position = at(46.2, 13.6 + f64::from(step) * 0.0005);
        assert_eq!(story.frame(PILOT, Packet::Tracking(hidden(position))).zone_events, [] as [ZoneEvent; 0]);
    }
}

#[test]
fn a_set_takes_effect_with_its_last_part() {
    let mut story = over_soca();
    // Two parts, as a large set has them.
    let [mut first] = <[_; 1]>::try_from(parts(2, 2)).expect("one part");
    let mut second = ZoneSetPart { part: 1, parts: 2, zones: first.zones.split_off(1), ..first.clone() };
    (first.parts, second.parts) = (2, 2);
    story.import(vec![second]);
    assert_eq!(story.fly(13.6, 13.61, 1_500).len(), 1, "the old set counts");
    story.import(vec![first.clone()]);
    let events = story.fly(13.61, 13.611, 1_500);
    assert_eq!((kinds(&events), events[0].zone_id.as_str()), (vec![Enter], "soca-2"), "a stay outlives an import");
    story.import(vec![first]);
    story.import(parts(1, 1));
    assert_eq!(kinds(&story.fly(13.611, 13.60, 1_500)), [Leave, Leave], "a repeat and an older version change nothing");
}

#[test]
fn a_removed_zone_ends_its_stays_without_events() {
    let mut story = over_soca();
    story.fly(13.6, 13.61, 1_500);
    let outputs = story.import(split("slovenia", 2, "operator", Vec::new()));
    assert!(outputs.iter().all(|out| out.zone_events.is_empty()));
    assert_eq!(kinds(&story.fly(13.61, 13.60, 1_500)), NONE);
}

#[test]
fn a_restart_and_a_replay_give_the_same_events() {
    let mut story = over_soca();
    let before = story.fly(13.6, 13.608, 1_500);
    let checkpoints = story.core.changed_checkpoints("epoch");
    let parts: Vec<ProcessorState> = checkpoints.into_iter().filter_map(|(_, part)| part).collect();
    let is_zone = |state: &&ProcessorState| matches!(state.part, Some(processor_state::Part::ZoneSet(_)));
    assert_eq!(parts.iter().filter(is_zone).count(), 1);
    let (offset, now_us) = (story.offset, story.now_us);
    let after = story.fly(13.608, 13.60, 1_500);
    assert_eq!((before.len(), kinds(&after)), (1, vec![Leave]));
    // In any order, as they are restored.
    for turned in [false, true] {
        let mut restarted = Story::new();
        (restarted.offset, restarted.now_us) = (offset, now_us);
        let mut parts = parts.clone();
        if turned {
            parts.reverse();
        }
        restarted.core = Core::new(3, Settings::default());
        parts.into_iter().for_each(|part| restarted.core.restore(part));
        assert_eq!(restarted.fly(13.608, 13.60, 1_500), after);
        restarted.core.change_all();
        let all = restarted.core.changed_checkpoints("epoch");
        assert!(all.iter().any(|(key, _)| key == "#/zones/slovenia/1/0"), "all parts are written again");
    }
    let mut replayed = over_soca();
    assert_eq!(replayed.fly(13.6, 13.608, 1_500), before);
}

#[test]
fn a_part_that_is_replaced_leaves_the_checkpoint() {
    let mut story = over_soca();
    story.core.changed_checkpoints("epoch");
    story.import(parts(2, 1));
    let keys: Vec<_> =
        story.core.changed_checkpoints("epoch").into_iter().map(|(key, part)| (key, part.is_some())).collect();
    assert!(keys.contains(&("#/zones/slovenia/1/0".to_owned(), false)), "{keys:?}");
    assert!(keys.contains(&("#/zones/slovenia/2/0".to_owned(), true)), "{keys:?}");
    assert_eq!(keys.last().map(|(key, _)| key.as_str()), Some("#"), "the partition's own part is the last");
}

#[test]
fn an_unsound_part_is_a_dead_letter() {
    let mut story = Story::new();
    let unsound = ZoneSetPart { parts: 0, ..parts(1, 1).remove(0) };
    let outputs = story.import(vec![unsound]);
    assert_eq!(outputs[0].reject.as_ref().map(|reject| reject.reason), Some("bad_zone_set"));
}

#[test]
fn the_stays_of_a_device_are_bounded() {
    let mut story = Story::new();
    story.import(parts(1, 40));
    story.introduce(PILOT, at(46.2, 13.6));
    assert_eq!(story.fly(13.6, 13.61, 1_500).len(), 16);
    assert_eq!(kinds(&story.fly(13.61, 13.60, 1_500)), [Leave; 16]);
}
