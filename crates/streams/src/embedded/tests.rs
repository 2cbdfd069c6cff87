use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::{Behind, Event, Flush, Headers, Incoming, Outgoing, Receipt, Start};

fn record(topic: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: Some(0),
        key: Some("key".into()),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Headers::new(),
        timestamp_ms: 0,
    }
}

async fn log(settings: EmbeddedSettings) -> EmbeddedLog {
    let log = EmbeddedLog::new(settings);
    log.create_topics(&[NewTopic::new("t", 1)]).await.expect("created");
    log
}

async fn write(log: &EmbeddedLog, records: impl IntoIterator<Item = Outgoing>) {
    let sink = log.sink(SinkSettings::new("test")).expect("sink");
    let flush = Flush::new();
    for record in records {
        sink.send(record, flush.receipt()).await.expect("sent");
    }
    flush.wait().await.expect("written");
}

async fn records(source: &mut dyn Source) -> Vec<Incoming> {
    loop {
        if let Event::Records(records) = source.next().await.expect("continues") {
            return records;
        }
    }
}

#[tokio::test]
async fn a_slow_reader_continues_at_the_low_watermark() {
    let log = log(EmbeddedSettings { max_bytes_per_partition: 2_000, ..EmbeddedSettings::new(100) }).await;
    let mut source = log.read(vec![(TopicPartition::new("t", 0), SeekTo::Offset(100))]).await.expect("reader");
    write(&log, (0..50).map(|number| record("t", &number.to_string()))).await;
    let low = log.watermarks(&TopicPartition::new("t", 0)).await.expect("watermarks").low;
    assert!(low > 100);
    assert_eq!(records(&mut *source).await[0].offset, low);
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_the_first_record() {
    let log = log(EmbeddedSettings::new(0)).await;
    let mut source = log.read(vec![(TopicPartition::new("t", 0), SeekTo::End)]).await.expect("reader");
    let (read, ()) = tokio::join!(records(&mut *source), write(&log, [record("t", "x")]));
    assert_eq!(read.len(), 1);
}

#[tokio::test]
async fn next_is_cancel_safe() {
    let log = log(EmbeddedSettings::new(0)).await;
    let mut source = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    let mut next = source.next();
    assert!(futures::poll!(&mut next).is_ready());
    drop(next);
    let mut waiting = source.next();
    let _ = futures::poll!(&mut waiting);
    drop(waiting);
    write(&log, [record("t", "x")]).await;
    assert_eq!(records(&mut *source).await.len(), 1);
}

#[tokio::test]
async fn lag_counts_records_not_read_or_not_committed() {
    let log = log(EmbeddedSettings::new(0)).await;
    let partition = TopicPartition::new("t", 0);
    assert_eq!(log.lag("g"), None);
    let mut member = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    let mut reader = log.read(vec![(partition.clone(), SeekTo::Beginning)]).await.expect("reader");
    assert_eq!(log.lag("g"), Some(Lag::default()));

    write(&log, (5..8).map(|number| Outgoing { timestamp_ms: number * 1_000, ..record("t", "x") })).await;
    let unread = Lag { records: 3, behind: vec![Behind { read_to_ms: Some(5_000), at_least: Duration::MAX }] };
    assert_eq!((log.lag("g"), reader.lag()), (Some(unread.clone()), Some(unread)));
    assert_eq!((records(&mut *member).await.len(), records(&mut *reader).await.len()), (3, 3));
    let uncommitted = |records| Lag { records, behind: Vec::new() };
    assert_eq!((log.lag("g"), reader.lag()), (Some(uncommitted(3)), Some(uncommitted(0))));
    member.commit(&[(partition, 2)]).await.expect("committed");
    assert_eq!(log.lag("g"), Some(uncommitted(1)));
}

#[tokio::test]
async fn topics_are_created_at_first_use_if_set() {
    let strict = EmbeddedLog::new(EmbeddedSettings::new(0));
    let error = strict.watermarks(&TopicPartition::new("new", 0)).await.expect_err("no such topic");
    assert_eq!(error.reason(), "unknown_topic");

    let lenient = EmbeddedLog::new(EmbeddedSettings { auto_create_partitions: Some(3), ..EmbeddedSettings::new(0) });
    write(&lenient, [record("new", "x")]).await;
    assert_eq!(lenient.describe_topics().await.expect("described")[0].partitions, 3);
}

#[tokio::test]
async fn a_group_is_assigned_a_topic_created_later() {
    let log = EmbeddedLog::new(EmbeddedSettings::new(0));
    let settings = GroupSettings { start: Start::Earliest, ..GroupSettings::new("g", ["t"]) };
    let mut source = log.subscribe(settings).await.expect("joined");
    log.create_topics(&[NewTopic::new("t", 1)]).await.expect("created");
    assert!(matches!(source.next().await.expect("continues"), Event::Assigned(_)));
    let (read, ()) = tokio::join!(records(&mut *source), write(&log, [record("t", "x")]));
    assert_eq!(read.len(), 1);
}

#[tokio::test]
async fn a_sender_may_hold_the_lock_of_its_receipts() {
    struct Locked(std::sync::Mutex<u32>);
    impl crate::Acknowledge for Locked {
        fn acknowledged(&self, _tag: u64, _outcome: Result<crate::Delivered, crate::DeliveryError>) {
            *self.0.lock().expect("no panic under it") += 1;
        }
    }
    let log = log(EmbeddedSettings::new(0)).await;
    let sink = log.sink(SinkSettings::new("test")).expect("sink");
    let locked = Arc::new(Locked(std::sync::Mutex::new(0)));
    {
        let _held = locked.0.lock().expect("no panic under it");
        sink.try_send(record("t", "x"), Receipt::new(locked.clone(), 0)).expect("room");
    }
    sink.flush(Duration::from_secs(10)).await.expect("flushed");
    assert_eq!(*locked.0.lock().expect("no panic under it"), 1);
}
