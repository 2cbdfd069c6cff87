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
    let clock = PartitionClock { raw_partition: 3, clock_us: at_us(second) };
    Reception { content: Some(reception::Content::Clock(clock)), ..Reception::default() }
}

fn run(hearing: &mut Hearing, records: &[Reception]) -> Vec<ReceiverChange> {
    let mut out = Vec::new();
    for record in records {
        let offset = hearing.next_offset();
        hearing.apply(offset, record, &mut out);
    }
    out
}

fn hearing() -> Hearing {
    Hearing::new(Arc::new(Places::default()), DAY_US)
}

#[test]
fn frames_are_counted_once_and_told_every_ten_seconds() {
    let mut hearing = hearing();
    let records: Vec<_> = (0..60).map(|second| heard(second + 1, second, None)).collect();
    let out = run(&mut hearing, &records);
    assert_eq!(out.len(), 6);
    let state = out[5].state.as_ref().expect("lives");
    assert_eq!((state.frames, state.frames_per_minute, state.position.as_ref()), (51, 51.0, None));
    // The same again, as after a failure of the stream core.
    assert!(run(&mut hearing, &records).is_empty());
    let later = run(&mut hearing, &[clock(75)]);
    assert_eq!(later[0].state.as_ref().expect("lives").frames, 60);
}

#[test]
fn a_steady_rate_is_told_as_it_is() {
    let records: Vec<_> = (0..600).map(|index| heard(index, index / 2, None)).collect();
    let out = run(&mut hearing(), &records);
    let rates = out.iter().skip(7).filter_map(|change| Some(change.state.as_ref()?.frames_per_minute));
    assert!(rates.clone().count() > 20);
    rates.for_each(|rate| assert!((119.0..=122.0).contains(&rate), "{rate}"));
}

#[test]
fn hidden_devices_are_counted_and_nothing_more() {
    let mut hearing = hearing();
    let hidden: Vec<_> = (0..20).map(|second| heard(second, second * 11, None)).collect();
    let out = run(&mut hearing, &hidden);
    let state = out.last().expect("told").state.clone().expect("lives");
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
    let out = run(&mut hearing(), &[hardware]);
    let state = out[0].state.as_ref().expect("lives");
    assert_eq!((state.hardware.as_deref(), state.frames), (Some(&[1, 2, 3][..]), 0));
}

#[test]
fn relayed_frames_say_nothing_of_the_place() {
    let frames: Vec<_> = (0..5)
        .map(|second| {
            let mut told = heard(second, second * 20, Some((46.0, 13.0)));
            if let Some(reception::Content::HeardFrame(frame)) = &mut told.content {
                frame.relayed = true;
            }
            told
        })
        .collect();
    let out = run(&mut hearing(), &frames);
    assert_eq!(out.last().expect("told").state.as_ref().expect("lives").position, None);
}

#[test]
fn another_place_begins_another_coverage() {
    let at = |latitude_deg: f64| {
        let text = format!("[[receiver]]\nid = \"r\"\nlatitude_deg = {latitude_deg}\nlongitude_deg = 13.0\n");
        Hearing::new(Arc::new(Places::parse(&text).expect("good")), DAY_US)
    };
    let mut before = at(46.0);
    run(&mut before, &(0..5).map(|second| heard(second, second, Some((46.1, 13.0)))).collect::<Vec<_>>());
    let memories = before.changed_memories("e");
    let restored = |mut hearing: Hearing| {
        memories.iter().for_each(|(_, memory)| hearing.restore(memory.clone().expect("lives")));
        let out = run(&mut hearing, &[heard(9, 60, None)]);
        out[0].state.clone().expect("lives")
    };
    assert_eq!(restored(at(46.0)).coverage.len(), 1);
    let moved = restored(at(47.0));
    assert_eq!((moved.coverage.len(), moved.position.expect("told").latitude_deg), (0, 47.0));
    let forgotten = restored(hearing());
    assert_eq!(forgotten.position_source(), ReceiverPositionSource::Estimated);
    assert!((forgotten.position.expect("told").latitude_deg - 46.1).abs() < 0.001);
}

#[test]
fn silence_is_told_and_a_day_of_it_is_the_end() {
    let mut hearing = hearing();
    run(&mut hearing, &[heard(1, 0, None)]);
    let out = run(&mut hearing, &[clock(100), clock(200)]);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].state.as_ref().expect("lives").frames_per_minute, 0.0);
    let out = run(&mut hearing, &[clock(24 * 3_600)]);
    assert_eq!((out[0].receiver_id.as_str(), out[0].state.as_ref()), ("r", None));
    assert!(hearing.changed_memories("e").iter().any(|(key, memory)| key == "r" && memory.is_none()));
}

#[test]
fn a_place_is_configured_or_estimated() {
    let frames: Vec<_> = (0..5).map(|second| heard(second + 1, second * 20, Some((46.0, 13.0)))).collect();
    let out = run(&mut hearing(), &frames);
    let state = out.last().expect("told").state.as_ref().expect("lives");
    assert_eq!(state.position_source(), ReceiverPositionSource::Estimated);
    let places = Places::parse("[[receiver]]\nid = \"r\"\nlatitude_deg = 46.1\nlongitude_deg = 13.0\n").expect("good");
    let out = run(&mut Hearing::new(Arc::new(places), DAY_US), &frames);
    let state = out.last().expect("told").state.as_ref().expect("lives");
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
        let mut whole = hearing();
        run(&mut whole, &records[..at]);
        let mut restored = hearing();
        whole
            .changed_memories("e")
            .into_iter()
            .filter_map(|(_, memory)| memory)
            .for_each(|memory| restored.restore(memory));
        assert_eq!(run(&mut whole, &records[at..]), run(&mut restored, &records[at..]), "{at}");
    }
}

/// Two raw partitions, three receivers, clocks, hardware, and stretches told again after a failure.
fn receptions() -> impl Strategy<Value = Vec<Reception>> {
    let one = (0..2_u16, 0..3_u8, 0..8_u64, prop::option::of((45.9..46.1_f64, 12.9..13.1_f64)), 0..10_u8);
    let again = (0..40_usize, 0..10_usize);
    (prop::collection::vec(one, 1..80), again).prop_map(|(told, (from, length))| {
        let mut second = 0;
        let mut offsets = [0_u64; 2];
        let mut records: Vec<_> = told
            .into_iter()
            .map(|(raw_partition, receiver, pause, position, kind)| {
                second += pause * pause;
                if kind == 0 {
                    return clock(second);
                }
                let offset = &mut offsets[usize::from(raw_partition)];
                let mut told = heard(*offset, second, position);
                told.reception_id = RecordId::new(raw_partition, *offset).0;
                told.receiver_id = format!("r{receiver}");
                *offset += 1;
                if kind == 1 {
                    told.content = Some(reception::Content::ReceiverHardware(vec![kind].into()));
                }
                told
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
    fn every_frame_counts_once_and_states_are_told_now_and_then(records in receptions()) {
        let mut hearing = Hearing::new(Arc::new(Places::default()), DAY_US);
        let (mut told, mut ids) = (BTreeMap::new(), std::collections::BTreeSet::new());
        for record in &records {
            if matches!(record.content, Some(reception::Content::HeardFrame(_))) {
                ids.insert((record.receiver_id.clone(), record.reception_id));
            }
            for change in run(&mut hearing, std::slice::from_ref(record)) {
                let before = told.insert(change.receiver_id, (change.version, change.at_us));
                if let Some((version, at_us)) = before {
                    prop_assert!(version < change.version && at_us + PUBLISH_US <= change.at_us);
                }
            }
        }
        for change in run(&mut hearing, &[clock(100_000 / 2)]) {
            let frames = ids.iter().filter(|(receiver_id, _)| *receiver_id == change.receiver_id).count();
            prop_assert_eq!(change.state.expect("lives").frames, frames as u64);
        }
    }

    #[test]
    fn checkpoints_told_bit_by_bit_are_whole(
        records in receptions(),
        at in prop::collection::vec(0..60_usize, 1..6),
    ) {
        let (mut never_stopped, mut stopped) = (hearing(), hearing());
        let mut topic = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            if at.contains(&index) {
                for (key, memory) in stopped.changed_memories("e") {
                    match memory {
                        Some(memory) => drop(topic.insert(key, memory)),
                        None => drop(topic.remove(&key)),
                    }
                }
                stopped = hearing();
                // Parts come in any order.
                topic.values().rev().cloned().for_each(|memory| stopped.restore(memory));
            }
            let expected = run(&mut never_stopped, std::slice::from_ref(record));
            prop_assert_eq!(expected, run(&mut stopped, std::slice::from_ref(record)));
        }
    }
}
