//! Wrong clocks of bridges: nothing freezes, and nothing stays in the future.

use fanet::Packet;
use fanet::packet::GroundType;
use schemas::v1::{AlertState, AlertStatus};

use super::{aircraft_of, alert_of, calling, fly_a_minute, flying, off_m};
use crate::core::Outputs;
use crate::core::tests::kit::{self, PILOT, Story, at, tracking};
use crate::group::GroupCore as _;
use crate::receivers::{ReceiverCore, ReceiverPositions};
use crate::thermals::{Aggregator, Changes};

/// What reads the core's outputs, by their clocks.
struct Readers {
    aggregator: Aggregator,
    receiver_core: ReceiverCore,
}

impl Readers {
    fn new() -> Self {
        let receiver_core = ReceiverCore::new(std::sync::Arc::new(ReceiverPositions::default()), 86_400_000_000);
        Self { aggregator: Aggregator::new(1), receiver_core }
    }

    fn take(&mut self, out: &Outputs) -> (Changes, Vec<crate::receivers::ReceiverChange>) {
        let (mut thermals, mut receivers) = (Changes::default(), Vec::new());
        for (_, report) in &out.thermal_reports {
            let offset = self.aggregator.next_offset();
            self.aggregator.apply(offset, report, &mut thermals);
        }
        for (_, reception) in &out.receptions {
            let offset = self.receiver_core.next_offset();
            self.receiver_core.apply(offset, reception, &mut receivers);
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
    let climb = kit::thermal(at(46.2, 13.6));
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
