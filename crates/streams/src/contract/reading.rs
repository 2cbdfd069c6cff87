//! Cases about readers without a group, and about a caller that does not read.

use std::time::Duration;

use super::Fixture;
use super::support::{
    assigned, at_least, group, is_silent, numbered, numbers, read, records, time_of, topic, within, write,
    write_numbers,
};
use crate::{Event, GroupSettings, SeekTo, SinkSettings, TopicPartition};

/// An offset, a time, the beginning and the end are found; a time between two records selects the later one.
pub async fn reading_starts_at_the_requested_position(fixture: &dyn Fixture) {
    let topic = topic(fixture, "positions", 1).await;
    write_numbers(fixture, &topic, 0, 0..100).await;
    let low = fixture.log().watermarks(&TopicPartition::new(&*topic, 0)).await.expect("watermarks").low;
    let cases = [
        (SeekTo::Beginning, 0),
        (SeekTo::Offset(low + 42), 42),
        (SeekTo::Time { timestamp_ms: time_of(42) }, 42),
        (SeekTo::Time { timestamp_ms: time_of(42) + 1 }, 43),
        (SeekTo::Time { timestamp_ms: 0 }, 0),
    ];
    for (from, first) in cases {
        let mut source = read(fixture, &topic, 1, from).await;
        let found = numbers(&at_least(&mut *source, 100 - first).await);
        assert_eq!(found, (first..100).collect::<Vec<_>>(), "{from:?}");
    }
    for (from, first) in [(SeekTo::End, 100), (SeekTo::Time { timestamp_ms: time_of(200) }, 101)] {
        let mut source = read(fixture, &topic, 1, from).await;
        assert!(matches!(within("the end", source.next()).await.expect("continues"), Event::CaughtUp(_)), "{from:?}");
        write_numbers(fixture, &topic, 0, first..first + 1).await;
        assert_eq!(numbers(&records(&mut *source).await), [first], "{from:?}");
    }
}

/// After a seek the next record is the requested one; records that were fetched before are dropped.
pub async fn a_seek_drops_fetched_records(fixture: &dyn Fixture) {
    let topic = topic(fixture, "seek", 2).await;
    write_numbers(fixture, &topic, 0, 0..3_000).await;
    let partition = TopicPartition::new(&*topic, 0);
    let low = fixture.log().watermarks(&partition).await.expect("watermarks").low;
    let mut source = read(fixture, &topic, 2, SeekTo::Beginning).await;
    at_least(&mut *source, 1).await;
    for (to, first) in [
        (SeekTo::Offset(low + 2_500), 2_500),
        (SeekTo::Beginning, 0),
        (SeekTo::Time { timestamp_ms: time_of(1_234) }, 1_234),
        (SeekTo::Offset(low + 7), 7),
    ] {
        source.seek(&partition, to).await.expect("seek succeeded");
        let found = numbers(&records(&mut *source).await);
        assert_eq!(found, (first..first + found.len()).collect::<Vec<_>>(), "{to:?}");
    }
    source.seek(&partition, SeekTo::End).await.expect("seek succeeded");
    write_numbers(fixture, &topic, 0, 3_000..3_001).await;
    assert_eq!(numbers(&records(&mut *source).await), [3_000]);
    let error = source.seek(&TopicPartition::new(&*topic, 5), SeekTo::End).await.expect_err("not read here");
    assert_eq!(error.reason(), "not_owned");
}

/// Catching up is reported after the last record that existed, immediately for an empty partition, again after a seek,
/// and not in between.
pub async fn caught_up_is_reported_once_after_the_last_record(fixture: &dyn Fixture) {
    let topic = topic(fixture, "caught-up", 2).await;
    write_numbers(fixture, &topic, 0, 0..2_500).await;
    let full = TopicPartition::new(&*topic, 0);
    let mut source = read(fixture, &topic, 2, SeekTo::Beginning).await;
    let mut read = 0;
    let mut caught_up = Vec::new();
    while caught_up.len() < 2 {
        match within("both to catch up", source.next()).await.expect("continues") {
            Event::Records(records) => read += records.len(),
            Event::CaughtUp(partition) => {
                assert!(partition != full || read == 2_500, "reported after {read} of 2500 records");
                caught_up.push(partition);
            }
            other => panic!("{other:?}"),
        }
    }
    caught_up.sort();
    assert_eq!(caught_up, [full.clone(), TopicPartition::new(&*topic, 1)]);

    write_numbers(fixture, &topic, 0, 2_500..2_501).await;
    assert!(matches!(within("a record", source.next()).await.expect("continues"), Event::Records(_)));
    assert!(tokio::time::timeout(Duration::from_millis(300), source.next()).await.is_err(), "reported again");

    source.seek(&full, SeekTo::End).await.expect("seek succeeded");
    assert!(matches!(within("the end", source.next()).await.expect("continues"), Event::CaughtUp(of) if of == full));
}

/// A caller that takes no records for longer than the session timeout stays a member, uses bounded memory, and then
/// receives all records in order.
pub async fn a_caller_that_does_not_read_stays_a_member(fixture: &dyn Fixture) {
    const RECORDS: usize = 60_000;
    const RECORD_BYTES: usize = 2_000;
    let topic = topic(fixture, "stalled", 1).await;
    let settings = GroupSettings { queue_records: 1_000, ..group(fixture, "stalled", &topic) };
    let mut source = fixture.log().subscribe(settings).await.expect("joined");
    assigned(&mut *source, 1).await;
    // Started, so that fetching begins; then the caller stops reading.
    assert!(matches!(within("the end", source.next()).await.expect("continues"), Event::CaughtUp(_)));
    // A short queue, so that the writer's own memory does not distort the measurement.
    let sink = fixture.log().sink(SinkSettings { queue_records: 500, ..SinkSettings::new("contract") });
    let sink = sink.expect("sink opened");
    let padded = |number: usize| {
        let mut record = numbered(&topic, 0, number);
        record.headers.push("padding", vec![b'.'; RECORD_BYTES]);
        record
    };
    write(&*sink, (0..10).map(padded)).await;
    let before = resident_bytes();
    write(&*sink, (10..RECORDS).map(padded)).await;

    tokio::time::sleep(fixture.unresponsive_after()).await;
    if !fixture.holds_the_log_in_memory() {
        let grown = resident_bytes().saturating_sub(before);
        // 120 MB were written; the memory of other cases counts too.
        assert!(grown < 60 << 20, "grew by {} MiB while the caller did not read", grown >> 20);
    }
    let mut next = 0;
    while next < RECORDS {
        let found = numbers(&records(&mut *source).await);
        assert_eq!(found, (next..next + found.len()).collect::<Vec<_>>());
        next += found.len();
    }
    let high = fixture.log().watermarks(&TopicPartition::new(&*topic, 0)).await.expect("watermarks").high;
    source.commit(&[(TopicPartition::new(&*topic, 0), high)]).await.expect("still a member");
    assert!(is_silent(&mut *source, Duration::from_millis(100)).await);
}

/// The resident memory of this process, as Linux reports it.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS is reported");
    let kib: usize = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}
