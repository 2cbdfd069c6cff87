//! The offset that a reader reads next in each of its partitions. Pure.

use std::collections::BTreeMap;

use super::super::state::State;
use crate::{Event, Incoming, Lag, SeekTo, Start, StreamError, TopicPartition};

#[derive(Debug)]
pub(super) struct Cursors {
    cursors: BTreeMap<TopicPartition, Cursor>,
    /// The partition that was read last: the next batch starts behind it, so that a busy one does not starve the
    /// others.
    last: Option<TopicPartition>,
    start: Start,
}

#[derive(Debug)]
struct Cursor {
    next: u64,
    /// The high watermark at the start of reading. `None` after [`Event::CaughtUp`].
    catching_up_to: Option<u64>,
    paused: bool,
}

impl Cursors {
    pub(super) fn new(start: Start) -> Self {
        Self { cursors: BTreeMap::new(), last: None, start }
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.cursors.keys()
    }

    pub(super) fn contains(&self, partition: &TopicPartition) -> bool {
        self.cursors.contains_key(partition)
    }

    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        self.cursors.remove(partition);
    }

    /// Sets the next offset of a partition; a paused one stays paused.
    pub(super) fn set(&mut self, state: &State, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError> {
        let log = state.partition(partition)?;
        let paused = self.cursors.get(partition).is_some_and(|cursor| cursor.paused);
        let cursor = Cursor { next: log.resolve(to), catching_up_to: Some(log.watermarks().high), paused };
        self.cursors.insert(partition.clone(), cursor);
        Ok(())
    }

    pub(super) fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for partition in partitions {
            if let Some(cursor) = self.cursors.get_mut(partition) {
                cursor.paused = paused;
            }
        }
    }

    /// The partitions, each with the next offset to read.
    pub(super) fn next_offsets(&self) -> impl Iterator<Item = (&TopicPartition, u64)> {
        self.cursors.iter().map(|(partition, cursor)| (partition, cursor.next))
    }

    /// The lag of the reader.
    pub(super) fn lag(&self, state: &State) -> Lag {
        let mut lag = Lag::default();
        for (partition, next) in self.next_offsets() {
            let log = state.partition(partition).expect("topics are never deleted");
            let watermarks = log.watermarks();
            lag.records += watermarks.high.saturating_sub(next.max(watermarks.low));
            lag.behind.extend(log.behind(next));
        }
        lag
    }

    /// The next event: a partition that has caught up, or up to `max` records.
    pub(super) fn next(&mut self, state: &State, max: usize) -> Option<Event> {
        let caught_up = self
            .cursors
            .iter_mut()
            .find(|(partition, cursor)| !cursor.paused && cursor.has_caught_up(state, partition));
        if let Some((partition, cursor)) = caught_up {
            cursor.catching_up_to = None;
            return Some(Event::CaughtUp(partition.clone()));
        }
        let records = self.read(state, max);
        (!records.is_empty()).then_some(Event::Records(records))
    }

    fn read(&mut self, state: &State, max: usize) -> Vec<Incoming> {
        let mut records = Vec::new();
        let start = self.start;
        let last = self.last.take();
        let (before, after): (Vec<_>, Vec<_>) =
            self.cursors.iter_mut().partition(|(partition, _)| last.as_ref().is_some_and(|last| *partition <= last));
        for (partition, cursor) in after.into_iter().chain(before) {
            if records.len() == max {
                break;
            }
            if !cursor.paused {
                let had = records.len();
                cursor.read(state, partition, start, max - had, &mut records);
                if records.len() > had {
                    self.last = Some(partition.clone());
                }
            }
        }
        records
    }
}

impl Cursor {
    /// Whether no record is left below the target (compaction may have removed the last ones before it).
    fn has_caught_up(&self, state: &State, partition: &TopicPartition) -> bool {
        let Some(target) = self.catching_up_to else { return false };
        let log = state.partition(partition).expect("topics are never deleted");
        self.next >= target || log.from(self.next, 1).next().is_none_or(|record| record.offset >= target)
    }

    fn read(&mut self, state: &State, from: &TopicPartition, start: Start, max: usize, into: &mut Vec<Incoming>) {
        let log = state.partition(from).expect("topics are never deleted");
        let watermarks = log.watermarks();
        if self.next < watermarks.low || self.next > watermarks.high {
            let restart = match start {
                Start::Earliest => watermarks.low,
                Start::Latest => watermarks.high,
            };
            // The log is bounded: it has dropped records before this reader has read them.
            tracing::warn!(partition = %from, wanted = self.next, restart, "offset has expired");
            self.next = restart;
        }
        for record in log.from(self.next, max) {
            self.next = record.offset + 1;
            into.push(Incoming {
                topic: from.topic.clone(),
                partition: from.partition,
                offset: record.offset,
                timestamp_ms: record.timestamp_ms,
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
            });
        }
    }
}
