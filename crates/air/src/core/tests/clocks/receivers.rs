//! Wrong clocks of receivers: nothing freezes, and the owner is shown what is wrong.

use proptest::prelude::*;
use schemas::v1::raw_record::Input;
use schemas::v1::{AlertStatus, ReceiverClockTrouble, ReceiverState, Tick, reception};

use super::{aircraft_of, alert_of, calling_at, fly_a_minute, flying, off_m};
use crate::core::Outputs;
use crate::core::tests::kit::{self, PILOT, Story, frame_of};
use crate::group::GroupCore as _;
use crate::receivers::{ReceiverCore, ReceiverPositions};

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
    let mut receiver_core = ReceiverCore::new(std::sync::Arc::new(ReceiverPositions::default()), 86_400_000_000);
    let mut states: Vec<ReceiverState> = Vec::new();
    let mut changes = Vec::new();
    for frame in 0..240_u32 {
        // Its clock stands from the second minute to the fourth.
        let behind_s = if (24..48).contains(&frame) { i64::from(frame - 23) * 5 } else { 0 };
        let mut receptions = story.heard("r", behind_s, &flying(f64::from(frame) * 5.0)).receptions;
        receptions.extend(story.tick().receptions);
        for (_, reception) in &receptions {
            let offset = receiver_core.next_offset();
            receiver_core.apply(offset, reception, &mut changes);
        }
        states.extend(changes.drain(..).filter_map(|change| change.state));
        story.pass(5.0);
    }
    let standing = states.iter().filter(|state| state.clock_trouble() == ReceiverClockTrouble::Standing);
    assert!(standing.clone().count() > 10);
    assert!(standing.clone().all(|state| state.clock_offset_us.is_some()));
    assert_eq!(receiver_core.clock_troubles().values().sum::<usize>(), 1, "it is reported for a while");
    for _ in 0..300 {
        for (_, reception) in &story.tick().receptions {
            let offset = receiver_core.next_offset();
            receiver_core.apply(offset, reception, &mut changes);
        }
        story.pass(5.0);
    }
    let last = changes.pop().and_then(|change| change.state).expect("published once more");
    assert_eq!((last.clock_trouble, last.clock_offset_us), (None, None));
    assert!(receiver_core.clock_troubles().is_empty());
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
fn a_one_second_backlog_ends_at_the_newest_position() {
    for (shift, away_s) in (0..10).flat_map(|shift| [0.0, 0.4, 0.9, 2.3, 5.0, 12.0, 29.0].map(|away_s| (shift, away_s)))
    {
        let mut story = Story::new();
        story.tick();
        story.pass(0.1 * f64::from(shift));
        for n in 0..20 {
            story.heard(["a", "b"][n % 2], 80_000_000 - n as i64, &frame_of(PILOT + 1 + n as u32, kit::name("old")));
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
                    kit::START_S.cast_signed()
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
