//! Cases about what is written.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::Fixture;
use super::support::{
    at_least, is_silent, number_of, numbered, numbers, read, records, sink, topic, within, write, write_numbers,
};
use crate::{
    Acknowledge, Delivered, DeliveryError, Flush, Headers, Incoming, Outgoing, Receipt, SeekTo, SinkSettings,
    partitioner,
};

/// Remembers every answer.
#[derive(Default)]
struct Answers(Mutex<BTreeMap<u64, Vec<Result<Delivered, DeliveryError>>>>);

impl Answers {
    fn of(&self, tag: u64) -> Vec<Result<Delivered, DeliveryError>> {
        self.0.lock().expect("no panic under it").get(&tag).cloned().unwrap_or_default()
    }
}

impl Acknowledge for Answers {
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>) {
        self.0.lock().expect("no panic under it").entry(tag).or_default().push(outcome);
    }
}

/// Records of one key go to the partition that every producer computes, and come out in order; each receipt is answered
/// once and names the place.
pub async fn a_key_keeps_its_order_and_its_partition(fixture: &dyn Fixture) {
    const PARTITIONS: u32 = 4;
    let topic = topic(fixture, "keys", PARTITIONS).await;
    let sink = sink(fixture);
    let answers = Arc::new(Answers::default());
    for number in 0..1_000 {
        let key = Bytes::from(format!("device-{}", number % 20));
        let record = Outgoing { partition: None, key: Some(key), ..numbered(&topic, 0, number) };
        sink.send(record, Receipt::new(answers.clone(), number as u64)).await.expect("sent");
    }
    within("a flush", sink.flush(super::PATIENCE)).await.expect("flushed");

    let mut source = read(fixture, &topic, PARTITIONS, SeekTo::Beginning).await;
    let all = at_least(&mut *source, 1_000).await;
    assert_eq!(all.len(), 1_000);
    let mut last: BTreeMap<Bytes, usize> = BTreeMap::new();
    for record in &all {
        let key = record.key.clone().expect("keyed");
        assert_eq!(record.partition, partitioner::partition_of(&key, PARTITIONS), "{key:?}");
        let number = number_of(record);
        assert!(last.insert(key, number).is_none_or(|before| before < number), "record {number} is out of order");
        let place = Delivered { partition: record.partition, offset: record.offset };
        assert_eq!(answers.of(number as u64), [Ok(place)], "record {number}");
    }
}

/// Nothing about a record changes on its way; a tombstone is not an empty value.
pub async fn headers_tombstones_and_empty_values_arrive_as_they_were(fixture: &dyn Fixture) {
    let topic = topic(fixture, "shapes", 1).await;
    let headers = Headers::new()
        .with("traceparent", "00-1")
        .with("way", Bytes::from_static(&[0, 255, 10]))
        .with("way", "again")
        .with("empty", Bytes::new());
    let base = Outgoing { headers, ..numbered(&topic, 0, 7) };
    let shapes = [
        base.clone(),
        Outgoing { value: None, ..base.clone() },
        Outgoing { value: Some(Bytes::new()), headers: Headers::new(), ..base.clone() },
        Outgoing { key: None, ..base.clone() },
        Outgoing { key: Some(Bytes::new()), ..base.clone() },
    ];
    write(&*sink(fixture), shapes.clone()).await;

    let mut source = read(fixture, &topic, 1, SeekTo::Beginning).await;
    let read = at_least(&mut *source, shapes.len()).await;
    for (index, (found, expected)) in read.iter().zip(&shapes).enumerate() {
        let expected = Incoming {
            topic: expected.topic.clone(),
            partition: 0,
            offset: read[0].offset + index as u64,
            timestamp_ms: expected.timestamp_ms,
            key: expected.key.clone(),
            value: expected.value.clone(),
            headers: expected.headers.clone(),
        };
        assert_eq!(found, &expected, "shape {index}");
    }
}

/// A record that the log will not take is reported to its sender, alone.
pub async fn a_record_that_is_too_large_is_refused_and_its_neighbours_are_not(fixture: &dyn Fixture) {
    let topic = topic(fixture, "large", 1).await;
    let sink = sink(fixture);
    let answers = Arc::new(Answers::default());
    for number in 0..3 {
        let mut record = numbered(&topic, 0, number);
        if number == 1 {
            record.value = Some(incompressible(3 << 20));
        }
        sink.send(record, Receipt::new(answers.clone(), number as u64)).await.expect("sent");
    }
    within("a flush", sink.flush(super::PATIENCE)).await.expect("flushed");
    let refused = answers.of(1);
    assert!(matches!(&refused[..], [Err(error)] if error.is_refused() && error.reason() == "too_large"), "{refused:?}");
    assert!(matches!(answers.of(0)[..], [Ok(_)]) && matches!(answers.of(2)[..], [Ok(_)]));
    let mut source = read(fixture, &topic, 1, SeekTo::Beginning).await;
    assert_eq!(numbers(&at_least(&mut *source, 2).await), [0, 2]);
}

/// The bytes of a small generator: no compression brings them below the limit.
fn incompressible(length: usize) -> Bytes {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A topic that is not there may come; a partition that is not there is the record's fault.
pub async fn what_cannot_be_written_is_reported(fixture: &dyn Fixture) {
    let topic = topic(fixture, "narrow", 2).await;
    let sink = sink(fixture);
    write(&*sink, [numbered(&topic, 0, 0)]).await;
    for (record, reason, refused) in [
        (numbered(&topic, 9, 0), "invalid", true),
        (numbered(&format!("{topic}-missing"), 0, 0), "unknown_topic", false),
    ] {
        let flush = Flush::new();
        within("room to send", sink.send(record, flush.receipt())).await.expect("handed over");
        let error = within("the receipt", flush.wait()).await.expect_err("cannot be written");
        assert_eq!((error.reason(), error.is_refused()), (reason, refused), "{error}");
    }
}

/// Lets nobody be answered until it is told to.
struct Gate(Mutex<Receiver<()>>);

impl Acknowledge for Gate {
    fn acknowledged(&self, _tag: u64, _outcome: Result<Delivered, DeliveryError>) {
        // Closed: open for good.
        let _ = self.0.lock().expect("no panic under it").recv();
    }
}

/// A queue has a bound: over it, the record comes back whole, and goes through once there is room.
pub async fn a_full_queue_gives_the_record_back(fixture: &dyn Fixture) {
    let topic = topic(fixture, "full", 1).await;
    let settings = SinkSettings { queue_records: 10, ..SinkSettings::new("contract") };
    let sink = fixture.log().sink(settings).expect("sink opened");
    let (open, gate) = sync_channel(0);
    let gate = Arc::new(Gate(Mutex::new(gate)));
    for number in 0..10 {
        sink.try_send(numbered(&topic, 0, number), Receipt::new(gate.clone(), 0)).expect("room");
    }
    let over = numbered(&topic, 0, 10);
    let flush = Flush::new();
    let refused = sink.try_send(over.clone(), flush.receipt()).expect_err("full");
    assert!(refused.is_full(), "{}", refused.error);
    assert_eq!(refused.error.reason(), "queue_full");
    assert_eq!(refused.record, over);
    drop(open);
    within("room", sink.send(refused.record, refused.receipt)).await.expect("sent");
    within("the receipt", flush.wait()).await.expect("delivered");
    let mut source = read(fixture, &topic, 1, SeekTo::Beginning).await;
    assert_eq!(numbers(&at_least(&mut *source, 11).await), (0..11).collect::<Vec<_>>());
}

/// After a flush every receipt is answered; one that cannot end in time says so.
pub async fn flush_waits_for_every_receipt(fixture: &dyn Fixture) {
    let topic = topic(fixture, "flush", 1).await;
    let sink = sink(fixture);
    let latch = Flush::new();
    for number in 0..500 {
        sink.try_send(numbered(&topic, 0, number), latch.receipt()).expect("room");
    }
    within("a flush", sink.flush(super::PATIENCE)).await.expect("flushed");
    assert_eq!(latch.open(), 0);

    let (open, gate) = sync_channel(0);
    let gate = Arc::new(Gate(Mutex::new(gate)));
    sink.try_send(numbered(&topic, 0, 500), Receipt::new(gate, 0)).expect("room");
    let error = sink.flush(Duration::from_millis(50)).await.expect_err("the receipt is held up");
    assert_eq!((error.reason(), error.is_transient()), ("timeout", true));
    drop(open);
}

/// What is written before, while and after the log's server restarts arrives in order, each record once, at a reader
/// and at a writer that stayed open all the time.
pub async fn everything_arrives_once_across_a_restart(fixture: &dyn Fixture) {
    let topic = topic(fixture, "restart", 1).await;
    write_numbers(fixture, &topic, 0, 0..100).await;
    let mut source = read(fixture, &topic, 1, SeekTo::Beginning).await;
    let mut all = numbers(&at_least(&mut *source, 100).await);

    let sink = sink(fixture);
    let flush = Flush::new();
    for number in 100..150 {
        sink.send(numbered(&topic, 0, number), flush.receipt()).await.expect("sent");
    }
    let write_meanwhile = async {
        for number in 150..300 {
            sink.send(numbered(&topic, 0, number), flush.receipt()).await.expect("sent");
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(fixture.restart(), write_meanwhile);
    within("the receipts", flush.wait()).await.expect("delivered");
    while all.len() < 300 {
        all.extend(numbers(&records(&mut *source).await));
    }
    assert_eq!(all, (0..300).collect::<Vec<_>>());
    assert!(is_silent(&mut *source, Duration::from_millis(300)).await, "a record came twice");
}
