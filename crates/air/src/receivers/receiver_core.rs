//! The pure core of one reception partition: receptions in, receiver states out.
//!
//! Receptions can come twice (the stream core emits again after a failure), always in the order of each raw partition:
//! an id that is not above the highest one counted so far was counted before. All time is that of the receptions and
//! the clocks among them. Frames of hidden devices have no position here: they are only counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::distance::distance_m;
use schemas::id::RecordId;
use schemas::keys;
use schemas::v1::{
    HeardFrame, PartitionClock, ReceiverClockTrouble, ReceiverMemory, ReceiverPartitionMemory, ReceiverPositionSource,
    ReceiverState, ReceiversState, Reception, StrongReception, UnusableFrames, receivers_state, reception,
};

use crate::core::Bounds;
use crate::core::evict::{lowest, surplus};
use crate::core::settings::SECOND_US;
use crate::group::GroupCore;
use crate::receivers::counts::Counts;
use crate::receivers::coverage::{self, position};
use crate::receivers::positions::ReceiverPositions;

/// A receiver's state is not published more often, microseconds.
const PUBLISH_US: u64 = 10 * SECOND_US;
const MINUTE_US: u64 = 60 * SECOND_US;
/// Trouble of a clock that was not reported again for so long is over, microseconds.
const TROUBLE_US: u64 = 10 * MINUTE_US;
/// Ingestion times further ahead of the clock do not move it, microseconds.
const AHEAD_US: u64 = MINUTE_US;
/// A position this far from the previous one means that the receiver moved, metres: a good estimate varies less than
/// that.
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
    /// It was evicted, since there were too many.
    pub is_evicted: bool,
}

/// The pure core of one reception partition.
#[derive(Debug)]
pub struct ReceiverCore {
    positions: Arc<ReceiverPositions>,
    lifetime_us: u64,
    max_receivers: usize,
    next_offset: u64,
    clock_us: u64,
    /// How many times the clock of the raw partition was set back.
    set_back_count: u32,
    receivers: BTreeMap<String, Receiver>,
    /// Receivers that ended since the last checkpoint.
    ended: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Receiver {
    state: ReceiverState,
    counts: Counts,
    strongest: Vec<StrongReception>,
    /// Highest id per raw partition.
    counted: BTreeMap<u16, u64>,
    /// Likewise of reports of unusable frames, which share their ids with receptions.
    reported: BTreeMap<u16, u64>,
    seen_us: u64,
    published_us: u64,
    /// It changed since its state was last published.
    is_unpublished: bool,
    /// When trouble of its clock was last reported.
    trouble_us: u64,
    /// It changed since the last checkpoint.
    is_not_checkpointed: bool,
}

impl ReceiverCore {
    /// An empty core with the configured positions of receivers.
    pub fn new(positions: Arc<ReceiverPositions>, lifetime_us: u64) -> Self {
        Self {
            positions,
            lifetime_us,
            max_receivers: Bounds::default().receivers,
            next_offset: 0,
            clock_us: 0,
            set_back_count: 0,
            receivers: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    /// Remembers at most so many receivers.
    #[must_use]
    pub fn with_bound(self, max_receivers: usize) -> Self {
        Self { max_receivers, ..self }
    }

    /// The current state of a receiver: a new version, since the last published state is not kept. `None`: unknown
    /// receiver.
    pub fn newest(&self, receiver_id: &str) -> Option<ReceiverChange> {
        let receiver = self.receivers.get(receiver_id)?;
        let version = self.next_offset.saturating_sub(1);
        let state = ReceiverState { version, ..receiver.state.clone() };
        let (receiver_id, at_us) = (receiver_id.to_owned(), self.clock_us);
        Some(ReceiverChange { receiver_id, version, at_us, state: Some(state), is_evicted: false })
    }

    /// The version of a receiver that was last published.
    pub fn published_version(&self, receiver_id: &str) -> Option<u64> {
        self.receivers.get(receiver_id).map(|receiver| receiver.state.version)
    }

    /// How many receivers' clocks are in each kind of trouble.
    pub fn clock_troubles(&self) -> BTreeMap<ReceiverClockTrouble, usize> {
        let mut counts = BTreeMap::new();
        for receiver in self.receivers.values().filter(|receiver| receiver.state.clock_trouble.is_some()) {
            *counts.entry(receiver.state.clock_trouble()).or_default() += 1;
        }
        counts
    }

    /// Takes the clock of the raw partition: it decides, also where it was set back.
    fn update_clock(&mut self, clock: &PartitionClock) {
        if clock.set_back_count > self.set_back_count {
            let by_us = self.clock_us.saturating_sub(clock.clock_us);
            (self.clock_us, self.set_back_count) = (clock.clock_us, clock.set_back_count);
            self.receivers.values_mut().for_each(|receiver| receiver.set_back(clock.clock_us, by_us));
        } else if clock.set_back_count == self.set_back_count {
            self.clock_us = self.clock_us.max(clock.clock_us);
        }
    }

    /// The time of a reception, by the clock. A time far ahead of it comes from a bridge whose clock is ahead.
    fn arrival_us(&mut self, reception: &Reception) -> u64 {
        if self.clock_us == 0 || reception.ingested_at_us <= self.clock_us + AHEAD_US {
            self.clock_us = self.clock_us.max(reception.ingested_at_us);
            return reception.ingested_at_us;
        }
        self.clock_us
    }

    /// Counts a reception. `None`: it was counted before.
    fn count(&mut self, reception: &Reception) -> Option<&mut Receiver> {
        let arrived_at_us = self.arrival_us(reception);
        let (positions, clock_us) = (&self.positions, self.clock_us);
        let receiver = self.receivers.entry(reception.receiver_id.clone()).or_insert_with(|| {
            let configured = positions.find(&reception.receiver_id);
            Receiver::new(&reception.receiver_id, arrived_at_us, configured)
        });
        let id = RecordId(reception.reception_id);
        let is_report = matches!(reception.content, Some(reception::Content::UnusableFrames(_)));
        let counted = if is_report { &mut receiver.reported } else { &mut receiver.counted };
        if counted.get(&id.partition()).is_some_and(|highest| id.0 <= *highest) {
            return None;
        }
        counted.insert(id.partition(), id.0);
        receiver.seen_us = clock_us;
        receiver.state.last_seen_at_us = receiver.state.last_seen_at_us.max(arrived_at_us);
        (receiver.is_unpublished, receiver.is_not_checkpointed) = (true, true);
        if matches!(reception.content, Some(reception::Content::HeardFrame(_))) {
            receiver.count_frame(clock_us);
        }
        if let Some(reception::Content::UnusableFrames(unusable)) = &reception.content {
            receiver.count_unusable(unusable, clock_us);
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

    /// Ends silent receivers, and publishes those whose rate has fallen since they were last published.
    fn sweep(&mut self, version: u64, out: &mut Vec<ReceiverChange>) {
        let (clock_us, lifetime_us) = (self.clock_us, self.lifetime_us);
        let ended = &mut self.ended;
        self.receivers.retain(|receiver_id, receiver| {
            let is_live = receiver.seen_us + lifetime_us > clock_us;
            if !is_live {
                ended.push(receiver_id.clone());
                out.push(ReceiverChange::end(receiver_id.clone(), version, clock_us));
            } else if clock_us >= receiver.published_us + PUBLISH_US
                && (receiver.is_unpublished
                    || receiver.state.frames_per_minute > 0.0
                    || receiver.has_recovered(clock_us))
            {
                out.push(receiver.publish(version, clock_us));
            }
            is_live
        });
    }

    /// Evicts receivers above the bound: first those that have never heard a public position, the longest silent first.
    fn keep_bound(&mut self, version: u64, out: &mut Vec<ReceiverChange>) {
        let surplus = surplus(self.receivers.len(), self.max_receivers);
        if surplus == 0 {
            return;
        }
        let rank = |(id, receiver): (&String, &Receiver)| (receiver.has_heard_position(), receiver.seen_us, id.clone());
        for (_, _, receiver_id) in lowest(self.receivers.iter().map(rank), surplus) {
            self.receivers.remove(&receiver_id);
            self.ended.push(receiver_id.clone());
            let end = ReceiverChange::end(receiver_id, version, self.clock_us);
            out.push(ReceiverChange { is_evicted: true, ..end });
        }
    }
}

impl ReceiverChange {
    fn end(receiver_id: String, version: u64, at_us: u64) -> Self {
        Self { receiver_id, version, at_us, state: None, is_evicted: false }
    }
}

impl GroupCore for ReceiverCore {
    type Record = Reception;
    type Checkpoint = ReceiversState;
    type Changes = Vec<ReceiverChange>;

    fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The newest ingestion time so far.
    fn clock_us(&self) -> u64 {
        self.clock_us
    }

    fn apply(&mut self, offset: u64, reception: &Reception, out: &mut Vec<ReceiverChange>) {
        if offset < self.next_offset {
            return;
        }
        self.next_offset = offset + 1;
        match &reception.content {
            Some(reception::Content::Clock(clock)) => {
                self.update_clock(clock);
                self.sweep(offset, out);
            }
            Some(reception::Content::HeardFrame(heard)) => {
                if let Some(receiver) = self.count(reception) {
                    receiver.hear(heard);
                    self.publish(&reception.receiver_id, offset, out);
                }
            }
            Some(reception::Content::ReceiverHardware(hardware)) => {
                if let Some(receiver) = self.count(reception) {
                    receiver.state.hardware = Some(hardware.clone());
                    self.publish(&reception.receiver_id, offset, out);
                }
            }
            Some(reception::Content::UnusableFrames(_)) => {
                let is_counted = self.count(reception).is_some();
                if is_counted {
                    self.publish(&reception.receiver_id, offset, out);
                }
            }
            None => {}
        }
        self.keep_bound(offset, out);
    }

    fn changed_checkpoints(&mut self, epoch: &str) -> Vec<(String, Option<ReceiversState>)> {
        let state = |part| Some(ReceiversState { part: Some(part) });
        // One that ended can be back.
        self.ended.retain(|receiver_id| !self.receivers.contains_key(receiver_id));
        let mut records: Vec<_> = self.ended.drain(..).map(|receiver_id| (receiver_id, None)).collect();
        for (receiver_id, receiver) in self.receivers.iter_mut().filter(|(_, receiver)| receiver.is_not_checkpointed) {
            receiver.is_not_checkpointed = false;
            let checkpoint = receivers_state::Part::Receiver(receiver.to_checkpoint(self.next_offset));
            records.push((receiver_id.clone(), state(checkpoint)));
        }
        let own = ReceiverPartitionMemory {
            next_offset: self.next_offset,
            clock_us: self.clock_us,
            epoch: epoch.to_owned(),
            set_back_count: self.set_back_count,
        };
        records.push((keys::PARTITION.to_owned(), state(receivers_state::Part::Partition(own))));
        records
    }

    fn change_all(&mut self) {
        self.receivers.values_mut().for_each(|receiver| receiver.is_not_checkpointed = true);
    }

    fn restore(&mut self, checkpoint: ReceiversState) {
        match checkpoint.part {
            Some(receivers_state::Part::Receiver(checkpoint)) => {
                let mut receiver = Receiver::from_checkpoint(checkpoint);
                receiver.apply_configured_position(self.positions.find(&receiver.state.receiver_id));
                self.receivers.insert(receiver.state.receiver_id.clone(), receiver);
            }
            Some(receivers_state::Part::Partition(checkpoint)) => {
                (self.next_offset, self.clock_us) = (checkpoint.next_offset, checkpoint.clock_us);
                self.set_back_count = checkpoint.set_back_count;
            }
            None => {}
        }
    }

    fn epoch_of(checkpoint: &ReceiversState) -> Option<&str> {
        match &checkpoint.part {
            Some(receivers_state::Part::Partition(own)) => Some(&own.epoch),
            _ => None,
        }
    }
}

impl Receiver {
    fn new(receiver_id: &str, first_seen_at_us: u64, configured: Option<schemas::v1::Position>) -> Self {
        let state = ReceiverState { receiver_id: receiver_id.to_owned(), first_seen_at_us, ..ReceiverState::default() };
        let mut receiver = Self { state, ..Self::default() };
        receiver.set_position(configured, ReceiverPositionSource::Configured);
        receiver
    }

    fn set_position(&mut self, stated: Option<schemas::v1::Position>, source: ReceiverPositionSource) {
        let Some(stated) = stated else { return };
        let moved = |known| distance_m(position(known), position(stated)) > MOVED_M;
        if self.state.position.is_some_and(moved) {
            // Distances from another position are meaningless for this one.
            self.state.coverage.clear();
        }
        self.state.position = Some(stated);
        self.state.set_position_source(source);
    }

    /// Applies the position configured now, which may differ from the one before.
    fn apply_configured_position(&mut self, configured: Option<schemas::v1::Position>) {
        if configured.is_some() {
            return self.set_position(configured, ReceiverPositionSource::Configured);
        }
        if self.state.position_source == Some(ReceiverPositionSource::Configured.into()) {
            (self.state.position, self.state.position_source) = (None, None);
            self.state.coverage.clear();
            self.set_position(coverage::estimate(&self.strongest), ReceiverPositionSource::Estimated);
        }
    }

    fn count_frame(&mut self, clock_us: u64) {
        self.state.frames += 1;
        self.counts.frame(clock_us);
        self.judge(None, clock_us);
    }

    fn count_unusable(&mut self, unusable: &UnusableFrames, clock_us: u64) {
        self.state.unusable_frames += u64::from(unusable.frames);
        self.counts.unusable(unusable.frames, clock_us);
        self.judge(Some(&unusable.reason), clock_us);
    }

    /// Sets it aside, or takes it back. Its usable frames count in either case: anyone can send under its id.
    fn judge(&mut self, reason: Option<&String>, clock_us: u64) {
        let state = &mut self.state;
        if !self.counts.is_set_aside(state.set_aside_since_us.is_some()) {
            (state.set_aside_since_us, state.set_aside_reason) = (None, None);
        } else if let Some(reason) = reason {
            state.set_aside_since_us.get_or_insert(clock_us);
            state.set_aside_reason = Some(reason.clone());
        }
    }

    /// Whether it has ever heard a device that may be shown.
    fn has_heard_position(&self) -> bool {
        !self.strongest.is_empty() || !self.state.coverage.is_empty()
    }

    /// Moves its times back, since the clock was ahead by `by_us`.
    fn set_back(&mut self, clock_us: u64, by_us: u64) {
        let shift = |at_us: &mut u64| {
            if *at_us > clock_us {
                *at_us = at_us.saturating_sub(by_us).min(clock_us);
            }
        };
        let own = [&mut self.seen_us, &mut self.published_us, &mut self.trouble_us];
        let published = [&mut self.state.last_seen_at_us, &mut self.state.first_seen_at_us];
        let strongest = self.strongest.iter_mut().map(|heard| &mut heard.heard_at_us);
        let set_aside = self.state.set_aside_since_us.iter_mut();
        own.into_iter().chain(published).chain(strongest).chain(set_aside).for_each(shift);
        self.counts.clear();
        (self.is_unpublished, self.is_not_checkpointed) = (true, true);
    }

    fn has_recovered(&self, clock_us: u64) -> bool {
        self.state.clock_trouble.is_some() && clock_us >= self.trouble_us + TROUBLE_US
    }

    /// Different raw partitions find a clock out at different times: the newest report stands for a while.
    fn note_clock(&mut self, heard: &HeardFrame) {
        if heard.clock_trouble.is_some() {
            (self.state.clock_trouble, self.state.clock_offset_us) = (heard.clock_trouble, heard.clock_offset_us);
            self.trouble_us = self.seen_us;
        }
    }

    fn hear(&mut self, heard: &HeardFrame) {
        self.note_clock(heard);
        let Some(sender) = heard.position.filter(|_| !heard.relayed) else { return };
        let strong = StrongReception { rssi_dbm: heard.rssi_dbm, position: Some(sender), heard_at_us: self.seen_us };
        let is_strong = coverage::keep_strongest(&mut self.strongest, strong);
        let is_configured = self.state.position_source == Some(ReceiverPositionSource::Configured.into());
        if is_strong && !is_configured {
            self.set_position(coverage::estimate(&self.strongest), ReceiverPositionSource::Estimated);
        }
        if let Some(own) = self.state.position {
            coverage::extend(&mut self.state, position(own), position(sender));
        }
    }

    fn publish(&mut self, version: u64, clock_us: u64) -> ReceiverChange {
        self.counts.forget_old(clock_us);
        if self.has_recovered(clock_us) {
            (self.state.clock_trouble, self.state.clock_offset_us) = (None, None);
        }
        self.state.frames_per_minute = self.counts.frames_per_minute(clock_us);
        self.state.version = version;
        (self.published_us, self.is_unpublished, self.is_not_checkpointed) = (clock_us, false, true);
        let (receiver_id, state) = (self.state.receiver_id.clone(), Some(self.state.clone()));
        ReceiverChange { receiver_id, version, at_us: clock_us, state, is_evicted: false }
    }

    fn to_checkpoint(&self, next_offset: u64) -> ReceiverMemory {
        ReceiverMemory {
            state: Some(self.state.clone()),
            next_offset,
            counts: self.counts.to_checkpoint(),
            strongest: self.strongest.clone(),
            counted_ids: self.counted.values().copied().collect(),
            reported_ids: self.reported.values().copied().collect(),
            published_us: self.published_us,
            seen_us: self.seen_us,
            has_news: self.is_unpublished,
            clock_trouble_us: self.trouble_us,
        }
    }

    fn from_checkpoint(checkpoint: ReceiverMemory) -> Self {
        Self {
            state: checkpoint.state.unwrap_or_default(),
            counts: Counts::from_checkpoint(checkpoint.counts),
            strongest: checkpoint.strongest,
            counted: by_partition(&checkpoint.counted_ids),
            reported: by_partition(&checkpoint.reported_ids),
            seen_us: checkpoint.seen_us,
            published_us: checkpoint.published_us,
            is_unpublished: checkpoint.has_news,
            trouble_us: checkpoint.clock_trouble_us,
            is_not_checkpointed: false,
        }
    }
}

fn by_partition(ids: &[u64]) -> BTreeMap<u16, u64> {
    ids.iter().map(|id| (RecordId(*id).partition(), *id)).collect()
}

#[cfg(test)]
mod tests;
