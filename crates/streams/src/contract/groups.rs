//! Cases about consumer groups.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Fixture;
use super::support::{
    assigned, at_least, group, is_silent, numbers, records, revoked, time_of, topic, within, write_numbers,
};
use crate::{Contiguous, Event, GroupSettings, SeekTo, Start, TopicPartition};

/// The next member starts at the committed offset, also within a compressed batch: no loss, no duplicate.
pub async fn a_group_resumes_in_the_middle_of_a_batch(fixture: &dyn Fixture) {
    let topic = topic(fixture, "resume", 1).await;
    let partition = TopicPartition::new(&*topic, 0);
    write_numbers(fixture, &topic, 0, 0..500).await;
    let mut expected_first = 0;
    for stop_after in [137, 138, 300, 499] {
        let mut source = fixture.log().subscribe(group(fixture, "resume", &topic)).await.expect("joined");
        assigned(&mut *source, 1).await;
        let found = at_least(&mut *source, stop_after - expected_first).await;
        let from_here: Vec<_> = (expected_first..expected_first + found.len()).collect();
        assert_eq!(numbers(&found), from_here);
        let last = &found[stop_after - expected_first - 1];
        source.commit(&[(partition.clone(), last.offset + 1)]).await.expect("committed");
        within("the member to leave", source.close()).await.expect("left");
        expected_first = stop_after;
    }
}

/// With work done out of order, the committed offset is the lowest one below which all is done.
pub async fn a_group_resumes_at_the_lowest_contiguous_offset(fixture: &dyn Fixture) {
    let topic = topic(fixture, "contiguous", 1).await;
    let partition = TopicPartition::new(&*topic, 0);
    write_numbers(fixture, &topic, 0, 0..20).await;
    let mut source = fixture.log().subscribe(group(fixture, "contiguous", &topic)).await.expect("joined");
    assigned(&mut *source, 1).await;
    let found = at_least(&mut *source, 20).await;
    let mut work = Contiguous::new();
    found.iter().for_each(|record| work.begin(record.offset));
    // All except number 7, in reverse order.
    found.iter().rev().filter(|record| record.offset != found[7].offset).for_each(|record| work.done(record.offset));
    let committable = work.committable().expect("the first seven are done");
    source.commit(&[(partition, committable)]).await.expect("committed");
    within("the member to leave", source.close()).await.expect("left");

    let mut source = fixture.log().subscribe(group(fixture, "contiguous", &topic)).await.expect("joined");
    assigned(&mut *source, 1).await;
    assert_eq!(numbers(&at_least(&mut *source, 13).await), (7..20).collect::<Vec<_>>());
}

/// Between an assignment and the next call, the caller may seek: no record of the old position is delivered.
pub async fn the_assignment_comes_before_its_records(fixture: &dyn Fixture) {
    let topic = topic(fixture, "restore", 2).await;
    write_numbers(fixture, &topic, 0, 0..100).await;
    write_numbers(fixture, &topic, 1, 0..100).await;
    let mut source = fixture.log().subscribe(group(fixture, "restore", &topic)).await.expect("joined");
    let mut open = BTreeSet::new();
    while open.len() < 2 {
        let Event::Assigned(partitions) = within("an assignment", source.next()).await.expect("continues") else {
            panic!("assignment expected");
        };
        for partition in &partitions {
            let to = SeekTo::Time { timestamp_ms: time_of(60) };
            source.seek(partition, to).await.expect("seek succeeded");
        }
        open.extend(partitions);
    }
    let found = at_least(&mut *source, 80).await;
    for partition in 0..2 {
        let of: Vec<_> = found.iter().filter(|record| record.partition == partition).cloned().collect();
        assert_eq!(numbers(&of), (60..100).collect::<Vec<_>>());
    }
}

/// While all partitions are paused nothing is delivered, but the member takes part in a rebalance. Partitions that it
/// keeps stay paused, and continue where they stopped.
pub async fn a_member_with_paused_partitions_answers(fixture: &dyn Fixture) {
    let topic = topic(fixture, "pause", 2).await;
    for partition in 0..2 {
        write_numbers(fixture, &topic, partition, 0..5).await;
    }
    let settings = GroupSettings { max_batch_records: 2, ..group(fixture, "pause", &topic) };
    let mut first = fixture.log().subscribe(settings).await.expect("joined");
    let both: Vec<_> = assigned(&mut *first, 2).await.into_iter().collect();
    let before = records(&mut *first).await;
    first.pause(&both).expect("open");
    assert!(is_silent(&mut *first, Duration::from_millis(300)).await);

    let mut second = fixture.log().subscribe(group(fixture, "pause", &topic)).await.expect("joined");
    let joining = tokio::spawn(async move {
        let owned = assigned(&mut *second, 1).await;
        (second, owned)
    });
    let (revocation, read) = revoked(&mut *first).await;
    assert!(read.is_empty(), "{} records while paused", read.len());
    assert_eq!(revocation.partitions.len(), 1);
    let kept = both.iter().find(|partition| !revocation.partitions.contains(partition)).expect("one stays").clone();
    revocation.done();
    let (_second, moved) = within("the second member", joining).await.expect("no panic");
    assert!(!moved.contains(&kept));
    assert!(is_silent(&mut *first, Duration::from_millis(300)).await, "the pause is lost");

    first.resume(std::slice::from_ref(&kept)).expect("open");
    let mut all: Vec<_> = before.into_iter().filter(|record| record.partition == kept.partition).collect();
    while all.len() < 5 {
        all.extend(records(&mut *first).await);
    }
    assert_eq!(numbers(&all), (0..5).collect::<Vec<_>>());
}

/// A partition moves only after its owner has confirmed the flush and the commit; the next owner starts at that offset.
pub async fn a_revoked_partition_moves_after_the_commit(fixture: &dyn Fixture) {
    let topic = topic(fixture, "moves", 4).await;
    for partition in 0..4 {
        write_numbers(fixture, &topic, partition, 0..50).await;
    }
    let settings = || GroupSettings { max_batch_records: 7, ..group(fixture, "moves", &topic) };
    let mut first = fixture.log().subscribe(settings()).await.expect("joined");
    assigned(&mut *first, 4).await;
    let mut read = at_least(&mut *first, 60).await;

    let mut second = fixture.log().subscribe(settings()).await.expect("joined");
    let (events, mut from_second) = tokio::sync::mpsc::channel(1);
    let joining = tokio::spawn(async move {
        let owned = assigned(&mut *second, 2).await;
        events.send(owned).await.expect("received");
        second
    });
    let (revocation, more) = revoked(&mut *first).await;
    read.extend(more);
    assert!(!revocation.lost);
    assert_eq!(revocation.partitions.len(), 2, "{:?}", revocation.partitions);
    let early = tokio::time::timeout(Duration::from_millis(500), from_second.recv()).await;
    assert!(early.is_err(), "assigned before it was released");

    let done = |of: &TopicPartition| read.iter().filter(|record| record.topic_partition() == *of).count();
    let next = |of: &TopicPartition| {
        read.iter().filter(|record| record.topic_partition() == *of).map(|record| record.offset + 1).max()
    };
    let offsets: Vec<_> = revocation.partitions.iter().filter_map(|of| Some((of.clone(), next(of)?))).collect();
    first.commit(&offsets).await.expect("committed while it is revoked");
    let moved = revocation.partitions.clone();
    revocation.done();

    let owned = within("the second member", from_second.recv()).await.expect("assigned");
    assert_eq!(owned, moved.iter().cloned().collect::<BTreeSet<_>>());
    let mut second = joining.await.expect("no panic");
    let missing: usize = moved.iter().map(|of| 50 - done(of)).sum();
    let rest = at_least(&mut *second, missing).await;
    for of in &moved {
        let of_it: Vec<_> = rest.iter().filter(|record| record.topic_partition() == *of).cloned().collect();
        assert_eq!(numbers(&of_it), (done(of)..50).collect::<Vec<_>>(), "{of}");
    }
    assert!(is_silent(&mut *second, Duration::from_millis(200)).await, "a record was delivered twice");
}

/// A member that does not confirm a revocation loses the partition at the deadline, and cannot commit it afterwards.
pub async fn an_unanswered_revocation_ends_at_its_deadline(fixture: &dyn Fixture) {
    let topic = topic(fixture, "deadline", 2).await;
    let settings =
        || GroupSettings { revoke_deadline: Duration::from_millis(700), ..group(fixture, "deadline", &topic) };
    let mut first = fixture.log().subscribe(settings()).await.expect("joined");
    assigned(&mut *first, 2).await;
    let mut second = fixture.log().subscribe(settings()).await.expect("joined");
    let joining = tokio::spawn(async move { (assigned(&mut *second, 1).await, second) });
    let (revocation, _) = revoked(&mut *first).await;
    let (owned, _second) = within("the deadline", joining).await.expect("no panic");
    assert_eq!(owned.into_iter().collect::<Vec<_>>(), revocation.partitions);
    let error = first.commit(&[(revocation.partitions[0].clone(), 1)]).await.expect_err("too late");
    assert_eq!((error.reason(), error.is_transient()), ("not_owned", true));
}

/// Only the owner can commit; a reader without a group cannot.
pub async fn only_owned_partitions_can_be_committed(fixture: &dyn Fixture) {
    let topic = topic(fixture, "owned", 1).await;
    let partition = TopicPartition::new(&*topic, 0);
    let high = fixture.log().watermarks(&partition).await.expect("watermarks").high;
    let mut source = fixture.log().subscribe(group(fixture, "owned", &topic)).await.expect("joined");
    let error = source.commit(&[(TopicPartition::new(&*topic, 7), high)]).await.expect_err("no such partition");
    assert_eq!((error.reason(), error.is_transient()), ("not_owned", true));
    assigned(&mut *source, 1).await;
    source.commit(&[]).await.expect("nothing to do");
    source.commit(&[(partition.clone(), high)]).await.expect("owned");

    let mut reader = fixture.log().read(vec![(partition.clone(), SeekTo::End)]).await.expect("reader opened");
    let error = reader.commit(&[(partition, high)]).await.expect_err("no group");
    assert_eq!((error.reason(), error.is_transient()), ("no_group", false));
}

/// A group without an offset that starts at the latest receives only records that are written after its assignment.
pub async fn latest_starts_after_the_newest_record(fixture: &dyn Fixture) {
    let topic = topic(fixture, "latest", 1).await;
    write_numbers(fixture, &topic, 0, 0..10).await;
    let settings = GroupSettings { start: Start::Latest, ..group(fixture, "latest", &topic) };
    let mut source = fixture.log().subscribe(settings).await.expect("joined");
    assigned(&mut *source, 1).await;
    assert!(matches!(within("the end", source.next()).await.expect("continues"), Event::CaughtUp(_)));
    write_numbers(fixture, &topic, 0, 10..12).await;
    assert_eq!(numbers(&at_least(&mut *source, 2).await), [10, 11]);
}
