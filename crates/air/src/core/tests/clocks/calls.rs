//! Calls for help through wrong clocks and backlogs: none waits.

use fanet::Packet;
use fanet::packet::GroundType;
use schemas::v1::raw_record::Input;
use schemas::v1::{AlertResolution, AlertState, AlertStatus, ObservationFlag};

use super::{alert_of, calling, fly_a_minute, flying};
use crate::core::tests::kit::{PILOT, Story, at, frame_of, ground, tracking};

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
