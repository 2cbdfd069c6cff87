use proptest::prelude::*;
use schemas::v1::PartitionClock;

use super::*;

const START_S: u64 = 1_750_000_000;
const DAY_US: u64 = 24 * 3_600 * SECOND_US;

fn at_us(second: u64) -> u64 {
    (START_S + second) * SECOND_US
}

fn heard(raw_offset: u64, second: u64, position: Option<(f64, f64)>) -> Reception {
    let position = position.map(|(latitude_deg, longitude_deg)| schemas::v1::Position {
        latitude_deg,
        longitude_deg,
        altitude_m: None,
    });
    let frame = HeardFrame { rssi_dbm: -80, position, ..HeardFrame::default() };
    Reception {
        reception_id: RecordId::new(3, raw_offset).0,
        receiver_id: "r".into(),
        ingested_at_us: at_us(second),
        content: Some(reception::Content::HeardFrame(frame)),
    }
}

fn clock(second: u64) -> Reception {
    let clock = PartitionClock { raw_partition: 3, clock_us: at_us(second), set_back_count: 0 };
    Reception { content: Some(reception::Content::Clock(clock)), ..Reception::default() }
}

fn configured(latitude_deg: f64) -> ReceiverPositions {
    let position = schemas::v1::Position { latitude_deg, longitude_deg: 13.0, altitude_m: None };
    [("r".to_owned(), position)].into_iter().collect()
}

fn run(receiver_core: &mut ReceiverCore, records: &[Reception]) -> Vec<ReceiverChange> {
    let mut out = Vec::new();
    for record in records {
        let offset = receiver_core.next_offset();
        receiver_core.apply(offset, record, &mut out);
    }
    out
}

fn receiver_core() -> ReceiverCore {
    ReceiverCore::new(Arc::new(ReceiverPositions::default()), DAY_US)
}

#[test]
fn frames_count_once_and_are_published_every_ten_s() {
    let mut receiver_core = receiver_core();
    let records: Vec<_> = (0..60).map(|second| heard(second + 1, second, None)).collect();
    let out = run(&mut receiver_core, &records);
    assert_eq!(out.len(), 6);
    let state = out[5].state.as_ref().expect("live");
    assert_eq!((state.frames, state.frames_per_minute, state.position.as_ref()), (51, 51.0, None));
    // The same again, as after a failure of the stream core.
    assert!(run(&mut receiver_core, &records).is_empty());
    let later = run(&mut receiver_core, &[clock(75)]);
    assert_eq!(later[0].state.as_ref().expect("live").frames, 60);
}

/// A state that is made again has a higher version than the published one, so it does not look like a late write.
#[test]
fn what_was_given_out_last_is_known_by_its_version() {
    let mut before = receiver_core();
    let records: Vec<_> = (0..15).map(|second| heard(second + 1, second, None)).collect();
    let out = run(&mut before, &records);
    let mut after = receiver_core();
    before
        .changed_checkpoints("epoch")
        .into_iter()
        .filter_map(|(_, checkpoint)| checkpoint)
        .for_each(|part| after.restore(part));
    for receiver_core in [&before, &after] {
        assert_eq!(receiver_core.published_version("r"), Some(out[1].version));
        assert!(receiver_core.newest("r").expect("live").version > out[1].version);
        assert_eq!(receiver_core.published_version("unknown"), None);
    }
}

#[test]
fn a_steady_rate_is_published_unchanged() {
    let records: Vec<_> = (0..600).map(|index| heard(index, index / 2, None)).collect();
    let out = run(&mut receiver_core(), &records);
    let rates = out.iter().skip(7).filter_map(|change| Some(change.state.as_ref()?.frames_per_minute));
    assert!(rates.clone().count() > 20);
    rates.for_each(|rate| assert!((119.0..=122.0).contains(&rate), "{rate}"));
}

#[test]
fn hidden_devices_are_counted_and_nothing_more() {
    let mut receiver_core = receiver_core();
    let hidden: Vec<_> = (0..20).map(|second| heard(second, second * 11, None)).collect();
    let out = run(&mut receiver_core, &hidden);
    let state = out.last().expect("present").state.clone().expect("live");
    let bare = ReceiverState {
        receiver_id: "r".into(),
        version: state.version,
        last_seen_at_us: state.last_seen_at_us,
        first_seen_at_us: at_us(0),
        frames_per_minute: state.frames_per_minute,
        frames: 20,
        ..ReceiverState::default()
    };
    assert_eq!(state, bare);
}

#[test]
fn hardware_is_kept_as_it_came_and_is_no_frame() {
    let hardware =
        Reception { content: Some(reception::Content::ReceiverHardware(vec![1, 2, 3].into())), ..heard(1, 0, None) };
    let out = run(&mut receiver_core(), &[hardware]);
    let state = out[0].state.as_ref().expect("live");
    assert_eq!((state.hardware.as_deref(), state.frames), (Some(&[1, 2, 3][..]), 0));
}

#[test]
fn relayed_frames_do_not_estimate_the_position() {
    let frames: Vec<_> = (0..5)
        .map(|second| {
            let mut reception = heard(second, second * 20, Some((46.0, 13.0)));
            if let Some(reception::Content::HeardFrame(frame)) = &mut reception.content {
                frame.relayed = true;
            }
            reception
        })
        .collect();
    let out = run(&mut receiver_core(), &frames);
    assert_eq!(out.last().expect("present").state.as_ref().expect("live").position, None);
}

#[test]
fn another_position_begins_another_coverage() {
    let at = |latitude_deg: f64| ReceiverCore::new(Arc::new(configured(latitude_deg)), DAY_US);
    let mut before = at(46.0);
    run(&mut before, &(0..5).map(|second| heard(second, second, Some((46.1, 13.0)))).collect::<Vec<_>>());
    let checkpoints = before.changed_checkpoints("e");
    let restored = |mut receiver_core: ReceiverCore| {
        checkpoints.iter().for_each(|(_, checkpoint)| receiver_core.restore(checkpoint.clone().expect("live")));
        let out = run(&mut receiver_core, &[heard(9, 60, None)]);
        out[0].state.clone().expect("live")
    };
    assert_eq!(restored(at(46.0)).coverage.len(), 1);
    let moved = restored(at(47.0));
    assert_eq!((moved.coverage.len(), moved.position.expect("present").latitude_deg), (0, 47.0));
    let forgotten = restored(receiver_core());
    assert_eq!(forgotten.position_source(), ReceiverPositionSource::Estimated);
    assert!((forgotten.position.expect("present").latitude_deg - 46.1).abs() < 0.001);
}

#[test]
fn silence_is_published_and_ends_after_a_day() {
    let mut receiver_core = receiver_core();
    run(&mut receiver_core, &[heard(1, 0, None)]);
    let out = run(&mut receiver_core, &[clock(100), clock(200)]);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].state.as_ref().expect("live").frames_per_minute, 0.0);
    let out = run(&mut receiver_core, &[clock(24 * 3_600)]);
    assert_eq!((out[0].receiver_id.as_str(), out[0].state.as_ref()), ("r", None));
    assert!(receiver_core.changed_checkpoints("e").iter().any(|(key, checkpoint)| key == "r" && checkpoint.is_none()));
}

#[test]
fn a_position_is_configured_or_estimated() {
    let frames: Vec<_> = (0..5).map(|second| heard(second + 1, second * 20, Some((46.0, 13.0)))).collect();
    let out = run(&mut receiver_core(), &frames);
    let state = out.last().expect("present").state.as_ref().expect("live");
    assert_eq!(state.position_source(), ReceiverPositionSource::Estimated);
    let out = run(&mut ReceiverCore::new(Arc::new(configured(46.1)), DAY_US), &frames);
    let state = out.last().expect("present").state.as_ref().expect("live");
    assert_eq!(state.position_source(), ReceiverPositionSource::Configured);
    assert_eq!((state.coverage.len(), state.coverage[0].bearing_deg), (1, 180));
}

#[test]
fn a_checkpoint_at_any_record_changes_nothing() {
    let mut records = Vec::new();
    for second in 0..80 {
        records.push(heard(second + 1, second * 3, Some((46.0 + second as f64 / 1_000.0, 13.0))));
        if second % 4 == 0 {
            records.push(clock(second * 3));
        }
    }
    for at in 0..records.len() {
        let mut continuous = receiver_core();
        run(&mut continuous, &records[..at]);
        let mut restored = receiver_core();
        continuous
            .changed_checkpoints("e")
            .into_iter()
            .filter_map(|(_, checkpoint)| checkpoint)
            .for_each(|checkpoint| restored.restore(checkpoint));
        assert_eq!(run(&mut continuous, &records[at..]), run(&mut restored, &records[at..]), "{at}");
    }
}

/// Two raw partitions, three receivers, clocks, hardware, and ranges repeated after a failure.
fn receptions() -> impl Strategy<Value = Vec<Reception>> {
    let one = (0..2_u16, 0..3_u8, 0..8_u64, prop::option::of((45.9..46.1_f64, 12.9..13.1_f64)), 0..10_u8);
    let again = (0..40_usize, 0..10_usize);
    (prop::collection::vec(one, 1..80), again).prop_map(|(steps, (from, length))| {
        let mut second = 0;
        let mut offsets = [0_u64; 2];
        let mut records: Vec<_> = steps
            .into_iter()
            .map(|(raw_partition, receiver, pause, position, kind)| {
                second += pause * pause;
                if kind == 0 {
                    return clock(second);
                }
                let offset = &mut offsets[usize::from(raw_partition)];
                let mut reception = heard(*offset, second, position);
                reception.reception_id = RecordId::new(raw_partition, *offset).0;
                reception.receiver_id = format!("r{receiver}");
                *offset += 1;
                if kind == 1 {
                    reception.content = Some(reception::Content::ReceiverHardware(vec![kind].into()));
                }
                reception
            })
            .collect();
        let from = from.min(records.len() - 1);
        let upto = (from + length).min(records.len());
        let repeated = records[from..upto].to_vec();
        records.splice(upto..upto, repeated);
        records
    })
}

proptest! {
    #[test]
    fn frames_count_once_and_states_are_published_rarely(records in receptions()) {
        let mut receiver_core = ReceiverCore::new(Arc::new(ReceiverPositions::default()), DAY_US);
        let (mut published, mut ids) = (BTreeMap::new(), std::collections::BTreeSet::new());
        for record in &records {
            if matches!(record.content, Some(reception::Content::HeardFrame(_))) {
                ids.insert((record.receiver_id.clone(), record.reception_id));
            }
            for change in run(&mut receiver_core, std::slice::from_ref(record)) {
                let before = published.insert(change.receiver_id, (change.version, change.at_us));
                if let Some((version, at_us)) = before {
                    prop_assert!(version < change.version && at_us + PUBLISH_US <= change.at_us);
                }
            }
        }
        for change in run(&mut receiver_core, &[clock(100_000 / 2)]) {
            let frames = ids.iter().filter(|(receiver_id, _)| *receiver_id == change.receiver_id).count();
            prop_assert_eq!(change.state.expect("live").frames, frames as u64);
        }
    }

    #[test]
    fn incremental_checkpoints_are_complete(
        records in receptions(),
        at in prop::collection::vec(0..60_usize, 1..6),
    ) {
        let (mut never_stopped, mut stopped) = (receiver_core(), receiver_core());
        let mut topic = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            if at.contains(&index) {
                for (key, checkpoint) in stopped.changed_checkpoints("e") {
                    match checkpoint {
                        Some(checkpoint) => drop(topic.insert(key, checkpoint)),
                        None => drop(topic.remove(&key)),
                    }
                }
                stopped = receiver_core();
                // Parts come in any order.
                topic.values().rev().cloned().for_each(|checkpoint| stopped.restore(checkpoint));
            }
            let expected = run(&mut never_stopped, std::slice::from_ref(record));
            prop_assert_eq!(expected, run(&mut stopped, std::slice::from_ref(record)));
        }
    }
}

fn unusable(raw_offset: u64, second: u64, frames: u32) -> Reception {
    let unusable = UnusableFrames { frames, reason: "frame_too_short".into() };
    Reception { content: Some(reception::Content::UnusableFrames(unusable)), ..heard(raw_offset, second, None) }
}

fn newest(receiver_core: &ReceiverCore) -> ReceiverState {
    receiver_core.newest("r").and_then(|change| change.state).expect("known")
}

#[test]
fn a_receiver_of_rubbish_is_set_aside_and_comes_back() {
    let mut receiver_core = receiver_core();
    let out =
        run(&mut receiver_core, &[heard(1, 0, Some((46.0, 13.0))), unusable(1, 5, 15_000), unusable(1, 5, 15_000)]);
    assert_eq!(out.len(), 1, "not more often than every ten seconds");
    let state = newest(&receiver_core);
    assert_eq!(
        (state.frames, state.unusable_frames),
        (1, 15_000),
        "a report shares its id with a frame, and counts once"
    );
    assert_eq!(
        (state.set_aside_since_us, state.set_aside_reason.as_deref()),
        (Some(at_us(5)), Some("frame_too_short"))
    );
    let good: Vec<_> = (0..40).map(|second| heard(second + 2, second + 30, Some((46.0, 13.0)))).collect();
    run(&mut receiver_core, &good);
    assert_eq!(newest(&receiver_core).set_aside_since_us, Some(at_us(5)), "its rubbish is less than a minute old");
    let out = run(&mut receiver_core, &[heard(60, 80, Some((46.0, 13.0)))]);
    let state = out.last().and_then(|change| change.state.as_ref()).expect("published");
    assert_eq!((state.set_aside_since_us, state.set_aside_reason.as_ref(), state.frames), (None, None, 42));
}

#[test]
fn a_receiver_that_sends_rubbish_alone_is_known() {
    let mut receiver_core = receiver_core();
    let out = run(&mut receiver_core, &[unusable(1, 0, 30)]);
    let state = out[0].state.as_ref().expect("known");
    assert_eq!((state.frames, state.unusable_frames, state.set_aside_since_us), (0, 30, Some(at_us(0))));
}

#[test]
fn made_up_receivers_end_before_good_ones() {
    let mut receiver_core = receiver_core().with_bound(1_000);
    run(&mut receiver_core, &[heard(1, 0, Some((46.0, 13.0)))]);
    let made_up = |at: u64| Reception { receiver_id: format!("made-up-{at:05}"), ..heard(at + 2, 10 + at / 100, None) };
    let flood: Vec<_> = (0..5_000).map(made_up).collect();
    let out = run(&mut receiver_core, &flood);
    let evicted: Vec<_> = out.iter().filter(|change| change.is_evicted).collect();
    assert!(evicted.iter().all(|change| change.state.is_none() && change.receiver_id != "r"));
    assert_eq!((evicted[0].receiver_id.as_str(), evicted.len()), ("made-up-00000", 4_032));
    assert_eq!(receiver_core.receivers.len(), 969);
    let records = receiver_core.changed_checkpoints("epoch");
    assert_eq!(
        records.iter().filter(|(_, checkpoint)| checkpoint.is_none()).count(),
        4_032,
        "their checkpoints end, too"
    );
}
