//! The pure core of one raw partition: raw records in, outputs out. No clock, no I/O, no async.
//!
//! Invariants:
//! - The same records in the same order give the same outputs, byte by byte, from any checkpoint on.
//! - A record is applied once: below the partition's own next offset it changes nothing, below a device's it changes
//!   only the partition's part (a checkpoint writes devices first and the partition's part last, so devices can be
//!   ahead of it, never behind).
//! - After each record nothing is alive whose end has come by the partition's clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use schemas::id::{DeviceAddress, RecordId};
use schemas::v1::command::Action;
use schemas::v1::raw_record::Input;
use schemas::v1::{
    Command, Erased, Observation, PartitionClock, PartitionMemory, ProcessorState, RawRecord, Reception, ThermalReport,
    observation, processor_state, reception, thermal_report,
};

use crate::core::device::{Device, Moment};
use crate::core::time::{ReceiverClocks, ReceiverNames};

pub mod aircraft;
pub mod alert;
mod command;
pub mod device;
mod frame;
pub mod ground;
mod memory;
mod observe;
mod other;
pub mod outputs;
pub mod privacy;
pub mod publish;
pub mod score;
pub mod settings;
pub mod station;
pub mod time;
pub mod track;

pub use outputs::{Content, Outputs, ScoreChange, StateChange};
pub use settings::{Lifetimes, Settings};

/// The key of a partition's own part in the topic of checkpoints.
pub const PARTITION_KEY: &str = "#";

/// One raw record with its place in the partition.
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
    clock_us: u64,
    clock_sent_us: u64,
    receivers: ReceiverClocks,
    /// While memories are read back.
    names: ReceiverNames,
    devices: FxHashMap<u32, Box<Device>>,
    /// (when, device): at least one entry per device that has a deadline, at or before it.
    deadlines: BinaryHeap<Reverse<(u64, u32)>>,
    /// Devices that changed since the last checkpoint.
    changed: Vec<u32>,
    /// Blank devices that the last checkpoint still told: the next one drops them.
    blank: Vec<u32>,
}

impl Core {
    /// A core that knows nothing.
    pub fn new(partition: u16, settings: Settings) -> Self {
        Self {
            settings,
            partition,
            next_offset: 0,
            clock_us: 0,
            clock_sent_us: 0,
            receivers: ReceiverClocks::default(),
            names: ReceiverNames::default(),
            devices: FxHashMap::default(),
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

    /// The highest time of ingest so far.
    pub fn clock_us(&self) -> u64 {
        self.clock_us
    }

    /// How many devices are known.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// Applies one record; what follows is appended to `out`.
    pub fn apply(&mut self, input: &RawInput<'_>, out: &mut Outputs) {
        if input.offset < self.next_offset {
            return;
        }
        self.names = ReceiverNames::default();
        self.clock_us = self.clock_us.max(input.record.ingested_at_us);
        self.expire(input.offset, out);
        match &input.record.input {
            Some(Input::MqttFrame(payload)) => self.apply_frame(input, payload, out),
            Some(Input::ReceiverHardware(payload)) => {
                let content = reception::Content::ReceiverHardware(payload.clone());
                out.receptions.push((input.record.ingested_at_us, self.reception(input, content)));
            }
            Some(Input::AppPosition(told)) => self.apply_app_position(input, told, out),
            Some(Input::SourceReport(told)) => self.apply_source_report(input, told, out),
            Some(Input::Command(command)) => {
                let obey = |device: &mut Device, at: &Moment<'_>| device.obey(command, at, out);
                let obeyed = self.with_device(command.device, input.offset, obey);
                if obeyed == Some(true) && matches!(command.action, Some(Action::Erase(_))) {
                    out.observations.push(self.erased(input, command));
                }
            }
            Some(Input::Tick(_)) => {}
            None => out.reject = Some(crate::decode::Reject::new("no_input", "the record carries no known input")),
        }
        self.pass_clock_on(out);
        self.next_offset = input.offset + 1;
    }

    /// Passes over a record that cannot even be read.
    pub fn skip(&mut self, offset: u64) {
        self.next_offset = self.next_offset.max(offset + 1);
    }

    /// All states that somebody may see, as they were last given out.
    pub fn states(&self) -> impl Iterator<Item = StateChange> {
        self.devices.values().flat_map(|device| device.states(&self.settings))
    }

    /// The states of one device that somebody may see, as they were last given out.
    pub fn states_of(&self, device: u32) -> impl Iterator<Item = StateChange> {
        self.devices.get(&device).into_iter().flat_map(|device| device.states(&self.settings))
    }

    /// The trust of all devices that were ever judged, as of now.
    pub fn scores(&self) -> impl Iterator<Item = ScoreChange> {
        let judged = self.devices.values().filter(|device| device.score != score::Score::default());
        judged.map(|device| device.score_change(device.next_offset.saturating_sub(1)))
    }

    /// What changed since the last call, as checkpoint records: devices (`None`: to be dropped), and the partition's
    /// own part last. They must be durable, in this order, before the next offset is committed, and committed before
    /// the next call.
    pub fn changed_memories(&mut self, epoch: &str) -> Vec<(String, Option<ProcessorState>)> {
        let mut records = Vec::with_capacity(self.changed.len() + self.blank.len() + 1);
        for address in std::mem::take(&mut self.blank) {
            // Something may have come in since: then it is told below.
            if self.devices.get(&address).is_some_and(|device| !device.is_changed) {
                self.devices.remove(&address);
                records.push((DeviceAddress(address).to_string(), None));
            }
        }
        for address in std::mem::take(&mut self.changed) {
            let Some(device) = self.devices.get_mut(&address) else { continue };
            device.is_changed = false;
            if device.is_blank() {
                self.blank.push(address);
            }
            let part = processor_state::Part::Device(device.to_memory());
            records.push((DeviceAddress(address).to_string(), Some(ProcessorState { part: Some(part) })));
        }
        let part = processor_state::Part::Partition(PartitionMemory {
            next_offset: self.next_offset,
            clock_us: self.clock_us,
            receivers: self.receivers.to_memory(),
            clock_sent_us: self.clock_sent_us,
            epoch: epoch.to_owned(),
        });
        records.push((PARTITION_KEY.to_owned(), Some(ProcessorState { part: Some(part) })));
        records
    }

    /// All devices are to be told by the next call of [`Core::changed_memories`], changed or not.
    pub fn change_all(&mut self) {
        for (address, device) in &mut self.devices {
            if !device.is_changed {
                device.is_changed = true;
                self.changed.push(*address);
            }
        }
    }

    /// Takes back one checkpoint record, the newest of its key, before any record is applied.
    pub fn restore(&mut self, memory: ProcessorState) {
        match memory.part {
            Some(processor_state::Part::Device(memory)) => {
                let mut device = Box::new(Device::from_memory(&memory, &mut self.names));
                if device.is_blank() {
                    // Told once more by the next checkpoint, dropped by the one after.
                    device.is_changed = true;
                    self.changed.push(device.address);
                }
                schedule(&mut device, &self.settings.lifetimes, self.clock_us, &mut self.deadlines);
                self.devices.insert(device.address, device);
            }
            Some(processor_state::Part::Partition(memory)) => {
                self.next_offset = memory.next_offset;
                self.clock_us = memory.clock_us;
                self.clock_sent_us = memory.clock_sent_us;
                self.receivers = ReceiverClocks::from_memory(&memory.receivers, &mut self.names);
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

    /// Asks those who keep observations to forget the device, too.
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
        work: impl FnOnce(&mut Device, &Moment<'_>) -> T,
    ) -> Option<T> {
        self.visit(address, offset, |device, at| {
            let done = work(device, at);
            device.next_offset = offset + 1;
            done
        })
    }

    /// Runs `work` on a device, unless it is ahead of this record.
    fn visit<T>(&mut self, address: u32, offset: u64, work: impl FnOnce(&mut Device, &Moment<'_>) -> T) -> Option<T> {
        let device = self.devices.entry(address).or_insert_with(|| Box::new(Device::new(address)));
        if offset < device.next_offset {
            return None;
        }
        let at =
            Moment { settings: &self.settings, offset, clock_us: self.clock_us, clock_sent_us: self.clock_sent_us };
        let done = work(device, &at);
        if !device.is_changed {
            device.is_changed = true;
            self.changed.push(address);
        }
        schedule(device, &self.settings.lifetimes, self.clock_us, &mut self.deadlines);
        Some(done)
    }

    fn expire(&mut self, offset: u64, out: &mut Outputs) {
        while self.deadlines.peek().is_some_and(|Reverse((due_us, _))| *due_us <= self.clock_us) {
            let mut due = self.take_due();
            // When a device was last looked at depends on restarts; the order of what it gives out must not.
            due.sort_unstable();
            for address in due {
                // The record that brings the end can be the device's own, which it has still to see.
                self.visit(address, offset, |device, at| device.expire(at, out));
            }
        }
    }

    /// Takes the devices of which something has reached its end; schedules the others that were looked at anew.
    fn take_due(&mut self) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some(&Reverse((due_us, address))) = self.deadlines.peek()
            && due_us <= self.clock_us
        {
            self.deadlines.pop();
            let Some(device) = self.devices.get_mut(&address).filter(|device| device.wake_us == due_us) else {
                continue;
            };
            device.wake_us = u64::MAX;
            if device.next_deadline_us(&self.settings.lifetimes) <= self.clock_us {
                due.push(address);
            } else {
                schedule(device, &self.settings.lifetimes, self.clock_us, &mut self.deadlines);
            }
        }
        due
    }

    fn pass_clock_on(&mut self, out: &mut Outputs) {
        if self.clock_us < self.clock_sent_us + self.settings.clock_interval_us {
            return;
        }
        self.clock_sent_us = self.clock_us;
        let clock = PartitionClock { raw_partition: self.partition.into(), clock_us: self.clock_us };
        let content = Some(thermal_report::Content::Clock(clock));
        out.thermal_reports.push((self.clock_us, ThermalReport { content }));
        let content = Some(reception::Content::Clock(clock));
        out.receptions.push((self.clock_us, Reception { content, ..Reception::default() }));
    }
}

/// Sees to it that the device is looked at when its next end comes, and before an aircraft's could come: so a device that
/// becomes one needs no second entry.
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
