use proptest::prelude::*;

use super::*;
use crate::core::time::Lateness;

const START_S: u64 = 1_750_000_000;

/// A frame that arrives `ms` after the start, with a stamp `behind_s` behind that. Its event time in seconds before the
/// arrival, its lateness, and what came to light.
fn hear(clock: &mut ReceiverClock, ms: u64, behind_s: i64) -> (f64, EventTime, Option<Trouble>) {
    let at_us = START_S * SECOND_US + ms * 1_000;
    let stamp_s = ((at_us / SECOND_US).cast_signed() - behind_s) as u32;
    let (time, found) = clock.observe(at_us, stamp_s);
    ((at_us - time.at_us) as f64 / 1e6, time, found)
}

/// A clock that is known, after a frame every five seconds for a minute.
fn known(behind_s: i64) -> ReceiverClock {
    let mut clock = ReceiverClock::default();
    for frame in 0..=12 {
        let (_, time, found) = hear(&mut clock, frame * 5_000, behind_s);
        assert_eq!((time.lateness, found), (Lateness::Prompt, None));
    }
    clock
}

const KNOWN_MS: u64 = 60_000;

#[test]
fn a_clock_that_is_off_delays_nothing() {
    for behind_s in [-7_200, -20, 0, 20, 3_000, START_S.cast_signed()] {
        let mut clock = known(behind_s);
        let (_, time, _) = hear(&mut clock, KNOWN_MS + 5_000, behind_s + 2);
        assert_eq!(time.lateness, Lateness::Prompt, "{behind_s}");
        let offset_s = clock.report().map(|report| (report.trouble, report.offset_us / SECOND_US as i64));
        assert_eq!(offset_s, (behind_s != 0).then_some((Trouble::Offset, -behind_s)));
    }
}

#[test]
fn a_backlog_has_the_times_of_its_stamps() {
    let mut clock = known(20);
    // Ten minutes of frames every five seconds, twenty of them each second.
    let end_ms = KNOWN_MS + 600_000;
    for frame in 1..120_u64 {
        let stamped_ms = KNOWN_MS + frame * 5_000;
        let arrived_ms = end_ms + frame * 50;
        let late_s = (arrived_ms / 1_000 - stamped_ms / 1_000).cast_signed();
        let (ago_s, time, found) = hear(&mut clock, arrived_ms, 20 + late_s);
        assert!((ago_s - late_s as f64).abs() <= 2.0, "{frame}: {ago_s} instead of {late_s}");
        assert_eq!((time.is_proven, found), (frame >= 2 && late_s > 2, None), "{frame}");
    }
    let (_, time, _) = hear(&mut clock, end_ms + 6_000, 20);
    assert_eq!((time.lateness, clock.report().map(|report| report.trouble)), (Lateness::Prompt, Some(Trouble::Offset)));
}

#[test]
fn a_backlog_of_hours_is_for_the_history() {
    let mut clock = known(0);
    let (_, time, _) = hear(&mut clock, KNOWN_MS + 7_200_000, 7_190);
    assert_eq!(time.lateness, Lateness::HistoryOnly);
    let (_, time, _) = hear(&mut clock, KNOWN_MS + 7_200_500, 3_500);
    assert_eq!((time.lateness, time.is_proven), (Lateness::Delayed, true));
    let (_, time, _) = hear(&mut clock, KNOWN_MS + 7_201_000, 0);
    assert_eq!(time.lateness, Lateness::Prompt);
}

#[test]
fn a_clock_that_is_set_delays_nothing() {
    for by_s in [27, 65, 586, 3_600, 7_200, 500_000, START_S.cast_signed(), -10, -7_200] {
        let mut clock = known(0);
        let mut found = Vec::new();
        for frame in 1..40 {
            let (_, time, trouble) = hear(&mut clock, KNOWN_MS + frame * 5_000, by_s);
            assert_eq!(time.lateness, Lateness::Prompt, "{by_s} s, frame {frame}");
            found.extend(trouble.map(|trouble| (frame, trouble)));
        }
        assert_eq!(found, [(3, Trouble::Jumped)], "{by_s} s");
        let report = clock.report().expect("named");
        assert_eq!((report.trouble, report.offset_us / SECOND_US as i64), (Trouble::Jumped, -by_s));
        // Known again: a backlog by the new relation.
        let (ago_s, ..) = hear(&mut clock, KNOWN_MS + 300_000, by_s + 60);
        assert!((59.0..=61.0).contains(&ago_s), "{by_s} s: {ago_s}");
    }
}

#[test]
fn a_clock_set_back_a_little_costs_one_frame() {
    for by_s in [4, 10, 24] {
        let (mut clock, mut found, mut late) = (known(0), Vec::new(), Vec::new());
        // The second frame comes before a backlog could have grown.
        for frame in 0..40 {
            let (_, time, trouble) = hear(&mut clock, KNOWN_MS + 1_000 + frame * 1_000, by_s);
            late.extend((time.lateness != Lateness::Prompt).then_some((frame, time.is_proven)));
            found.extend(trouble.map(|trouble| (frame, trouble)));
        }
        assert_eq!((late, found), (vec![(0, false)], vec![(2, Trouble::Jumped)]), "{by_s} s");
    }
}

#[test]
fn frames_held_back_alone_have_their_times() {
    let mut clock = known(20);
    for (frame, held_s) in (0..).zip([0, 0, 9, 0, 18, 13, 0, 0, 5, 0, 24, 0]) {
        let (ago_s, time, found) = hear(&mut clock, KNOWN_MS + 1_000 + frame * 1_000, 20 + held_s);
        assert!((ago_s - held_s as f64).abs() <= 1.0, "{frame}: {ago_s} instead of {held_s}");
        assert_eq!((time.is_proven, found), (false, None), "{frame}");
    }
    let (_, time, _) = hear(&mut clock, KNOWN_MS + 14_000, 20 + 26);
    assert_eq!(time.lateness, Lateness::Prompt, "no link holds a frame for so long");
    hear(&mut clock, KNOWN_MS + 15_000, 20);
    assert_eq!(clock.report().map(|report| report.trouble), Some(Trouble::Offset));
}

#[test]
fn two_clocks_under_one_name_delay_two_frames() {
    let (mut clock, mut late) = (known(0), 0);
    for frame in 1..60 {
        let behind_s = if frame % 2 == 0 { 15 } else { 0 };
        let (_, time, _) = hear(&mut clock, KNOWN_MS + frame * 1_000, behind_s);
        late += u32::from(time.lateness != Lateness::Prompt);
    }
    assert_eq!(late, 2);
}

#[test]
fn an_old_clock_after_silence_costs_one_frame() {
    let mut clock = known(0);
    let mut late = Vec::new();
    for frame in 0..20 {
        let (ago_s, time, _) = hear(&mut clock, KNOWN_MS + 120_000 + frame * 5_000, 118);
        assert!(!time.is_proven);
        late.extend((time.lateness != Lateness::Prompt).then_some((frame, ago_s.round())));
    }
    assert_eq!(late, [(0, 118.0)]);
    assert_eq!(clock.report().map(|report| report.trouble), Some(Trouble::Jumped));
}

#[test]
fn clocks_that_stand_or_run_slow_are_named() {
    for (percent, trouble) in [(0, Trouble::Standing), (50, Trouble::Drifting), (80, Trouble::Drifting)] {
        let mut clock = known(0);
        let mut found = Vec::new();
        for frame in 1..100_u64 {
            let passed_s = (frame * 5).cast_signed();
            let behind_s = passed_s - passed_s * percent / 100;
            let (ago_s, _, trouble) = hear(&mut clock, KNOWN_MS + frame * 5_000, behind_s);
            assert!(ago_s <= 10.0, "{percent} %, frame {frame}: {ago_s}");
            found.extend(trouble);
        }
        assert_eq!(found.last(), Some(&trouble), "{percent} %: {found:?}");
        assert_eq!(clock.report().map(|report| report.trouble), Some(trouble), "{percent} %");
        // Set right: ten minutes later nothing is wrong any more.
        for frame in 100..260 {
            hear(&mut clock, KNOWN_MS + frame * 5_000, 0);
        }
        assert_eq!(clock.report(), None, "{percent} %");
    }
}

#[test]
fn a_clock_that_never_ran_is_named() {
    let mut clock = ReceiverClock::default();
    for second in 0..60_u64 {
        let (_, time, _) = hear(&mut clock, second * 1_000, second.cast_signed());
        assert_eq!(time.lateness, Lateness::Prompt);
    }
    assert_eq!(clock.report().map(|report| report.trouble), Some(Trouble::Standing));
}

#[test]
fn a_garbled_stamp_changes_nothing() {
    for behind_s in [-90_000, -40, 40, 90_000] {
        let mut clock = known(0);
        let (_, time, found) = hear(&mut clock, KNOWN_MS + 5_000, behind_s);
        assert_eq!((time.lateness, found), (Lateness::Prompt, None), "{behind_s}");
        hear(&mut clock, KNOWN_MS + 10_000, 0);
        let (ago_s, ..) = hear(&mut clock, KNOWN_MS + 70_000, 58);
        assert!((57.0..=59.0).contains(&ago_s), "{behind_s}: {ago_s}");
        hear(&mut clock, KNOWN_MS + 71_000, 0);
        assert_eq!(clock.report(), None, "{behind_s}");
    }
}

#[test]
fn what_a_bridge_brings_again_is_delayed() {
    let mut clock = known(0);
    // The last second before a bridge died was not acknowledged: it comes again, then what waited.
    for (frame, behind_s) in [21, 20, 20, 18, 10].into_iter().enumerate() {
        let (ago_s, ..) = hear(&mut clock, KNOWN_MS + 20_000 + frame as u64 * 20, behind_s);
        assert!((ago_s - behind_s as f64).abs() <= 1.0, "{behind_s}: {ago_s}");
    }
}

#[test]
fn a_checkpoint_of_the_earlier_form_is_read() {
    let sample = |minute, skew_us| SkewSample { minute, skew_us };
    let now_us = START_S * SECOND_US;
    let checkpoint = v1::ReceiverClock {
        receiver_id: "r".into(),
        samples: vec![sample(29_166_665, 8_000_000), sample(29_166_666, 7_400_000)],
        frames: 40,
        last_seen_us: now_us,
        ..v1::ReceiverClock::default()
    };
    let mut clock = ReceiverClock::from_checkpoint(&checkpoint);
    assert_eq!(hear(&mut clock, 5_000, 8).1.lateness, Lateness::Prompt);
    let (ago_s, ..) = hear(&mut clock, 65_000, 60);
    assert!((51.0..=53.0).contains(&ago_s), "{ago_s}");
    let unknown = v1::ReceiverClock { frames: 3, ..checkpoint };
    assert_eq!(ReceiverClock::from_checkpoint(&unknown).skew, None);
}

proptest! {
    #[test]
    fn a_checkpoint_at_any_frame_changes_nothing(
        steps in prop::collection::vec((0..20_000_u64, prop_oneof![6 => Just(0_i64), 1 => -100..5_000_i64]), 1..80),
        at in 1..80_usize,
    ) {
        let (mut clock, mut ms) = (ReceiverClock::default(), 0);
        for (index, (after_ms, behind_s)) in steps.into_iter().enumerate() {
            ms += after_ms;
            if index == at {
                let restored = ReceiverClock::from_checkpoint(&clock.to_checkpoint("r", 1));
                prop_assert_eq!(&restored, &clock);
            }
            hear(&mut clock, ms, behind_s);
        }
    }

    /// With any time stamps of a receiver that hears a frame every few seconds, the lateness of a frame is at most
    /// slightly more than the time since the last three.
    #[test]
    fn invalid_stamps_add_little_lateness(
        steps in prop::collection::vec((100..5_000_u64, 0..4_000_000_000_u32), 1..80),
    ) {
        let mut clock = known(0);
        let mut at_us = START_S * SECOND_US + KNOWN_MS * 1_000;
        for (after_ms, stamp_s) in steps {
            at_us += after_ms * 1_000;
            let (time, _) = clock.observe(at_us, stamp_s);
            prop_assert!(at_us - time.at_us <= 25 * SECOND_US, "{} us", at_us - time.at_us);
        }
    }
}
