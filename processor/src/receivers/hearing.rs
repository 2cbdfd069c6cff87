//! The pure core of one reception partition: receptions in, receiver states out.
//!
//! Receptions can come twice (the stream core gives out again after a failure), always in the order of each raw
//! partition: what is not above the highest id counted so far was counted before. All time is that of the receptions and
//! the clocks among them. Of hidden devices there is no position here: they are counted and nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::distance::distance_m;
use schemas::id::RecordId;
use schemas::v1::{
    FrameCount, HeardFrame, ReceiverMemory, ReceiverPartitionMemory, ReceiverPositionSource, ReceiverState,
    ReceiversState, Reception, StrongReception, receivers_state, reception,
};

use crate::core::PARTITION_KEY;
use crate::core::settings::SECOND_US;
use crate::group::GroupCore;
use crate::receivers::coverage::{self, position};
use crate::receivers::places::Places;

const SLICE_US: u64 = 10 * SECOND_US;
const MINUTE_US: u64 = 60 * SECOND_US;
/// A receiver's state is not published more often, microseconds.
const PUBLISH_US: u64 = 10 * SECOND_US;
/// A place this far from the one before is another, metres: an estimate wanders less than that once it is good.
const MOVED_M: f64 = 2_000.0;

/// A new state of a receiver, or its end.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverChange {
    /// The receiver.
    pub receiver_id: String,
    /// The offset that made it.
    pub version: u64,
    /// The partition's clock.
    pub at_us: u64,
    /// The state; `None`: it has ended.
    pub state: Option<ReceiverState>,
}

/// The pure core of one reception partition.
#[derive(Debug)]
pub struct Hearing {
    places: Arc<Places>,
    lifetime_us: u64,
    next_offset: u64,
    clock_us: u64,
    receivers: BTreeMap<String, Receiver>,
    /// Receivers that ended since the last checkpoint.
    ended: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Receiver {
    state: ReceiverState,
    /// (begin of the slice, frames), oldest first.
    counts: Vec<(u64, u32)>,
    strongest: Vec<StrongReception>,
    /// Highest id per raw partition.
    counted: BTreeMap<u16, u64>,
    seen_us: u64,
    published_us: u64,
    has_news: bool,
    is_changed: bool,
}

impl Hearing {
    /// A core that knows nothing but where some receivers stand.
    pub fn new(places: Arc<Places>, lifetime_us: u64) -> Self {
        Self { places, lifetime_us, next_offset: 0, clock_us: 0, receivers: BTreeMap::new(), ended: Vec::new() }
    }

    /// What is known of a receiver, as of now: a new version, since what was last given out is not kept. `None`: nothing.
    pub fn newest(&self, receiver_id: &str) -> Option<ReceiverChange> {
        let receiver = self.receivers.get(receiver_id)?;
        let version = self.next_offset.saturating_sub(1);
        let state = ReceiverState { version, ..receiver.state.clone() };
        Some(ReceiverChange { receiver_id: receiver_id.to_owned(), version, at_us: self.clock_us, state: Some(state) })
    }

    /// Counts a reception. `None`: it was counted before.
    fn count(&mut self, told: &Reception) -> Option<&mut Receiver> {
        self.clock_us = self.clock_us.max(told.ingested_at_us);
        let (places, clock_us) = (&self.places, self.clock_us);
        let receiver = self.receivers.entry(told.receiver_id.clone()).or_insert_with(|| {
            let placed = places.find(&told.receiver_id);
            Receiver::new(&told.receiver_id, told.ingested_at_us, placed)
        });
        let id = RecordId(told.reception_id);
        if receiver.counted.get(&id.partition()).is_some_and(|highest| id.0 <= *highest) {
            return None;
        }
        receiver.counted.insert(id.partition(), id.0);
        receiver.seen_us = clock_us;
        receiver.state.last_seen_at_us = receiver.state.last_seen_at_us.max(told.ingested_at_us);
        (receiver.has_news, receiver.is_changed) = (true, true);
        if matches!(told.content, Some(reception::Content::HeardFrame(_))) {
            receiver.count_frame(clock_us);
        }
        Some(receiver)
    }

    fn publish(&mut self, receiver_id: &str, version: u64, out: &mut Vec<ReceiverChange>) {
        let clock_us = self.clock_us;
        let Some(receiver) = self.receivers.get_mut(receiver_id) else { return };
        if receiver.published_us != 0 && clock_us < receiver.published_us + PUBLISH_US {
            return;
        }
        out.push(receiver.publish(version, clock_us));
    }

    /// Ends silent receivers, and tells of those that hear less than was told last.
    fn sweep(&mut self, version: u64, out: &mut Vec<ReceiverChange>) {
        let (clock_us, lifetime_us) = (self.clock_us, self.lifetime_us);
        let ended = &mut self.ended;
        self.receivers.retain(|receiver_id, receiver| {
            let lives = receiver.seen_us + lifetime_us > clock_us;
            if !lives {
                ended.push(receiver_id.clone());
                out.push(ReceiverChange { receiver_id: receiver_id.clone(), version, at_us: clock_us, state: None });
            } else if clock_us >= receiver.published_us + PUBLISH_US
                && (receiver.has_news || receiver.state.frames_per_minute > 0.0)
            {
                out.push(receiver.publish(version, clock_us));
            }
            lives
        });
    }
}

impl GroupCore for Hearing {
    type Record = Reception;
    type Memory = ReceiversState;
    type Changes = Vec<ReceiverChange>;

    fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The newest time of ingest so far.
    fn clock_us(&self) -> u64 {
        self.clock_us
    }

    fn apply(&mut self, offset: u64, told: &Reception, out: &mut Vec<ReceiverChange>) {
        if offset < self.next_offset {
            return;
        }
        self.next_offset = offset + 1;
        match &told.content {
            Some(reception::Content::Clock(clock)) => {
                self.clock_us = self.clock_us.max(clock.clock_us);
                self.sweep(offset, out);
            }
            Some(reception::Content::HeardFrame(heard)) => {
                if let Some(receiver) = self.count(told) {
                    receiver.hear(heard);
                    self.publish(&told.receiver_id, offset, out);
                }
            }
            Some(reception::Content::ReceiverHardware(hardware)) => {
                if let Some(receiver) = self.count(told) {
                    receiver.state.hardware = Some(hardware.clone());
                    self.publish(&told.receiver_id, offset, out);
                }
            }
            None => {}
        }
    }

    fn changed_memories(&mut self, epoch: &str) -> Vec<(String, Option<ReceiversState>)> {
        let state = |part| Some(ReceiversState { part: Some(part) });
        let mut records: Vec<_> = self.ended.drain(..).map(|receiver_id| (receiver_id, None)).collect();
        for (receiver_id, receiver) in self.receivers.iter_mut().filter(|(_, receiver)| receiver.is_changed) {
            receiver.is_changed = false;
            let memory = receivers_state::Part::Receiver(receiver.to_memory(self.next_offset));
            records.push((receiver_id.clone(), state(memory)));
        }
        let own =
            ReceiverPartitionMemory { next_offset: self.next_offset, clock_us: self.clock_us, epoch: epoch.to_owned() };
        records.push((PARTITION_KEY.to_owned(), state(receivers_state::Part::Partition(own))));
        records
    }

    fn change_all(&mut self) {
        self.receivers.values_mut().for_each(|receiver| receiver.is_changed = true);
    }

    fn restore(&mut self, memory: ReceiversState) {
        match memory.part {
            Some(receivers_state::Part::Receiver(memory)) => {
                let mut receiver = Receiver::from_memory(memory);
                receiver.replace(self.places.find(&receiver.state.receiver_id));
                self.receivers.insert(receiver.state.receiver_id.clone(), receiver);
            }
            Some(receivers_state::Part::Partition(memory)) => {
                (self.next_offset, self.clock_us) = (memory.next_offset, memory.clock_us);
            }
            None => {}
        }
    }
    fn epoch_of(memory: &ReceiversState) -> Option<&str> {
        match &memory.part {
            Some(receivers_state::Part::Partition(own)) => Some(&own.epoch),
            _ => None,
        }
    }
}

impl Receiver {
    fn new(receiver_id: &str, first_seen_at_us: u64, configured: Option<schemas::v1::Position>) -> Self {
        let state = ReceiverState { receiver_id: receiver_id.to_owned(), first_seen_at_us, ..ReceiverState::default() };
        let mut receiver = Self { state, ..Self::default() };
        receiver.place(configured, ReceiverPositionSource::Configured);
        receiver
    }

    fn place(&mut self, told: Option<schemas::v1::Position>, source: ReceiverPositionSource) {
        let Some(told) = told else { return };
        let moved = |known| distance_m(position(known), position(told)) > MOVED_M;
        if self.state.position.is_some_and(moved) {
            // Distances from another place say nothing of this one.
            self.state.coverage.clear();
        }
        self.state.position = Some(told);
        self.state.set_position_source(source);
    }

    /// What the owners say now, who may have said otherwise before.
    fn replace(&mut self, configured: Option<schemas::v1::Position>) {
        if configured.is_some() {
            return self.place(configured, ReceiverPositionSource::Configured);
        }
        if self.state.position_source == Some(ReceiverPositionSource::Configured.into()) {
            (self.state.position, self.state.position_source) = (None, None);
            self.state.coverage.clear();
            self.place(coverage::estimate(&self.strongest), ReceiverPositionSource::Estimated);
        }
    }

    fn count_frame(&mut self, clock_us: u64) {
        self.state.frames += 1;
        let slice_us = clock_us / SLICE_US * SLICE_US;
        match self.counts.last_mut() {
            Some((begin_us, frames)) if *begin_us == slice_us => *frames += 1,
            _ => self.counts.push((slice_us, 1)),
        }
        self.forget_old(clock_us);
    }

    fn forget_old(&mut self, clock_us: u64) {
        self.counts.retain(|(begin_us, _)| begin_us + SLICE_US + MINUTE_US > clock_us);
    }

    /// Frames of the last minute: of the slice that lies in it in part, the share.
    fn frames_per_minute(&self, clock_us: u64) -> f64 {
        let minute_ago_us = clock_us.saturating_sub(MINUTE_US);
        let share = |begin_us: u64| {
            let gone_us = minute_ago_us.saturating_sub(begin_us).min(SLICE_US);
            (SLICE_US - gone_us) as f64 / SLICE_US as f64
        };
        // From zero: the sum of nothing is minus zero.
        self.counts.iter().fold(0.0, |sum, &(begin_us, frames)| sum + f64::from(frames) * share(begin_us))
    }

    fn hear(&mut self, heard: &HeardFrame) {
        let Some(told) = heard.position.filter(|_| !heard.relayed) else { return };
        let strong = StrongReception { rssi_dbm: heard.rssi_dbm, position: Some(told), heard_at_us: self.seen_us };
        let is_strong = coverage::keep_strongest(&mut self.strongest, strong);
        let is_configured = self.state.position_source == Some(ReceiverPositionSource::Configured.into());
        if is_strong && !is_configured {
            self.place(coverage::estimate(&self.strongest), ReceiverPositionSource::Estimated);
        }
        if let Some(place) = self.state.position {
            coverage::extend(&mut self.state, position(place), position(told));
        }
    }

    fn publish(&mut self, version: u64, clock_us: u64) -> ReceiverChange {
        self.forget_old(clock_us);
        self.state.frames_per_minute = self.frames_per_minute(clock_us);
        self.state.version = version;
        (self.published_us, self.has_news, self.is_changed) = (clock_us, false, true);
        let (receiver_id, state) = (self.state.receiver_id.clone(), Some(self.state.clone()));
        ReceiverChange { receiver_id, version, at_us: clock_us, state }
    }

    fn to_memory(&self, next_offset: u64) -> ReceiverMemory {
        let count = |&(slice_start_us, frames): &(u64, u32)| FrameCount { slice_start_us, frames };
        ReceiverMemory {
            state: Some(self.state.clone()),
            next_offset,
            counts: self.counts.iter().map(count).collect(),
            strongest: self.strongest.clone(),
            counted_ids: self.counted.values().copied().collect(),
            published_us: self.published_us,
            seen_us: self.seen_us,
            has_news: self.has_news,
        }
    }

    fn from_memory(memory: ReceiverMemory) -> Self {
        Self {
            state: memory.state.unwrap_or_default(),
            counts: memory.counts.iter().map(|count| (count.slice_start_us, count.frames)).collect(),
            strongest: memory.strongest,
            counted: memory.counted_ids.iter().map(|id| (RecordId(*id).partition(), *id)).collect(),
            seen_us: memory.seen_us,
            published_us: memory.published_us,
            has_news: memory.has_news,
            is_changed: false,
        }
    }
}

#[cfg(test)]
mod tests;
