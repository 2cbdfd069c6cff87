//! The queues between a consumer's thread and its caller: one per partition, with a common bound.
//!
//! Invariants: control events come before records, and a queue exists exactly while its partition is assigned, so that
//! all events of a partition are in order. The records of a paused queue stay and do not count against the bound:
//! records that were fetched before the pause are not lost, and do not keep the other queues empty.

mod status;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::Offset;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::{Event, Incoming, Revocation, StreamError, TopicPartition};

/// How many bytes may wait for the caller, besides the bound on records.
const MAX_BYTES: usize = 32 << 20;

/// The state that the thread and the caller share.
pub(super) struct HandOver {
    queues: Mutex<RecordQueues>,
    to_caller: Notify,
    to_thread: Condvar,
}

impl HandOver {
    pub(super) fn new(max_records: usize) -> Self {
        Self { queues: Mutex::new(RecordQueues::new(max_records)), to_caller: Notify::new(), to_thread: Condvar::new() }
    }

    /// Reads or changes the queues; wakes the side that has something to do afterwards.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut RecordQueues) -> T) -> T {
        let mut queues = self.lock();
        let result = change(&mut queues);
        if std::mem::take(&mut queues.wake_caller) {
            self.to_caller.notify_one();
        }
        if queues.wake_thread {
            self.to_thread.notify_one();
        }
        result
    }

    /// Called by librdkafka when a queue is no longer empty: it must be short and must not call librdkafka.
    pub(super) fn wake_thread(&self) {
        self.with(|queues| queues.wake_thread = true);
    }

    /// Blocks the thread until there is something to do, at most `limit`.
    pub(super) fn wait_for_work(&self, limit: Duration) {
        let idle = |queues: &mut RecordQueues| !queues.wake_thread;
        let waited = self.to_thread.wait_timeout_while(self.lock(), limit, idle);
        let (mut queues, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queues.wake_thread = false;
    }

    /// Waits until there may be something to take.
    pub(super) async fn changed(&self) {
        self.to_caller.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, RecordQueues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seek that the caller requests of the thread.
pub(super) struct SeekRequest {
    pub(super) partition: TopicPartition,
    pub(super) to: Offset,
    pub(super) give_up_at: Instant,
    pub(super) reply: oneshot::Sender<Result<(), StreamError>>,
}

/// Events other than records.
pub(super) enum Control {
    Assigned(Vec<TopicPartition>),
    Revoked(Revocation),
    Failed(StreamError),
}

pub(super) struct RecordQueues {
    control: VecDeque<Control>,
    queues: BTreeMap<TopicPartition, RecordQueue>,
    /// Revoked partitions that are not released yet: the caller may still commit.
    revoking: BTreeSet<TopicPartition>,
    /// The queue that was read last: the next turn starts behind it.
    last: Option<TopicPartition>,
    max_records: usize,
    records: usize,
    bytes: usize,
    /// The thread found no room and must be woken when there is.
    starved: bool,
    seeks: Vec<SeekRequest>,
    closing: bool,
    /// The caller has left the group.
    has_left: bool,
    wake_caller: bool,
    wake_thread: bool,
}

#[derive(Default)]
struct RecordQueue {
    records: VecDeque<(Incoming, usize)>,
    bytes: usize,
    paused: bool,
    started: bool,
    end: End,
    /// After the last record that the caller took.
    position: Option<u64>,
    /// The time of the last record that the caller took.
    read_to_ms: Option<i64>,
    /// The end was reached since the last call of [`RecordQueues::status`].
    at_end: bool,
}

/// Whether the caller has received [`Event::CaughtUp`].
#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    NotReached,
    /// Due after this many records.
    After(usize),
    Reported,
}

impl RecordQueues {
    fn new(max_records: usize) -> Self {
        Self {
            control: VecDeque::new(),
            queues: BTreeMap::new(),
            revoking: BTreeSet::new(),
            last: None,
            max_records,
            records: 0,
            bytes: 0,
            starved: false,
            seeks: Vec::new(),
            closing: false,
            has_left: false,
            wake_caller: false,
            wake_thread: false,
        }
    }

    // Methods of the thread.

    /// Adds partitions and reports them to the caller, which [`RecordQueues::start`]s them.
    pub(super) fn assign(&mut self, partitions: Vec<TopicPartition>) {
        self.open(&partitions);
        self.control(Control::Assigned(partitions));
    }

    /// Adds partitions without a report.
    pub(super) fn open(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.queues.insert(partition.clone(), RecordQueue::default());
        }
    }

    /// Removes partitions with their queued records.
    pub(super) fn revoke(&mut self, revocation: Revocation) {
        for partition in &revocation.partitions {
            self.remove(partition);
            if !revocation.lost {
                self.revoking.insert(partition.clone());
            }
        }
        self.control(Control::Revoked(revocation));
    }

    /// The revoked partitions are flushed and committed, or the deadline has passed.
    pub(super) fn release(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.revoking.remove(partition);
        }
    }

    pub(super) fn control(&mut self, control: Control) {
        self.control.push_back(control);
        self.wake_caller = true;
    }

    /// How many records there is room for; without room, the thread is woken when there is.
    pub(super) fn room(&mut self) -> usize {
        let room = if self.bytes >= MAX_BYTES { 0 } else { self.max_records.saturating_sub(self.records) };
        self.starved = room == 0;
        room
    }

    /// Whether records of this partition should be fetched from its librdkafka queue.
    pub(super) fn wants(&self, partition: &TopicPartition) -> bool {
        let seeking = || self.seeks.iter().any(|seek| seek.partition == *partition);
        self.queues.get(partition).is_some_and(|queue| queue.started && !queue.paused) && !seeking()
    }

    /// Adds records of one partition with their sizes; `at_end` says how many of them come before the end of the
    /// partition.
    pub(super) fn deliver(
        &mut self,
        partition: &TopicPartition,
        records: Vec<(Incoming, usize)>,
        at_end: Option<usize>,
    ) {
        let Some(queue) = self.queues.get_mut(partition) else { return };
        queue.at_end |= at_end.is_some();
        if let (End::NotReached, Some(before)) = (queue.end, at_end) {
            queue.end = End::After(queue.records.len() + before);
        }
        let bytes: usize = records.iter().map(|(_, weight)| weight).sum();
        queue.bytes += bytes;
        if !queue.paused {
            self.records += records.len();
            self.bytes += bytes;
        }
        queue.records.extend(records);
        self.wake_caller = true;
    }

    /// The seek took effect: drops the records that were read before it.
    pub(super) fn restart(&mut self, partition: &TopicPartition) {
        let Some(queue) = self.queues.get(partition) else { return };
        let (paused, started) = (queue.paused, queue.started);
        self.remove(partition);
        self.queues.insert(partition.clone(), RecordQueue { paused, started, ..RecordQueue::default() });
    }

    pub(super) fn take_seeks(&mut self) -> Vec<SeekRequest> {
        std::mem::take(&mut self.seeks)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    // Methods of the caller.

    /// Begins the reading of these partitions.
    pub(super) fn start(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        for partition in partitions {
            if let Some(queue) = self.queues.get_mut(&partition) {
                queue.started = true;
                self.wake_thread = true;
            }
        }
    }

    pub(super) fn owns(&self, partition: &TopicPartition) -> bool {
        self.queues.contains_key(partition) || self.revoking.contains(partition)
    }

    pub(super) fn is_open(&self, partition: &TopicPartition) -> bool {
        self.queues.contains_key(partition)
    }

    pub(super) fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for partition in partitions {
            let Some(queue) = self.queues.get_mut(partition) else { continue };
            if queue.paused == paused {
                continue;
            }
            queue.paused = paused;
            if paused {
                self.records -= queue.records.len();
                self.bytes -= queue.bytes;
            } else {
                self.records += queue.records.len();
                self.bytes += queue.bytes;
                self.wake_caller = true;
            }
            self.wake_thread = true;
        }
    }

    pub(super) fn seek(&mut self, request: SeekRequest) {
        self.seeks.push(request);
        self.wake_thread = true;
    }

    /// The caller leaves the group: from now on the watchdog must expect no owned partitions.
    pub(super) fn leave(&mut self) {
        self.has_left = true;
    }

    /// Ends the delivery; dropping the queued events also confirms revocations that were not taken.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.wake_thread = true;
        self.control.clear();
        self.seeks.clear();
    }

    /// The next event: control events first, then a partition that has caught up, then up to `max` records.
    pub(super) fn take(&mut self, max: usize) -> Option<Result<Event, StreamError>> {
        if let Some(control) = self.control.pop_front() {
            return Some(match control {
                Control::Assigned(partitions) => Ok(Event::Assigned(partitions)),
                Control::Revoked(revocation) => Ok(Event::Revoked(revocation)),
                Control::Failed(error) => Err(error),
            });
        }
        let caught_up = self.queues.iter_mut().find(|(_, queue)| !queue.paused && matches!(queue.end, End::After(0)));
        if let Some((partition, queue)) = caught_up {
            queue.end = End::Reported;
            return Some(Ok(Event::CaughtUp(partition.clone())));
        }
        let records = self.take_records(max);
        if self.starved && self.records <= self.max_records / 2 && self.bytes <= MAX_BYTES / 2 {
            self.wake_thread = true;
        }
        (!records.is_empty()).then_some(Ok(Event::Records(records)))
    }

    fn take_records(&mut self, max: usize) -> Vec<Incoming> {
        let mut taken = Vec::new();
        let mut taken_bytes = 0;
        let last = self.last.take();
        let (before, after): (Vec<_>, Vec<_>) =
            self.queues.iter_mut().partition(|(partition, _)| last.as_ref().is_some_and(|last| *partition <= last));
        for (partition, queue) in after.into_iter().chain(before) {
            if taken.len() == max {
                break;
            }
            if queue.paused || queue.records.is_empty() {
                continue;
            }
            taken_bytes += queue.take(max - taken.len(), &mut taken);
            self.last = Some(partition.clone());
        }
        self.records -= taken.len();
        self.bytes -= taken_bytes;
        taken
    }

    fn remove(&mut self, partition: &TopicPartition) {
        if let Some(queue) = self.queues.remove(partition)
            && !queue.paused
        {
            self.records -= queue.records.len();
            self.bytes -= queue.bytes;
        }
    }
}

impl RecordQueue {
    /// Moves up to `max` records, but none past the end that is due; returns their size in bytes.
    fn take(&mut self, max: usize, into: &mut Vec<Incoming>) -> usize {
        let mut count = max.min(self.records.len());
        if let End::After(left) = &mut self.end {
            count = count.min(*left);
            *left -= count;
        }
        let mut bytes = 0;
        for (record, weight) in self.records.drain(..count) {
            bytes += weight;
            (self.position, self.read_to_ms) = (Some(record.offset + 1), Some(record.timestamp_ms));
            into.push(record);
        }
        self.bytes -= bytes;
        bytes
    }
}

#[cfg(test)]
mod tests;
