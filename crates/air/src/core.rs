//! The pure core of one raw partition: raw records in, outputs out. No clock, no I/O, no async.
//!
//! Invariants:
//! - The same records in the same order give the same outputs, byte by byte, from any checkpoint on.
//! - A record is applied once: below the partition's own next offset it changes nothing, below a device's it changes
//!   only the partition's part (a checkpoint writes devices first and the partition's part last, so devices can be
//!   ahead of it, never behind).
//! - After each record every object that has expired by the partition's clock is removed.
//! - After each record no known time is later than the partition's clock by more than bridges may differ: when the
//!   clock is set back, all known times move with it (see `set_back`).
//! - Memory is bounded for any records: see [`bounds`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use schemas::id::{DeviceAddress, RecordId};
use schemas::keys;
use schemas::v1::command::Action;
use schemas::v1::raw_record::Input;
use schemas::v1::{
    Command, Erased, Observation, PartitionMemory, ProcessorState, RawRecord, Reception, ThermalReport, UnusableFrames,
    observation, processor_state, reception, thermal_report,
};

use crate::core::device::{ApplyContext, Device};
use crate::core::kept::KeptDevices;
use crate::core::partition_clock::{Arrival, PartitionClock};
use crate::core::receiver_clocks::ReceiverClocks;
use crate::core::receiver_name::ReceiverNames;
use crate::core::rejects::Rejects;
use crate::core::zone_state::ZoneState;
use crate::decode::may_be_regression;

pub mod aircraft;
pub mod alert;
mod bounds;
mod checkpoint;
mod command;
pub mod conflict;
mod decision;
pub mod device;
pub mod evict;
mod frame;
pub mod ground;
mod kept;
mod landmark;
mod landmarks;
mod observe;
mod other;
pub mod outputs;
pub mod partition_clock;
pub mod privacy;
pub mod publish;
pub mod receiver_clock;
pub mod receiver_clocks;
pub mod receiver_name;
pub mod rejects;
pub mod score;
mod set_back;
pub mod settings;
pub mod shown;
pub mod station;
mod stays;
mod text;
mod texts;
pub mod time;
pub mod track;
mod zone_state;

pub use outputs::{Evicted, Outputs, PrivacyChange, ReceiverHealth, ScoreChange, StateChange};
pub use settings::{Bounds, Lifetimes, Settings};

/// How often the health of receivers is reported, microseconds: an evaluation over a minute gets a report of every
/// partition.
const HEALTH_INTERVAL_US: u64 = 30 * settings::SECOND_US;

/// One raw record with its offset in the partition.
#[derive(Clone, Copy, Debug)]
pub struct RawInput<'a> {
    /// Its offset.
    pub offset: u64,
    /// The record.
    pub record: &'a RawRecord,
}

/// The core of one raw partition.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    partition: u16,
    next_offset: u64,
    clock: PartitionClock,
    clock_sent_us: u64,
    receivers: ReceiverClocks,
    rejects: Rejects,
    health_taken_us: u64,
    /// Only used while checkpoints are restored.
    names: ReceiverNames,
    devices: FxHashMap<u32, Box<Device>>,
    /// Devices of which only the privacy is left.
    kept: KeptDevices,
    zones: ZoneState,
    /// Devices among them that may be dropped before their time.
    evictable: usize,
    /// (when, device): at least one entry per device that has a deadline, at or before it.
    deadlines: BinaryHeap<Reverse<(u64, u32)>>,
    /// Devices that changed since the last checkpoint.
    changed: Vec<u32>,
    /// Blank devices that the last checkpoint still contains: the next one drops them.
    blank: Vec<u32>,
}

impl Core {
    /// A core that knows nothing.
    pub fn new(partition: u16, settings: Settings) -> Self {
        Self {
            settings,
            partition,
            next_offset: 0,
            clock: PartitionClock::default(),
            clock_sent_us: 0,
            receivers: ReceiverClocks::default(),
            rejects: Rejects::default(),
            health_taken_us: 0,
            names: ReceiverNames::default(),
            devices: FxHashMap::default(),
            kept: KeptDevices::default(),
            zones: ZoneState::default(),
            evictable: 0,
            deadlines: BinaryHeap::new(),
            changed: Vec::new(),
            blank: Vec::new(),
        }
    }

    /// The raw partition.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// The offset of the first record that has not been applied.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The time, as the records say.
    pub fn clock_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// The partition's clock.
    pub fn clock(&self) -> &PartitionClock {
        &self.clock
    }

    /// How many devices are known.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// How many silent devices are remembered for their privacy alone.
    pub fn kept_devices(&self) -> usize {
        self.kept.len()
    }

    /// What is published of the privacy of a device. `None`: it has never been hidden.
    pub fn privacy_of(&self, address: u32) -> Option<PrivacyChange> {
        let state = self.consent_of(address)?.state(address)?;
        Some(PrivacyChange { at_us: self.clock.now_us(), state })
    }

    fn consent_of(&self, address: u32) -> Option<&privacy::Consent> {
        self.devices.get(&address).map(|device| &device.consent).or_else(|| self.kept.consent(address))
    }

    /// Applies one record; its outputs are appended to `out`.
    pub fn apply(&mut self, input: &RawInput<'_>, out: &mut Outputs) {
        if input.offset < self.next_offset {
            return;
        }
        self.names = ReceiverNames::default();
        self.zones.refresh();
        let arrival = self.read_clock(input, out);
        self.expire(input.offset, out);
        match &input.record.input {
            Some(Input::MqttFrame(payload)) => self.apply_frame(input, arrival, payload, out),
            Some(Input::ReceiverHardware(payload)) => {
                let content = reception::Content::ReceiverHardware(payload.clone());
                out.receptions.push((input.record.ingested_at_us, self.reception(input, content)));
            }
            Some(Input::AppPosition(report)) => self.apply_app_position(input, arrival, report, out),
            Some(Input::SourceReport(report)) => self.apply_source_report(input, arrival, report, out),
            Some(Input::Command(command)) => {
                let apply =
                    |device: &mut Device, context: &ApplyContext<'_>| device.apply_command(command, context, out);
                let applied = self.with_device(command.device, input.offset, apply);
                if applied == Some(true) {
                    let erased = matches!(command.action, Some(Action::Erase(_))).then(|| self.erased(input, command));
                    out.observations.extend(erased.or_else(|| self.decided(input, command)));
                }
            }
            Some(Input::ZoneSet(part)) => {
                if let Err(reason) = self.zones.take(part) {
                    let detail = format!("part {} of {:?}: a part of a set of zones is not sound", part.part, part.set);
                    out.reject = Some(crate::decode::Reject::new(reason, detail));
                }
            }
            Some(Input::Tick(_)) => {}
            None => out.reject = Some(crate::decode::Reject::new("no_input", "the record carries no known input")),
        }
        if let Some(reject) = &out.reject {
            let receiver = receiver_of(input.record);
            out.is_withheld = !self.rejects.count_and_sample(receiver, reject.reason, self.clock.now_us());
            if may_be_regression(reject.reason) {
                self.receivers.note_unreadable(receiver);
            }
        }
        self.keep_bounds(input.offset, out);
        self.pass_clock_on(input, out);
        self.next_offset = input.offset + 1;
    }

    /// Passes over a record that cannot even be read; true: it becomes a dead letter.
    pub fn skip(&mut self, offset: u64, reason: &'static str) -> bool {
        self.next_offset = self.next_offset.max(offset + 1);
        self.rejects.count_and_sample("", reason, self.clock.now_us())
    }

    /// How readable good receivers were, twice a minute. For operators: a replay does not repeat it.
    pub fn take_health(&mut self, into: &mut Vec<ReceiverHealth>) {
        if self.clock.now_us() >= self.health_taken_us + HEALTH_INTERVAL_US {
            self.health_taken_us = self.clock.now_us();
            self.receivers.take_health(into);
        }
    }

    /// All states that are published to any audience, as they were last published.
    pub fn states(&self) -> impl Iterator<Item = StateChange> {
        self.devices.values().flat_map(|device| device.states(&self.settings))
    }

    /// The states of one device that are published to any audience, as they were last published.
    pub fn states_of(&self, device: u32) -> impl Iterator<Item = StateChange> {
        self.devices.get(&device).into_iter().flat_map(|device| device.states(&self.settings))
    }

    /// The trust of all devices that were ever judged, as of now.
    pub fn scores(&self) -> impl Iterator<Item = ScoreChange> {
        let judged = self.devices.values().filter(|device| device.score != score::Score::default());
        judged.map(|device| device.score_change(device.next_offset.saturating_sub(1), &self.settings))
    }

    /// The changes since the last call, as checkpoint records: devices and parts of zones (`None`: to be dropped), and the
    /// partition's own part last. They must be durable, in this order, before the next offset is committed, and committed before
    /// the next call.
    pub fn changed_checkpoints(&mut self, epoch: &str) -> Vec<(String, Option<ProcessorState>)> {
        let mut records = Vec::with_capacity(self.changed.len() + self.blank.len() + 1);
        for address in std::mem::take(&mut self.blank) {
            // It may have changed since: then it is written below.
            if self.devices.get(&address).is_none_or(|device| device.is_changed) {
                continue;
            }
            match self.devices.remove(&address) {
                // Its checkpoint stays as it is.
                Some(device) if device.consent.is_durable() => self.kept.keep(*device),
                _ => records.push((DeviceAddress(address).to_string(), None)),
            }
        }
        for address in std::mem::take(&mut self.changed) {
            let Some(device) = self.devices.get_mut(&address) else { continue };
            device.is_changed = false;
            if device.is_blank() {
                self.blank.push(address);
            }
            let part = processor_state::Part::Device(device.to_checkpoint());
            records.push((DeviceAddress(address).to_string(), Some(ProcessorState { part: Some(part) })));
        }
        records.extend(self.zones.changed_checkpoints());
        let (rejects, dead_letters_full_at_us) = self.rejects.to_checkpoint();
        let mut checkpoint = PartitionMemory {
            next_offset: self.next_offset,
            receivers: self.receivers.to_checkpoint(),
            clock_sent_us: self.clock_sent_us,
            epoch: epoch.to_owned(),
            rejects,
            dead_letters_full_at_us,
            ..PartitionMemory::default()
        };
        self.clock.put_checkpoint(&mut checkpoint);
        let part = processor_state::Part::Partition(checkpoint);
        records.push((keys::PARTITION.to_owned(), Some(ProcessorState { part: Some(part) })));
        records
    }

    /// The next call of [`Core::changed_checkpoints`] returns all devices, changed or not.
    pub fn change_all(&mut self) {
        self.zones.change_all();
        for address in self.kept.addresses(|_| true) {
            self.wake(address);
        }
        for (address, device) in &mut self.devices {
            if !device.is_changed {
                device.is_changed = true;
                self.changed.push(*address);
            }
        }
    }

    /// Restores one checkpoint record, the newest of its key, before any record is applied.
    pub fn restore(&mut self, checkpoint: ProcessorState) {
        match checkpoint.part {
            Some(processor_state::Part::Device(checkpoint)) => {
                let mut device = Box::new(Device::from_checkpoint(&checkpoint, &mut self.names));
                if device.is_blank() && device.consent.is_durable() {
                    self.kept.keep(*device);
                    return;
                }
                if device.is_blank() {
                    // Written once more by the next checkpoint, dropped by the one after.
                    device.is_changed = true;
                    self.changed.push(device.address);
                }
                schedule(&mut device, &self.settings.lifetimes, self.clock.now_us(), &mut self.deadlines);
                self.evictable += usize::from(device.is_evictable());
                self.devices.insert(device.address, device);
            }
            Some(processor_state::Part::ZoneSet(part)) => self.zones.restore(part),
            Some(processor_state::Part::Partition(checkpoint)) => {
                self.next_offset = checkpoint.next_offset;
                self.clock = PartitionClock::from_checkpoint(&checkpoint);
                self.clock_sent_us = checkpoint.clock_sent_us;
                self.receivers = ReceiverClocks::from_checkpoint(&checkpoint.receivers, &mut self.names);
                let full_at_us = checkpoint.dead_letters_full_at_us;
                self.rejects = Rejects::from_checkpoint(&checkpoint.rejects, full_at_us, &mut self.names);
            }
            None => {}
        }
    }

    fn record_id(&self, input: &RawInput<'_>) -> u64 {
        input.record.origin_id.unwrap_or_else(|| RecordId::new(self.partition, input.offset).0)
    }

    fn reception(&self, input: &RawInput<'_>, content: reception::Content) -> Reception {
        Reception {
            reception_id: self.record_id(input),
            receiver_id: input.record.receiver_id.clone().unwrap_or_default(),
            ingested_at_us: input.record.ingested_at_us,
            content: Some(content),
        }
    }

    /// The observation that makes stores of observations erase the device, too.
    fn erased(&self, input: &RawInput<'_>, command: &Command) -> Observation {
        let body = observation::Body::Erased(Erased { command_id: command.command_id.clone() });
        let observation = self.observation(input, command.device, input.record.ingested_at_us);
        Observation { private: true, body: Some(body), ..observation }
    }

    fn observation(&self, input: &RawInput<'_>, device: u32, event_at_us: u64) -> Observation {
        Observation {
            observation_id: self.record_id(input),
            event_at_us,
            ingested_at_us: input.record.ingested_at_us,
            device,
            ..Observation::default()
        }
    }

    /// Runs `work` of a record on its device, unless it has seen the record before.
    fn with_device<T>(
        &mut self,
        address: u32,
        offset: u64,
        work: impl FnOnce(&mut Device, &ApplyContext<'_>) -> T,
    ) -> Option<T> {
        self.visit(address, offset, |device, context| {
            let done = work(device, context);
            device.next_offset = offset + 1;
            done
        })
    }

    /// Runs `work` on a device, unless it is ahead of this record.
    fn visit<T>(
        &mut self,
        address: u32,
        offset: u64,
        work: impl FnOnce(&mut Device, &ApplyContext<'_>) -> T,
    ) -> Option<T> {
        let kept = &mut self.kept;
        let unknown = || Box::new(kept.take(address).unwrap_or_else(|| Device::new(address)));
        let device = self.devices.entry(address).or_insert_with(unknown);
        if offset < device.next_offset {
            return None;
        }
        let (clock_us, clock_sent_us) = (self.clock.now_us(), self.clock_sent_us);
        let context =
            ApplyContext { settings: &self.settings, offset, clock_us, clock_sent_us, zones: self.zones.index() };
        let was_evictable = device.is_evictable();
        let done = work(device, &context);
        self.evictable = self.evictable + usize::from(device.is_evictable()) - usize::from(was_evictable);
        if !device.is_changed {
            device.is_changed = true;
            self.changed.push(address);
        }
        schedule(device, &self.settings.lifetimes, self.clock.now_us(), &mut self.deadlines);
        Some(done)
    }

    /// Brings a silent device back among the others, to be written by the next checkpoint.
    fn wake(&mut self, address: u32) {
        if let Some(device) = self.kept.take(address) {
            self.devices.insert(address, Box::new(Device { is_changed: true, ..device }));
            self.changed.push(address);
        }
    }

    fn expire(&mut self, offset: u64, out: &mut Outputs) {
        while self.deadlines.peek().is_some_and(|Reverse((due_us, _))| *due_us <= self.clock.now_us()) {
            let mut due = self.take_due();
            // The time of a device's last visit depends on restarts; the order of its outputs must not.
            due.sort_unstable();
            for address in due {
                // The record that causes the expiry can be the device's own, which is not applied yet.
                self.visit(address, offset, |device, at| device.expire(at, out));
            }
        }
    }

    /// Takes the devices of which something has expired; schedules the other visited ones again.
    fn take_due(&mut self) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some(&Reverse((due_us, address))) = self.deadlines.peek()
            && due_us <= self.clock.now_us()
        {
            self.deadlines.pop();
            let Some(device) = self.devices.get_mut(&address).filter(|device| device.wake_us == due_us) else {
                continue;
            };
            device.wake_us = u64::MAX;
            if device.next_deadline_us(&self.settings.lifetimes) <= self.clock.now_us() {
                due.push(address);
            } else {
                schedule(device, &self.settings.lifetimes, self.clock.now_us(), &mut self.deadlines);
            }
        }
        due
    }

    /// Lets the clock read a record. When it is set back, all known times move with it.
    fn read_clock(&mut self, input: &RawInput<'_>, out: &mut Outputs) -> Arrival {
        let tick = match &input.record.input {
            Some(Input::Tick(tick)) => Some(tick),
            _ => None,
        };
        let (arrival, leap) = self.clock.read(input.record.ingested_at_us, tick);
        out.leap = leap;
        if let Some(leap) = leap.filter(|leap| leap.by_us < 0) {
            self.set_back(leap.by_us.unsigned_abs(), input.offset, out);
        }
        arrival
    }

    fn pass_clock_on(&mut self, input: &RawInput<'_>, out: &mut Outputs) {
        let clock_us = self.clock.now_us();
        if clock_us < self.clock_sent_us + self.settings.clock_interval_us {
            return;
        }
        self.clock_sent_us = clock_us;
        let set_back_count = self.clock.set_back_count();
        let clock = schemas::v1::PartitionClock { raw_partition: self.partition.into(), clock_us, set_back_count };
        let content = Some(thermal_report::Content::Clock(clock));
        out.thermal_reports.push((clock_us, ThermalReport { content }));
        let content = Some(reception::Content::Clock(clock));
        out.receptions.push((clock_us, Reception { content, ..Reception::default() }));
        self.report_rejects(input, out);
    }

    /// Reports unusable frames to the states of their receivers.
    fn report_rejects(&mut self, input: &RawInput<'_>, out: &mut Outputs) {
        let clock_us = self.clock.now_us();
        for report in self.rejects.take_reports(clock_us) {
            let frames = UnusableFrames { frames: report.frames, reason: report.reason.into_owned() };
            let reception = Reception {
                reception_id: self.record_id(input),
                receiver_id: report.receiver.to_string(),
                ingested_at_us: clock_us,
                content: Some(reception::Content::UnusableFrames(frames)),
            };
            out.receptions.push((clock_us, reception));
        }
    }
}

/// Schedules the next visit of the device: at its next expiry, and before an aircraft could expire, so that a device
/// that becomes an aircraft needs no second entry.
fn schedule(
    device: &mut Device,
    lifetimes: &Lifetimes,
    clock_us: u64,
    deadlines: &mut BinaryHeap<Reverse<(u64, u32)>>,
) {
    let end_us = device.next_deadline_us(lifetimes);
    let early_us = clock_us.saturating_add(lifetimes.aircraft_us.max(1));
    let due_us = if end_us == u64::MAX { end_us } else { end_us.min(early_us) };
    if due_us < device.wake_us {
        device.wake_us = due_us;
        deadlines.push(Reverse((due_us, device.address)));
    }
}

/// A receiver's name where the record has none.
fn receiver_of(record: &RawRecord) -> &str {
    record.receiver_id.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
