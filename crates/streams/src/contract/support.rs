//! Functions that the cases share.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::{Fixture, TIMEOUT};
use crate::{
    Event, Flush, GroupSettings, Headers, Incoming, NewTopic, Outgoing, Revocation, SeekTo, Sink, SinkSettings, Source,
    TopicPartition,
};

/// Waits up to [`TIMEOUT`].
pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(TIMEOUT, future).await {
        Ok(value) => value,
        Err(_) => panic!("timed out after {TIMEOUT:?} waiting for {what}"),
    }
}

/// A topic of the case's own.
pub(super) async fn topic(fixture: &dyn Fixture, name: &str, partitions: u32) -> String {
    let name = format!("{}{name}", fixture.prefix());
    // The records' times are long past: without this, a cluster that applies retention during the case would delete
    // them.
    let topic = NewTopic::new(&name, partitions).with("retention.ms", "-1");
    fixture.log().create_topics(&[topic]).await.expect("topic created");
    name
}

pub(super) fn sink(fixture: &dyn Fixture) -> std::sync::Arc<dyn Sink> {
    fixture.log().sink(SinkSettings::new("contract")).expect("sink opened")
}

pub(super) fn group(fixture: &dyn Fixture, name: &str, topic: &str) -> GroupSettings {
    GroupSettings::new(format!("{}{name}", fixture.prefix()), [topic])
}

/// The record with this number, for one partition; its time follows from the number.
pub(super) fn numbered(topic: &str, partition: u32, number: usize) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: Some(partition),
        key: Some(Bytes::from(format!("key-{number}"))),
        value: Some(Bytes::from(number.to_string())),
        headers: Headers::new(),
        timestamp_ms: time_of(number),
    }
}

/// Times in the past, that no other record has.
pub(super) fn time_of(number: usize) -> i64 {
    1_700_000_000_000 + i64::try_from(number).expect("small") * 10
}

pub(super) fn number_of(record: &Incoming) -> usize {
    let value = record.value.as_ref().expect("numbered records have a value");
    std::str::from_utf8(value).expect("text").parse().expect("a number")
}

pub(super) fn numbers(records: &[Incoming]) -> Vec<usize> {
    records.iter().map(number_of).collect()
}

/// Writes all and waits for their receipts.
pub(super) async fn write(sink: &dyn Sink, records: impl IntoIterator<Item = Outgoing>) {
    let flush = Flush::new();
    for record in records {
        within("room to send", sink.send(record, flush.receipt())).await.expect("sent");
    }
    within("the receipts", flush.wait()).await.expect("delivered");
}

/// Writes `numbers` to one partition.
pub(super) async fn write_numbers(fixture: &dyn Fixture, topic: &str, partition: u32, numbers: std::ops::Range<usize>) {
    write(&*sink(fixture), numbers.map(|number| numbered(topic, partition, number))).await;
}

pub(super) async fn read(fixture: &dyn Fixture, topic: &str, partitions: u32, from: SeekTo) -> Box<dyn Source> {
    let from = (0..partitions).map(|partition| (TopicPartition::new(topic, partition), from)).collect();
    fixture.log().read(from).await.expect("reader opened")
}

/// The next records; any other event but [`Event::CaughtUp`] fails the case.
pub(super) async fn records(source: &mut dyn Source) -> Vec<Incoming> {
    loop {
        match within("records", source.next()).await.expect("source continues") {
            Event::Records(records) => return records,
            Event::CaughtUp(_) => {}
            other => panic!("records expected, not {other:?}"),
        }
    }
}

/// At least `count` records.
pub(super) async fn at_least(source: &mut dyn Source, count: usize) -> Vec<Incoming> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(records(source).await);
    }
    all
}

/// Reads until the member owns exactly `count` partitions; returns them.
pub(super) async fn assigned(source: &mut dyn Source, count: usize) -> BTreeSet<TopicPartition> {
    let mut owned = BTreeSet::new();
    while owned.len() < count {
        match within("an assignment", source.next()).await.expect("source continues") {
            Event::Assigned(partitions) => owned.extend(partitions),
            Event::Revoked(revocation) => {
                owned.retain(|partition| !revocation.partitions.contains(partition));
                revocation.done();
            }
            Event::CaughtUp(_) => {}
            Event::Records(records) => panic!("{} records before the assignment was complete", records.len()),
        }
    }
    assert_eq!(owned.len(), count, "{owned:?}");
    owned
}

/// Reads until a revocation; also returns the records before it.
pub(super) async fn revoked(source: &mut dyn Source) -> (Revocation, Vec<Incoming>) {
    let mut read = Vec::new();
    loop {
        match within("a revocation", source.next()).await.expect("source continues") {
            Event::Revoked(revocation) => return (revocation, read),
            Event::Records(records) => read.extend(records),
            Event::CaughtUp(_) => {}
            Event::Assigned(partitions) => panic!("{partitions:?} assigned while a revocation was expected"),
        }
    }
}

/// Whether the source has no event but [`Event::CaughtUp`] for a while.
pub(super) async fn is_silent(source: &mut dyn Source, during: Duration) -> bool {
    let other = async {
        loop {
            match source.next().await.expect("source continues") {
                Event::CaughtUp(_) => {}
                other => return other,
            }
        }
    };
    tokio::time::timeout(during, other).await.is_err()
}
