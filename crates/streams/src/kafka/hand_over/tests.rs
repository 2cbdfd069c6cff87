use super::*;
use crate::Headers;

pub(super) fn partition(number: u32) -> TopicPartition {
    TopicPartition::new("t", number)
}

pub(super) fn records(of: u32, offsets: std::ops::Range<u64>) -> Vec<(Incoming, usize)> {
    let record = |offset| Incoming {
        topic: "t".into(),
        partition: of,
        offset,
        timestamp_ms: 0,
        key: None,
        value: None,
        headers: Headers::new(),
    };
    offsets.map(|offset| (record(offset), 10)).collect()
}

/// Two partitions, assigned and started.
pub(super) fn queues() -> RecordQueues {
    let mut queues = RecordQueues::new(100);
    queues.assign(vec![partition(0), partition(1)]);
    assert!(matches!(queues.take(10), Some(Ok(Event::Assigned(_)))));
    queues.start([partition(0), partition(1)]);
    queues
}

pub(super) fn taken(queues: &mut RecordQueues, max: usize) -> Vec<(u32, u64)> {
    match queues.take(max) {
        Some(Ok(Event::Records(records))) => records.iter().map(|record| (record.partition, record.offset)).collect(),
        Some(Ok(other)) => panic!("not records but {other:?}"),
        Some(Err(error)) => panic!("not records but {error}"),
        None => Vec::new(),
    }
}

#[test]
fn partitions_take_turns() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..4), None);
    queues.deliver(&partition(1), records(1, 0..2), None);
    assert_eq!(taken(&mut queues, 3), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(taken(&mut queues, 3), [(1, 0), (1, 1), (0, 3)]);
    assert_eq!((queues.records, queues.bytes), (0, 0));
}

#[test]
fn unstarted_paused_and_seeking_queues_fetch_nothing() {
    let mut queues = RecordQueues::new(100);
    queues.assign(vec![partition(0)]);
    assert!(!queues.wants(&partition(0)));
    queues.start([partition(0)]);
    assert!(queues.wants(&partition(0)));
    queues.set_paused(&[partition(0)], true);
    assert!(!queues.wants(&partition(0)));
    queues.set_paused(&[partition(0)], false);
    let (reply, _answer) = oneshot::channel();
    queues.seek(SeekRequest { partition: partition(0), to: Offset::Beginning, give_up_at: Instant::now(), reply });
    assert!(!queues.wants(&partition(0)));
}

#[test]
fn paused_records_wait_and_take_no_room() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..100), None);
    assert_eq!(queues.room(), 0);
    queues.set_paused(&[partition(0)], true);
    assert_eq!(queues.room(), 100);
    queues.deliver(&partition(1), records(1, 0..1), None);
    assert_eq!(taken(&mut queues, 10), [(1, 0)]);
    assert_eq!(taken(&mut queues, 10), []);
    queues.set_paused(&[partition(0)], false);
    assert_eq!(taken(&mut queues, 2), [(0, 0), (0, 1)]);
}

#[test]
fn caught_up_is_reported_once_after_the_last_record() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..3), Some(2));
    assert_eq!(taken(&mut queues, 10), [(0, 0), (0, 1)]);
    assert!(matches!(queues.take(10), Some(Ok(Event::CaughtUp(caught_up))) if caught_up == partition(0)));
    assert_eq!(taken(&mut queues, 10), [(0, 2)]);
    queues.deliver(&partition(0), Vec::new(), Some(0));
    assert!(queues.take(10).is_none());
}

#[test]
fn revoked_partitions_can_be_committed_until_release() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..3), None);
    queues.deliver(&partition(1), records(1, 0..1), None);
    queues.revoke(Revocation::new(vec![partition(0)], false, || ()));
    assert!(matches!(queues.take(10), Some(Ok(Event::Revoked(_)))));
    assert_eq!(taken(&mut queues, 10), [(1, 0)]);
    assert!(queues.owns(&partition(0)) && !queues.is_open(&partition(0)));
    queues.release(&[partition(0)]);
    assert!(!queues.owns(&partition(0)));
    assert_eq!((queues.records, queues.bytes), (0, 0));
}

#[test]
fn lost_partitions_cannot_be_committed() {
    let mut queues = queues();
    queues.revoke(Revocation::new(vec![partition(0)], true, || ()));
    assert!(!queues.owns(&partition(0)));
}

#[test]
fn a_seek_drops_records_and_catches_up_again() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..3), Some(3));
    queues.restart(&partition(0));
    assert_eq!(taken(&mut queues, 10), []);
    assert!(queues.wants(&partition(0)));
    queues.deliver(&partition(0), records(0, 7..8), Some(1));
    assert_eq!(taken(&mut queues, 10), [(0, 7)]);
    assert!(matches!(queues.take(10), Some(Ok(Event::CaughtUp(_)))));
}

#[test]
fn the_thread_is_woken_when_half_is_free() {
    let mut queues = queues();
    queues.deliver(&partition(0), records(0, 0..100), None);
    assert_eq!(queues.room(), 0);
    queues.wake_thread = false;
    assert_eq!(taken(&mut queues, 49).len(), 49);
    assert!(!queues.wake_thread);
    assert_eq!(taken(&mut queues, 1).len(), 1);
    assert!(queues.wake_thread);
}

#[test]
fn closing_confirms_a_revocation_that_was_not_taken() {
    let (done, is_done) = std::sync::mpsc::sync_channel(1);
    let mut queues = queues();
    queues.revoke(Revocation::new(vec![partition(0)], false, move || done.send(()).expect("room for one")));
    queues.close();
    assert!(is_done.try_recv().is_ok());
}
