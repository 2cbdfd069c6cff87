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
