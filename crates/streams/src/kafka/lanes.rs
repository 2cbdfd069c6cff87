//! The hand-over between a consumer's thread and its caller: one lane per partition, bounded over all of them.
//!
//! Invariants: control events come before records, and a lane exists exactly while its partition is assigned, so per
//! partition everything is in order. A lane's records wait, uncounted, while the caller has it paused: what was fetched
//! before the pause is not thrown away, and does not keep the others from being filled.

mod sight;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::Offset;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::{Event, Incoming, Revocation, StreamError, TopicPartition};

/// What may wait for the caller in bytes, whatever the records are.
const MAX_BYTES: usize = 32 << 20;

/// What both sides share.
pub(super) struct HandOver {
    lanes: Mutex<Lanes>,
    to_caller: Notify,
    to_thread: Condvar,
}

impl HandOver {
    pub(super) fn new(max_records: usize) -> Self {
        Self { lanes: Mutex::new(Lanes::new(max_records)), to_caller: Notify::new(), to_thread: Condvar::new() }
    }

    /// Looks or changes; whoever has something to do because of it is woken.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Lanes) -> T) -> T {
        let mut lanes = self.lock();
        let result = change(&mut lanes);
        if std::mem::take(&mut lanes.wake_caller) {
            self.to_caller.notify_one();
        }
        if lanes.wake_thread {
            self.to_thread.notify_one();
        }
        result
    }

    /// Called by librdkafka when a queue is no longer empty: short, and without calling it back.
    pub(super) fn wake_thread(&self) {
        self.with(|lanes| lanes.wake_thread = true);
    }

    /// The thread waits until there is something to do, at most `limit`.
    pub(super) fn wait_for_work(&self, limit: Duration) {
        let idle = |lanes: &mut Lanes| !lanes.wake_thread;
        let waited = self.to_thread.wait_timeout_while(self.lock(), limit, idle);
        let (mut lanes, _) = waited.unwrap_or_else(PoisonError::into_inner);
        lanes.wake_thread = false;
    }

    /// The caller waits until there may be something to take.
    pub(super) async fn changed(&self) {
        self.to_caller.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the caller asks the thread to do.
pub(super) struct SeekRequest {
    pub(super) partition: TopicPartition,
    pub(super) to: Offset,
    pub(super) give_up_at: Instant,
    pub(super) reply: oneshot::Sender<Result<(), StreamError>>,
}

/// What happens beside records.
pub(super) enum Control {
    Assigned(Vec<TopicPartition>),
    Revoked(Revocation),
    Failed(StreamError),
}

pub(super) struct Lanes {
    control: VecDeque<Control>,
    lanes: BTreeMap<TopicPartition, Lane>,
    /// Handed to the caller as revoked, and not released yet: it may still commit.
    revoking: BTreeSet<TopicPartition>,
    /// The lane that was emptied last: the next turn starts behind it.
    last: Option<TopicPartition>,
    max_records: usize,
    records: usize,
    bytes: usize,
    /// The thread found no room: it wants to hear when there is.
    starved: bool,
    seeks: Vec<SeekRequest>,
    closing: bool,
    /// The caller left in an orderly way.
    has_left: bool,
    wake_caller: bool,
    wake_thread: bool,
}

#[derive(Default)]
struct Lane {
    records: VecDeque<(Incoming, usize)>,
    bytes: usize,
    paused: bool,
    started: bool,
    end: End,
    /// After the last record that the caller took.
    position: Option<u64>,
    /// The end was reached since somebody looked at how far it is.
    at_end: bool,
}

/// Whether the caller knows that it has caught up.
#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    NotReached,
    /// Due after so many records.
    After(usize),
    Said,
}

impl Lanes {
    fn new(max_records: usize) -> Self {
        Self {
            control: VecDeque::new(),
            lanes: BTreeMap::new(),
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

    // The thread's side.

    /// New partitions; the caller hears of them, and [`Lanes::start`]s them.
    pub(super) fn assign(&mut self, partitions: Vec<TopicPartition>) {
        self.open(&partitions);
        self.control(Control::Assigned(partitions));
    }

    /// New partitions that nobody needs to hear of.
    pub(super) fn open(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.lanes.insert(partition.clone(), Lane::default());
        }
    }

    /// Takes partitions away, with the records of them that nobody has taken.
    pub(super) fn revoke(&mut self, revocation: Revocation) {
        for partition in &revocation.partitions {
            self.remove(partition);
            if !revocation.lost {
                self.revoking.insert(partition.clone());
            }
        }
        self.control(Control::Revoked(revocation));
    }

    /// The revoked partitions are flushed and committed, or their time is over.
    pub(super) fn release(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.revoking.remove(partition);
        }
    }

    pub(super) fn control(&mut self, control: Control) {
        self.control.push_back(control);
        self.wake_caller = true;
    }

    /// How many records there is room for; when there is none, the thread is woken once there is.
    pub(super) fn room(&mut self) -> usize {
        let room = if self.bytes >= MAX_BYTES { 0 } else { self.max_records.saturating_sub(self.records) };
        self.starved = room == 0;
        room
    }

    /// Whether this partition's queue should be emptied.
    pub(super) fn wants(&self, partition: &TopicPartition) -> bool {
        let seeking = || self.seeks.iter().any(|seek| seek.partition == *partition);
        self.lanes.get(partition).is_some_and(|lane| lane.started && !lane.paused) && !seeking()
    }

    /// Records of one partition, weighed; `at_end` says how many of them come before the end of the partition.
    pub(super) fn deliver(
        &mut self,
        partition: &TopicPartition,
        records: Vec<(Incoming, usize)>,
        at_end: Option<usize>,
    ) {
        let Some(lane) = self.lanes.get_mut(partition) else { return };
        lane.at_end |= at_end.is_some();
        if let (End::NotReached, Some(before)) = (lane.end, at_end) {
            lane.end = End::After(lane.records.len() + before);
        }
        let bytes: usize = records.iter().map(|(_, weight)| weight).sum();
        lane.bytes += bytes;
        if !lane.paused {
            self.records += records.len();
            self.bytes += bytes;
        }
        lane.records.extend(records);
        self.wake_caller = true;
    }

    /// The seek took effect: what was read before it is void.
    pub(super) fn restart(&mut self, partition: &TopicPartition) {
        let Some(lane) = self.lanes.get(partition) else { return };
        let (paused, started) = (lane.paused, lane.started);
        self.remove(partition);
        self.lanes.insert(partition.clone(), Lane { paused, started, ..Lane::default() });
    }

    pub(super) fn take_seeks(&mut self) -> Vec<SeekRequest> {
        std::mem::take(&mut self.seeks)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    // The caller's side.

    /// These may be read now.
    pub(super) fn start(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        for partition in partitions {
            if let Some(lane) = self.lanes.get_mut(&partition) {
                lane.started = true;
                self.wake_thread = true;
            }
        }
    }

    pub(super) fn owns(&self, partition: &TopicPartition) -> bool {
        self.lanes.contains_key(partition) || self.revoking.contains(partition)
    }

    pub(super) fn is_open(&self, partition: &TopicPartition) -> bool {
        self.lanes.contains_key(partition)
    }

    pub(super) fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for partition in partitions {
            let Some(lane) = self.lanes.get_mut(partition) else { continue };
            if lane.paused == paused {
                continue;
            }
            lane.paused = paused;
            if paused {
                self.records -= lane.records.len();
                self.bytes -= lane.bytes;
            } else {
                self.records += lane.records.len();
                self.bytes += lane.bytes;
                self.wake_caller = true;
            }
            self.wake_thread = true;
        }
    }

    pub(super) fn seek(&mut self, request: SeekRequest) {
        self.seeks.push(request);
        self.wake_thread = true;
    }

    /// Before the end: that nothing is owned from now on is as it should be.
    pub(super) fn leave(&mut self) {
        self.has_left = true;
    }

    /// The end: nothing is delivered any more, and a revocation that nobody took is released.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.wake_thread = true;
        self.control.clear();
        self.seeks.clear();
    }

    /// What there is to say: control first, then that a partition has caught up, or up to `max` records.
    pub(super) fn take(&mut self, max: usize) -> Option<Result<Event, StreamError>> {
        if let Some(control) = self.control.pop_front() {
            return Some(match control {
                Control::Assigned(partitions) => Ok(Event::Assigned(partitions)),
                Control::Revoked(revocation) => Ok(Event::Revoked(revocation)),
                Control::Failed(error) => Err(error),
            });
        }
        let caught_up = self.lanes.iter_mut().find(|(_, lane)| !lane.paused && matches!(lane.end, End::After(0)));
        if let Some((partition, lane)) = caught_up {
            lane.end = End::Said;
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
            self.lanes.iter_mut().partition(|(partition, _)| last.as_ref().is_some_and(|last| *partition <= last));
        for (partition, lane) in after.into_iter().chain(before) {
            if taken.len() == max {
                break;
            }
            if lane.paused || lane.records.is_empty() {
                continue;
            }
            taken_bytes += lane.take(max - taken.len(), &mut taken);
            self.last = Some(partition.clone());
        }
        self.records -= taken.len();
        self.bytes -= taken_bytes;
        taken
    }

    fn remove(&mut self, partition: &TopicPartition) {
        if let Some(lane) = self.lanes.remove(partition)
            && !lane.paused
        {
            self.records -= lane.records.len();
            self.bytes -= lane.bytes;
        }
    }
}

impl Lane {
    /// Moves up to `max` records, but none past the end that is due; their weight.
    fn take(&mut self, max: usize, into: &mut Vec<Incoming>) -> usize {
        let mut count = max.min(self.records.len());
        if let End::After(left) = &mut self.end {
            count = count.min(*left);
            *left -= count;
        }
        let mut bytes = 0;
        for (record, weight) in self.records.drain(..count) {
            bytes += weight;
            self.position = Some(record.offset + 1);
            into.push(record);
        }
        self.bytes -= bytes;
        bytes
    }
}

#[cfg(test)]
mod tests;
