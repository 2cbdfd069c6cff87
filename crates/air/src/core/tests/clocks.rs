//! Clocks that are wrong, of receivers and of bridges: nothing freezes, and no call for help waits.

use fanet::packet::GroundType;
use fanet::{Frame, Packet};
use geo::Position;
use geo::distance::{distance_m, shifted};
use proptest::prelude::*;
use schemas::object::State;
use schemas::v1::raw_record::Input;
use schemas::v1::{
    AlertResolution, AlertState, AlertStatus, ObservationFlag, ReceiverClockTrouble, ReceiverState, Tick, reception,
};

use super::kit::{PILOT, Story, at, frame_of, ground, tracking};
use crate::core::Outputs;
use crate::group::GroupCore as _;
use crate::receivers::{Hearing, ReceiverPositions};
use crate::thermals::{Aggregator, Changes};

const HOME: Position = Position::new(46.2, 13.6);

/// The frame of a pilot who flies east at 36 km/h, `seconds` after the start.
fn flying(seconds: f64) -> Frame<'static> {
    let position_at = shifted(HOME, seconds * 10.0, 0.0);
    frame_of(PILOT, Packet::Tracking(tracking(at(position_at.latitude_deg, position_at.longitude_deg))))
}

fn calling(ground_type: GroundType) -> Frame<'static> {
    frame_of(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), ground_type)))
}

/// The same pilot, in distress where he is by then.
fn calling_at(seconds: f64) -> Frame<'static> {
    let position_at = shifted(HOME, seconds * 10.0, 0.0);
    let position = at(position_at.latitude_deg, position_at.longitude_deg);
    frame_of(PILOT, Packet::GroundTracking(ground(position, GroundType::Distress)))
}

fn aircraft_of(out: &Outputs) -> Option<&schemas::v1::AircraftState> {
    out.states.iter().rev().find_map(|change| match &change.state {
        Some(State::Aircraft(state)) => Some(state),
        _ => None,
    })
}

fn alert_of(out: &Outputs) -> Option<&AlertState> {
    out.states.iter().find_map(|change| match &change.state {
        Some(State::Alert(state)) => Some(state),
        _ => None,
    })
}

/// Metres between what a state shows and where the pilot is `seconds` after the start.
fn off_m(state: &schemas::v1::AircraftState, seconds: f64) -> f64 {
    let shown = state.position.unwrap_or_default();
    distance_m(Position::new(shown.latitude_deg, shown.longitude_deg), shifted(HOME, seconds * 10.0, 0.0))
}

/// A minute of flight in which the receiver's clock becomes known; returns the seconds that have passed.
fn fly_a_minute(story: &mut Story) -> f64 {
    for frame in 0..12 {
        story.heard("r", 0, &flying(f64::from(frame) * 5.0));
        story.pass(5.0);
    }
    60.0
}

#[test]
fn a_receivers_clock_set_back_freezes_nothing() {
    for by_s in [65, 586, 3_600, 7_200, 86_400 * 40] {
        let mut story = Story::new();
        let mut seconds = fly_a_minute(&mut story);
        let mut found = Vec::new();
        for _ in 0..12 {
            let out = story.heard("r", by_s, &flying(seconds));
            let state = aircraft_of(&out).unwrap_or_else(|| panic!("{by_s} s: frozen after {seconds} s"));
            assert_eq!(state.event_at_us, story.now_us);
            assert!(off_m(state, seconds) < 5.0);
            found.extend(out.clock_trouble);
            story.pass(5.0);
            seconds += 5.0;
        }
        assert_eq!(found, [ReceiverClockTrouble::Jumped], "{by_s} s");
    }
}

/// The frame of an unknown device, as a receiver published it that was thought to be late.
#[test]
fn a_call_through_a_clock_set_back_is_raised() {
    for by_s in [65, 586, 3_600, 7_200] {
        let mut story = Story::new();
        fly_a_minute(&mut story);
        let stamp = ((story.now_us / 1_000_000) as u32 - by_s).to_le_bytes();
        let mut payload = stamp.to_vec();
        payload.extend([0xA6, 0xFF, 5, 0]);
        payload.extend([0x07, 0x07, 0x01, 0xC1, 0x2B, 0x28, 0x3D, 0xB6, 0x74, 0x0B, 0xE1]);
        let out = story.record(Some("r"), Input::MqttFrame(payload.into()));
        assert!(out.urgent, "{by_s} s: {out:?}");
        let alert = alert_of(&out).expect("an alert");
        assert_eq!((alert.status(), alert.opened_at_us), (AlertStatus::Open, story.now_us));
    }
}

#[test]
fn a_call_in_a_backlog_is_raised_at_once() {
    for ago_s in [30, 3_000, 40_000] {
        let mut story = Story::new();
        fly_a_minute(&mut story);
        // Another receiver hears the pilot on; this one's link is broken for half a day.
        for hour in 0..12 {
            story.pass(3_600.0);
            story.tick();
            story.heard("other", 0, &flying(f64::from(hour)));
            story.pass(5.0);
            story.heard("other", 0, &flying(f64::from(hour)));
        }
        let out = story.heard("r", ago_s, &calling(GroundType::Distress));
        assert!(out.urgent && alert_of(&out).is_some(), "{ago_s} s");
        let flags = &out.observations[0].flags;
        assert_eq!(flags.contains(&ObservationFlag::HistoryOnly.into()), ago_s > 3_600);
        assert!(flags.contains(&ObservationFlag::Delayed.into()));
    }
}

/// A call at 0 s, well again at 60 s by another receiver; then the first receiver's backlog brings the call again.
#[test]
fn a_proven_old_call_reopens_nothing() {
    let mut story = Story::new();
    fly_a_minute(&mut story);
    story.heard("other", 0, &calling(GroundType::Distress));
    story.pass(60.0);
    let out = story.heard("other", 0, &calling(GroundType::LandedWell));
    assert_eq!(alert_of(&out).and_then(|alert| alert.resolution), Some(AlertResolution::LandedWell.into()));
    story.pass(60.0);
    // A frame of someone else shows that the backlog drains.
    story.heard("r", 125, &frame_of(PILOT + 1, Packet::Tracking(tracking(at(46.3, 13.6)))));
    story.pass(0.02);
    let out = story.heard("r", 100, &calling(GroundType::Distress));
    assert!(alert_of(&out).is_none() && !out.urgent, "{:?}", out.states);
    // One that is later than the end opens a new one.
    story.pass(0.02);
    let out = story.heard("r", 40, &calling(GroundType::DistressAutomatic));
    assert_eq!(alert_of(&out).map(AlertState::status), Some(AlertStatus::Open));
    let opened_at_us = alert_of(&out).map(|alert| alert.opened_at_us).unwrap_or_default();
    assert!(opened_at_us.abs_diff(story.now_us - 40_000_000) <= 1_000_000);
}

/// The first frame after a silence proves no delay: a call by it opens a new alert.
#[test]
fn a_call_in_doubt_opens_a_new_alert() {
    let mut story = Story::new();
    fly_a_minute(&mut story);
    story.heard("other", 0, &calling(GroundType::Distress));
    story.pass(60.0);
    story.heard("other", 0, &calling(GroundType::LandedWell));
    story.pass(60.0);
    let out = story.heard("r", 110, &calling(GroundType::Distress));
    let alert = alert_of(&out).expect("an alert");
    assert_eq!((alert.status(), alert.opened_at_us), (AlertStatus::Open, story.now_us));
}

#[test]
fn a_replayed_call_is_not_raised_again() {
    let mut story = Story::new();
    let out = story.frame(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), GroundType::Distress)));
    let first = alert_of(&out).expect("an alert").alert_id;
    story.pass(60.0);
    story.frame(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), GroundType::LandedWell)));
    story.pass(3_600.0);
    story.origin_id = Some(first);
    let out = story.frame(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), GroundType::Distress)));
    assert!(!out.urgent && alert_of(&out).is_none());
    story.origin_id = None;
    story.pass(60.0);
    let out = story.frame(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), GroundType::Distress)));
    assert!(out.urgent && alert_of(&out).is_some());
}

#[test]
fn every_kind_of_call_is_an_alert_at_once() {
    let calls = [
        GroundType::NeedRide,
        GroundType::NeedTechnicalSupport,
        GroundType::NeedMedicalHelp,
        GroundType::Distress,
        GroundType::DistressAutomatic,
    ];
    for ground_type in calls {
        let mut story = Story::new();
        fly_a_minute(&mut story);
        // Older than the newest position.
        let out = story.heard("r", 4, &calling(ground_type));
        assert!(out.urgent && alert_of(&out).is_some(), "{ground_type:?}");
    }
}

/// A copy through a receiver that is late has the event time of the first.
#[test]
fn copies_have_the_event_time_of_the_first() {
    let mut story = Story::new();
    fly_a_minute(&mut story);
    for frame in 0..12 {
        story.heard("slow", 30, &flying(60.0 + f64::from(frame) * 5.0));
        story.pass(5.0);
    }
    let frame = flying(120.0);
    let first = story.heard("r", 0, &frame);
    story.pass(0.5);
    let copy = story.heard("slow", 30, &frame);
    assert_eq!(copy.receptions[0].0 / 1_000, first.receptions[0].0 / 1_000);
    assert_eq!(first.receptions[0].0, story.now_us - 500_000);
}

/// One frame comes late though those around it do not. It is a copy; if no other receiver heard it, no aircraft moves back.
#[test]
fn a_single_delayed_frame_moves_no_aircraft() {
    let mut story = Story::new();
    fly_a_minute(&mut story);
    story.heard("other", 0, &flying(60.0));
    story.pass(5.0);
    story.heard("r", 0, &flying(65.0));
    story.pass(5.0);
    let copy = story.heard("r", 10, &flying(60.0));
    assert!(copy.observations.is_empty() && copy.states.is_empty());
    story.heard("r", 0, &flying(70.0));
    let alone = story.heard("r", 20, &flying(50.5));
    assert_eq!(alone.observations[0].event_at_us, story.now_us - 20_000_000);
    assert!(aircraft_of(&alone).is_none_or(|state| off_m(state, 70.0) < 5.0), "an older position is not shown");
    // What calls for help by such a frame calls now.
    story.pass(5.0);
    story.heard("r", 0, &flying(75.0));
    let call = story.heard("r", 15, &calling_at(60.0));
    assert_eq!(
        alert_of(&call).map(|alert| (alert.status(), alert.opened_at_us)),
        Some((AlertStatus::Open, story.now_us))
    );
}

#[test]
fn a_receivers_owner_is_shown_what_is_wrong() {
    let mut story = Story::new();
    let mut hearing = Hearing::new(std::sync::Arc::new(ReceiverPositions::default()), 86_400_000_000);
    let mut states: Vec<ReceiverState> = Vec::new();
    let mut changes = Vec::new();
    for frame in 0..240_u32 {
        // Its clock stands from the second minute to the fourth.
        let behind_s = if (24..48).contains(&frame) { i64::from(frame - 23) * 5 } else { 0 };
        let mut receptions = story.heard("r", behind_s, &flying(f64::from(frame) * 5.0)).receptions;
        receptions.extend(story.tick().receptions);
        for (_, reception) in &receptions {
            let offset = hearing.next_offset();
            hearing.apply(offset, reception, &mut changes);
        }
        states.extend(changes.drain(..).filter_map(|change| change.state));
        story.pass(5.0);
    }
    let standing = states.iter().filter(|state| state.clock_trouble() == ReceiverClockTrouble::Standing);
    assert!(standing.clone().count() > 10);
    assert!(standing.clone().all(|state| state.clock_offset_us.is_some()));
    assert_eq!(hearing.clock_troubles().values().sum::<usize>(), 1, "it is reported for a while");
    for _ in 0..300 {
        for (_, reception) in &story.tick().receptions {
            let offset = hearing.next_offset();
            hearing.apply(offset, reception, &mut changes);
        }
        story.pass(5.0);
    }
    let last = changes.pop().and_then(|change| change.state).expect("published once more");
    assert_eq!((last.clock_trouble, last.clock_offset_us), (None, None));
    assert!(hearing.clock_troubles().is_empty());
}

/// What reads the core's outputs, by their clocks.
struct Readers {
    aggregator: Aggregator,
    hearing: Hearing,
}

impl Readers {
    fn new() -> Self {
        let hearing = Hearing::new(std::sync::Arc::new(ReceiverPositions::default()), 86_400_000_000);
        Self { aggregator: Aggregator::new(1), hearing }
    }

    fn take(&mut self, out: &Outputs) -> (Changes, Vec<crate::receivers::ReceiverChange>) {
        let (mut thermals, mut receivers) = (Changes::default(), Vec::new());
        for (_, report) in &out.thermal_reports {
            let offset = self.aggregator.next_offset();
            self.aggregator.apply(offset, report, &mut thermals);
        }
        for (_, reception) in &out.receptions {
            let offset = self.hearing.next_offset();
            self.hearing.apply(offset, reception, &mut receivers);
        }
        (thermals, receivers)
    }
}

/// Two bridges, one of them two hours ahead for five minutes: the pilot is shown where he is all the time.
#[test]
fn one_bridge_ahead_freezes_nothing() {
    let mut story = Story::new();
    let mut readers = Readers::new();
    let mut unseen = 0;
    for round in 0..120_u32 {
        let seconds = f64::from(round) * 5.0;
        let ahead_s = if (20..80).contains(&round) { 7_200 } else { 0 };
        readers.take(&story.tick_of("right"));
        story.bridge_ahead_s = ahead_s;
        readers.take(&story.tick_of("wrong"));
        // The pilot is heard by receivers of both bridges in turns.
        story.bridge_ahead_s = if round % 2 == 0 { ahead_s } else { 0 };
        let out = story.heard("r", 0, &flying(seconds));
        story.bridge_ahead_s = 0;
        let (_, receivers) = readers.take(&out);
        for state in receivers.iter().filter_map(|change| change.state.as_ref()) {
            assert!(state.last_seen_at_us <= story.now_us + 10_000_000);
        }
        match aircraft_of(&out) {
            Some(state) => {
                assert!(off_m(state, seconds) < 5.0, "round {round}");
                assert!(state.event_at_us.abs_diff(story.now_us) <= 10_000_000, "round {round}");
            }
            None => unseen += 1,
        }
        assert!(story.core.clock_us().abs_diff(story.now_us) <= 10_000_000, "round {round}");
        assert!(story.core.clock().recent_leap().is_none());
        story.pass(5.0);
    }
    assert!(unseen <= 2, "{unseen} frames were not shown");
}

/// The only bridge is two hours ahead for five minutes, then it is corrected: at most its next tick is waited for.
#[test]
fn the_only_bridge_corrected_freezes_nothing() {
    let mut story = Story::new();
    let mut readers = Readers::new();
    let mut leaps = Vec::new();
    let mut published_late = 0;
    for round in 0..180_u32 {
        let seconds = f64::from(round) * 5.0;
        story.bridge_ahead_s = if (20..80).contains(&round) { 7_200 } else { 0 };
        let tick = story.tick();
        leaps.extend(tick.leap.map(|leap| leap.by_us / 1_000_000));
        let (_, mut receivers) = readers.take(&tick);
        let out = story.heard("r", 0, &flying(seconds));
        receivers.extend(readers.take(&out).1);
        // After the leap forward, which ends all aircraft, the first frame could have waited for as long.
        if round > 0 && round != 20 {
            let state = aircraft_of(&out).unwrap_or_else(|| panic!("round {round}: frozen"));
            assert!(off_m(state, seconds) < 5.0, "round {round}");
            let shown_us = state.event_at_us.wrapping_add_signed(-story.bridge_ahead_s * 1_000_000);
            assert_eq!(shown_us, story.now_us, "round {round}");
        }
        published_late += usize::from(round > 85 && !receivers.is_empty());
        story.pass(5.0);
        if round > 1 && round != 20 {
            assert_eq!(story.core.states().count(), 1);
        }
    }
    assert_eq!(leaps, [7_205, -7_195]);
    assert!(published_late > 20, "receivers are published after the correction: {published_late}");
    // It ends when its time has come, not two hours later.
    for _ in 0..(15 * 12 + 2) {
        readers.take(&story.tick());
        story.pass(5.0);
    }
    assert_eq!(story.core.states().count(), 0);
    assert!(readers.aggregator.clock_us().abs_diff(story.now_us) <= 15_000_000, "thermals go on, too");
}

/// States that were published while the clock was ahead are published again with times that have come.
#[test]
fn nothing_stays_in_the_future() {
    let mut story = Story::new();
    story.bridge_ahead_s = 7_200;
    story.tick();
    fly_a_minute(&mut story);
    story.heard("r", 0, &calling(GroundType::Distress));
    story.pass(5.0);
    story.bridge_ahead_s = 0;
    let out = story.tick();
    assert_eq!(out.leap.map(|leap| leap.by_us < 0), Some(true));
    let kinds: Vec<_> = out.states.iter().map(|change| change.kind).collect();
    assert_eq!(kinds.len(), 2, "the ground object and its alert: {kinds:?}");
    for change in &out.states {
        assert_eq!(change.version, story.offset - 1);
        assert!(change.at_us <= story.now_us && change.at_us + 60_000_000 > story.now_us, "{change:?}");
    }
    story.pass(60.0);
    let out = story.heard("r", 0, &calling(GroundType::LandedWell));
    assert_eq!(alert_of(&out).map(AlertState::status), Some(AlertStatus::Resolved));
}

#[test]
fn a_long_silence_ends_what_is_old() {
    let mut story = Story::new();
    for _ in 0..3 {
        story.tick_of("a");
        story.tick_of("b");
        story.pass(5.0);
    }
    fly_a_minute(&mut story);
    assert_eq!(story.core.states().count(), 1);
    story.pass(3.0 * 86_400.0);
    let leap = story.tick_of("a").leap.or(story.tick_of("b").leap);
    assert_eq!(leap.map(|leap| leap.by_us / 1_000_000 / 86_400), Some(3));
    assert_eq!((story.core.states().count(), story.core.clock_us()), (0, story.now_us));
}

/// A thermal that was reported while the clock was ahead is ended when it is set back, and the next one is seen.
#[test]
fn thermals_go_on_after_a_correction() {
    let mut story = Story::new();
    let mut readers = Readers::new();
    story.introduce(PILOT, at(46.2, 13.6));
    let climb = super::kit::thermal(at(46.2, 13.6));
    let mut published = Vec::new();
    for round in 0..60 {
        story.bridge_ahead_s = if (10..30).contains(&round) { 7_200 } else { 0 };
        for out in [story.tick(), story.frame(PILOT, Packet::Tracking(tracking(at(46.2, 13.6))))] {
            published.extend(readers.take(&out).0.thermals.into_iter().map(|change| (round, change.state)));
        }
        story.pass(1.0);
        let out = story.frame(PILOT, Packet::Thermal(climb));
        published.extend(readers.take(&out).0.thermals.into_iter().map(|change| (round, change.state)));
        story.pass(4.0);
    }
    let live = readers.aggregator.states().filter_map(|change| change.state).next().expect("a thermal");
    assert!(live.last_seen_at_us.abs_diff(story.now_us) <= 20_000_000);
    assert!(published.iter().any(|(round, state)| *round == 30 && state.is_none()), "what lay ahead is ended");
    assert!(published.iter().any(|(round, state)| *round > 32 && state.is_some()), "and published again");
}

/// What is wrong with a receiver's clock.
#[derive(Clone, Debug)]
enum Fault {
    Right,
    Offset(i64),
    Jump { at_s: u32, by_s: i64 },
    Standing { at_s: u32 },
    Slow { percent: i64 },
    Reset { at_s: u32 },
}

impl Fault {
    /// How far the stamp is behind, `seconds` after the start.
    fn behind_s(&self, seconds: u32) -> i64 {
        let since = |at_s: &u32| i64::from(seconds.saturating_sub(*at_s));
        match self {
            Self::Right => 0,
            Self::Offset(behind_s) => *behind_s,
            Self::Jump { at_s, by_s } => {
                if seconds >= *at_s {
                    *by_s
                } else {
                    0
                }
            }
            Self::Standing { at_s } => since(at_s),
            Self::Slow { percent } => i64::from(seconds) * percent / 100,
            Self::Reset { at_s } => {
                if seconds >= *at_s {
                    super::kit::START_S.cast_signed()
                } else {
                    0
                }
            }
        }
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::Right),
        1 => (-9_000..9_000_i64).prop_map(Fault::Offset),
        3 => (0..400_u32, -9_000..9_000_i64).prop_map(|(at_s, by_s)| Fault::Jump { at_s, by_s }),
        2 => (0..400_u32).prop_map(|at_s| Fault::Standing { at_s }),
        2 => (1..100_i64).prop_map(|percent| Fault::Slow { percent }),
        1 => (0..400_u32).prop_map(|at_s| Fault::Reset { at_s }),
    ]
}

proptest! {
    /// A pilot flies, and two receivers with any clocks hear some of the frames. A receiver that hears all the time
    /// makes each frame visible at once with the time of its arrival, within ten seconds; one that begins to hear again
    /// can be wrong about one frame, by no more than it was silent; and the first frame after a clock was set back by
    /// less than half a minute can be taken for one that was held back.
    #[test]
    fn no_clock_freezes_or_silences(
        faults in [fault(), fault()],
        steps in prop::collection::vec((0..4_u8, 0..12_u8), 20..100),
    ) {
        let mut story = Story::new();
        let mut heard_s: [Option<u32>; 2] = [None; 2];
        let (mut frames, mut hidden, mut held) = (0_u32, 0_u32, [0_u32; 2]);
        for (index, (heard_by, call)) in steps.into_iter().enumerate() {
            let seconds = index as u32 * 5;
            let is_call = call == 0;
            let frame = if is_call { calling_at(f64::from(seconds)) } else { flying(f64::from(seconds)) };
            for (receiver, name) in ["a", "b"].into_iter().enumerate() {
                if heard_by & (1 << receiver) == 0 {
                    continue;
                }
                let behind_s = faults[receiver].behind_s(seconds);
                let out = story.heard(name, behind_s, &frame);
                let silence_s = heard_s[receiver].map(|last_s| seconds - last_s);
                heard_s[receiver] = Some(seconds);
                // The second receiver's is a copy.
                if out.observations.is_empty() {
                    continue;
                }
                if is_call {
                    let alert = alert_of(&out);
                    prop_assert!(out.urgent && alert.is_some(), "a call waits at {seconds} s");
                    prop_assert_eq!(alert.map(|alert| alert.refreshed_at_us), Some(story.now_us));
                    continue;
                }
                frames += 1;
                let ago_us = story.now_us - out.observations[0].event_at_us;
                let most_s = silence_s.map_or(0, |silence_s| u64::from(silence_s) + 3);
                let is_held = ago_us > most_s * 1_000_000;
                prop_assert!(!is_held || ago_us <= 25_000_000, "{ago_us} us late after {silence_s:?} s of silence");
                held[receiver] += u32::from(is_held);
                prop_assert!(held[receiver] <= 1, "{name} held back more than the first");
                match aircraft_of(&out) {
                    Some(state) => {
                        prop_assert!(off_m(state, f64::from(seconds)) < 5.0);
                        hidden = 0;
                    }
                    None => hidden += 1,
                }
                // The first is waited for a second one; each receiver can be wrong about one.
                prop_assert!(frames <= 2 || hidden <= 2, "frozen at {seconds} s");
            }
            if index % 3 == 0 {
                story.record(None, Input::Tick(Tick { bridge_id: "b".into(), interval_s: 15 }));
            }
            story.pass(5.0);
        }
    }
}

/// Receptions carry what is wrong with the receiver's clock also where the device is hidden.
#[test]
fn receptions_say_what_is_wrong_with_the_clock() {
    let mut story = Story::new();
    fly_a_minute(&mut story);
    let mut last = Outputs::default();
    for _ in 0..4 {
        last = story.heard("r", 7_200, &flying(60.0));
        story.pass(5.0);
    }
    let Some(reception::Content::HeardFrame(heard)) = &last.receptions[0].1.content else { panic!("not a frame") };
    assert_eq!(heard.clock_trouble(), ReceiverClockTrouble::Jumped);
    assert!((heard.clock_offset_us.expect("an offset") + 7_200_000_000).abs() <= 1_000_000);
}

/// As a broker keeps them for a bridge that is away: 1.2 s apart, stamped in seconds, delivered at once.
#[test]
fn a_backlog_of_every_second_ends_at_the_newest_position() {
    for (shift, away_s) in (0..10).flat_map(|shift| [0.0, 0.4, 0.9, 2.3, 5.0, 12.0, 29.0].map(|away_s| (shift, away_s)))
    {
        let mut story = Story::new();
        story.tick();
        story.pass(0.1 * f64::from(shift));
        for n in 0..20 {
            story.heard(
                ["a", "b"][n % 2],
                80_000_000 - n as i64,
                &frame_of(PILOT + 1 + n as u32, super::kit::name("old")),
            );
            story.pass(0.005);
        }
        let mut flown_s = 0.0;
        for n in 0..12 {
            for receiver in ["a", "b"] {
                story.heard(receiver, 0, &flying(flown_s));
                story.pass(0.02);
            }
            if n % 4 == 3 {
                story.tick();
            }
            story.pass(1.16);
            flown_s += 1.2;
        }
        let sent: Vec<(u64, f64)> = (0..3).map(|n| (story.now_us + n * 1_200_000, flown_s + 1.2 * n as f64)).collect();
        story.pass(2.4 + away_s);
        story.tick();
        story.pass(0.05);
        let mut shown = None;
        for (sent_us, flown_s) in &sent {
            for receiver in ["a", "b"] {
                let behind_s = (story.now_us / 1_000_000 - sent_us / 1_000_000) as i64;
                let out = story.heard(receiver, behind_s, &flying(*flown_s));
                shown = aircraft_of(&out).cloned().or(shown);
                story.pass(0.001);
            }
        }
        let off_m = shown.map(|shown| off_m(&shown, sent[2].1));
        assert!(
            off_m.is_some_and(|off_m| off_m < 6.0),
            "{off_m:?} m behind, begun {shift} tenths into a second, away for {away_s} s more"
        );
    }
}
