//! Cases about writing.

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

/// Stores every answer.
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

/// Records of one key go to the partition that every producer computes, and stay in order; each receipt is answered
/// once, with the record's position.
pub async fn a_key_keeps_its_order_and_partition(fixture: &dyn Fixture) {
    const PARTITIONS: u32 = 4;
    let topic = topic(fixture, "keys", PARTITIONS).await;
    let sink = sink(fixture);
    let answers = Arc::new(Answers::default());
    for number in 0..1_000 {
        let key = Bytes::from(format!("device-{}", number % 20));
        let record = Outgoing { partition: None, key: Some(key), ..numbered(&topic, 0, number) };
        sink.send(record, Receipt::new(answers.clone(), number as u64)).await.expect("sent");
    }
    within("a flush", sink.flush(super::TIMEOUT)).await.expect("flushed");

    let mut source = read(fixture, &topic, PARTITIONS, SeekTo::Beginning).await;
    let all = at_least(&mut *source, 1_000).await;
    assert_eq!(all.len(), 1_000);
    let mut last: BTreeMap<Bytes, usize> = BTreeMap::new();
    for record in &all {
        let key = record.key.clone().expect("keyed");
        assert_eq!(record.partition, partitioner::partition_of(&key, PARTITIONS), "{key:?}");
        let number = number_of(record);
        assert!(last.insert(key, number).is_none_or(|before| before < number), "record {number} is out of order");
        let position = Delivered { partition: record.partition, offset: record.offset };
        assert_eq!(answers.of(number as u64), [Ok(position)], "record {number}");
    }
}

/// All parts of a record are unchanged; a tombstone is not an empty value.
pub async fn records_arrive_unchanged(fixture: &dyn Fixture) {
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

/// The receipt of a too large record reports it; the records beside it are written.
pub async fn only_the_too_large_record_is_refused(fixture: &dyn Fixture) {
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
    within("a flush", sink.flush(super::TIMEOUT)).await.expect("flushed");
    let refused = answers.of(1);
    assert!(matches!(&refused[..], [Err(error)] if error.is_refused() && error.reason() == "too_large"), "{refused:?}");
    assert!(matches!(answers.of(0)[..], [Ok(_)]) && matches!(answers.of(2)[..], [Ok(_)]));
    let mut source = read(fixture, &topic, 1, SeekTo::Beginning).await;
    assert_eq!(numbers(&at_least(&mut *source, 2).await), [0, 2]);
}

/// Pseudo-random bytes, which compression does not bring below the limit.
fn incompressible(length: usize) -> Bytes {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A missing topic may be created later, so that it is no refusal; a missing partition is an error of the record.
pub async fn failed_writes_are_reported(fixture: &dyn Fixture) {
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

/// Blocks the answers until it is opened.
struct Gate(Mutex<Receiver<()>>);

impl Acknowledge for Gate {
    fn acknowledged(&self, _tag: u64, _outcome: Result<Delivered, DeliveryError>) {
        // A closed channel opens the gate permanently.
        let _ = self.0.lock().expect("no panic under it").recv();
    }
}

/// A queue has a bound: beyond it, the record is returned complete, and can be sent once there is room.
pub async fn a_full_queue_returns_the_record(fixture: &dyn Fixture) {
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

/// After a flush every receipt is answered; a flush that does not end in time reports a timeout.
pub async fn flush_waits_for_every_receipt(fixture: &dyn Fixture) {
    let topic = topic(fixture, "flush", 1).await;
    let sink = sink(fixture);
    let latch = Flush::new();
    for number in 0..500 {
        sink.try_send(numbered(&topic, 0, number), latch.receipt()).expect("room");
    }
    within("a flush", sink.flush(super::TIMEOUT)).await.expect("flushed");
    assert_eq!(latch.open(), 0);

    let (open, gate) = sync_channel(0);
    let gate = Arc::new(Gate(Mutex::new(gate)));
    sink.try_send(numbered(&topic, 0, 500), Receipt::new(gate, 0)).expect("room");
    let error = sink.flush(Duration::from_millis(50)).await.expect_err("the receipt is blocked");
    assert_eq!((error.reason(), error.is_transient()), ("timeout", true));
    drop(open);
}

/// Records that are written before, during and after a restart of the log's server arrive in order, each once, with a
/// reader and a writer that stay open.
pub async fn records_arrive_once_across_a_restart(fixture: &dyn Fixture) {
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
    assert!(is_silent(&mut *source, Duration::from_millis(300)).await, "a record was delivered twice");
}
