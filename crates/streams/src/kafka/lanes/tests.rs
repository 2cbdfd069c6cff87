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
pub(super) fn lanes() -> Lanes {
    let mut lanes = Lanes::new(100);
    lanes.assign(vec![partition(0), partition(1)]);
    assert!(matches!(lanes.take(10), Some(Ok(Event::Assigned(_)))));
    lanes.start([partition(0), partition(1)]);
    lanes
}

pub(super) fn taken(lanes: &mut Lanes, max: usize) -> Vec<(u32, u64)> {
    match lanes.take(max) {
        Some(Ok(Event::Records(records))) => records.iter().map(|record| (record.partition, record.offset)).collect(),
        Some(Ok(other)) => panic!("not records but {other:?}"),
        Some(Err(error)) => panic!("not records but {error}"),
        None => Vec::new(),
    }
}

#[test]
fn partitions_take_turns() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..4), None);
    lanes.deliver(&partition(1), records(1, 0..2), None);
    assert_eq!(taken(&mut lanes, 3), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(taken(&mut lanes, 3), [(1, 0), (1, 1), (0, 3)]);
    assert_eq!((lanes.records, lanes.bytes), (0, 0));
}

#[test]
fn nothing_is_wanted_before_the_start_nor_while_paused_or_seeking() {
    let mut lanes = Lanes::new(100);
    lanes.assign(vec![partition(0)]);
    assert!(!lanes.wants(&partition(0)));
    lanes.start([partition(0)]);
    assert!(lanes.wants(&partition(0)));
    lanes.set_paused(&[partition(0)], true);
    assert!(!lanes.wants(&partition(0)));
    lanes.set_paused(&[partition(0)], false);
    let (reply, _answer) = oneshot::channel();
    lanes.seek(SeekRequest { partition: partition(0), to: Offset::Beginning, give_up_at: Instant::now(), reply });
    assert!(!lanes.wants(&partition(0)));
}

#[test]
fn what_is_paused_waits_and_takes_no_room() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..100), None);
    assert_eq!(lanes.room(), 0);
    lanes.set_paused(&[partition(0)], true);
    assert_eq!(lanes.room(), 100);
    lanes.deliver(&partition(1), records(1, 0..1), None);
    assert_eq!(taken(&mut lanes, 10), [(1, 0)]);
    assert_eq!(taken(&mut lanes, 10), []);
    lanes.set_paused(&[partition(0)], false);
    assert_eq!(taken(&mut lanes, 2), [(0, 0), (0, 1)]);
}

#[test]
fn caught_up_comes_right_after_the_last_record_and_once() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..3), Some(2));
    assert_eq!(taken(&mut lanes, 10), [(0, 0), (0, 1)]);
    assert!(matches!(lanes.take(10), Some(Ok(Event::CaughtUp(caught_up))) if caught_up == partition(0)));
    assert_eq!(taken(&mut lanes, 10), [(0, 2)]);
    lanes.deliver(&partition(0), Vec::new(), Some(0));
    assert!(lanes.take(10).is_none());
}

#[test]
fn a_revoke_drops_what_waits_and_leaves_the_right_to_commit_until_its_release() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..3), None);
    lanes.deliver(&partition(1), records(1, 0..1), None);
    lanes.revoke(Revocation::new(vec![partition(0)], false, || ()));
    assert!(matches!(lanes.take(10), Some(Ok(Event::Revoked(_)))));
    assert_eq!(taken(&mut lanes, 10), [(1, 0)]);
    assert!(lanes.owns(&partition(0)) && !lanes.is_open(&partition(0)));
    lanes.release(&[partition(0)]);
    assert!(!lanes.owns(&partition(0)));
    assert_eq!((lanes.records, lanes.bytes), (0, 0));
}

#[test]
fn what_is_lost_cannot_be_committed() {
    let mut lanes = lanes();
    lanes.revoke(Revocation::new(vec![partition(0)], true, || ()));
    assert!(!lanes.owns(&partition(0)));
}

#[test]
fn a_seek_voids_what_was_read_and_catches_up_anew() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..3), Some(3));
    lanes.restart(&partition(0));
    assert_eq!(taken(&mut lanes, 10), []);
    assert!(lanes.wants(&partition(0)));
    lanes.deliver(&partition(0), records(0, 7..8), Some(1));
    assert_eq!(taken(&mut lanes, 10), [(0, 7)]);
    assert!(matches!(lanes.take(10), Some(Ok(Event::CaughtUp(_)))));
}

#[test]
fn a_full_hand_over_wakes_the_thread_when_half_is_free() {
    let mut lanes = lanes();
    lanes.deliver(&partition(0), records(0, 0..100), None);
    assert_eq!(lanes.room(), 0);
    lanes.wake_thread = false;
    assert_eq!(taken(&mut lanes, 49).len(), 49);
    assert!(!lanes.wake_thread);
    assert_eq!(taken(&mut lanes, 1).len(), 1);
    assert!(lanes.wake_thread);
}

#[test]
fn closing_releases_a_revocation_that_nobody_took() {
    let (done, is_done) = std::sync::mpsc::sync_channel(1);
    let mut lanes = lanes();
    lanes.revoke(Revocation::new(vec![partition(0)], false, move || done.send(()).expect("room for one")));
    lanes.close();
    assert!(is_done.try_recv().is_ok());
}
