//! The group on the raw topic: the stream core with its codecs.

use std::sync::Arc;

use bytes::Bytes;
use runtime::Clock;
use schemas::id::{DeviceAddress, RecordId};
use schemas::v1::command::Action;
use schemas::v1::raw_record::Input;
use schemas::v1::{Audience, ProcessorState, RawRecord, processor_state};
use streams::framing::FramingError;
use streams::{Incoming, Outgoing};

use crate::clock_readiness::ClockReadiness;
use crate::metrics::RawMetrics;
use crate::pipeline::{CheckpointOrigin, Emission, Machine, Rejection, Verdict};
use crate::sinks::live::LiveUpdate;
use crate::sinks::topics::{Cause, RawTopics};
use air::core::{Core, Outputs, RawInput, Settings, StateChange};

/// The core of one raw partition between its topics.
#[derive(Debug)]
pub struct RawMachine {
    core: Core,
    topics: Arc<RawTopics>,
    epoch: String,
    clock: Clock,
    metrics: RawMetrics,
    clock_readiness: ClockReadiness,
    outputs: Outputs,
}

impl RawMachine {
    /// An empty core.
    pub fn new(
        partition: u32,
        epoch: &str,
        settings: Settings,
        topics: Arc<RawTopics>,
        clock: Clock,
        metrics: RawMetrics,
        clock_readiness: ClockReadiness,
    ) -> Self {
        let partition = u16::try_from(partition).expect("a topic has fewer than 65,536 partitions");
        let core = Core::new(partition, settings);
        Self { core, topics, epoch: epoch.to_owned(), clock, metrics, clock_readiness, outputs: Outputs::default() }
    }
}

impl Machine for RawMachine {
    fn apply(&mut self, record: &Incoming, out: &mut Emission) {
        let value = record.value.clone().unwrap_or_default();
        let input: RawRecord = match self.topics.raw.codec.decode(&value) {
            Ok(input) => input,
            Err(error) => {
                if record.offset >= self.core.next_offset() {
                    let is_written = self.core.skip(record.offset, error.reason());
                    out.verdict = Verdict::Unreadable(Rejection { reason: error.reason(), is_written });
                }
                return;
            }
        };
        out.decoded();
        if let Some(trace) = &mut out.trace {
            trace.identify(record, input.receiver_id.as_deref());
        }
        let is_judged = record.offset >= self.core.next_offset() && !matches!(input.input, Some(Input::Tick(_)));
        self.core.apply(&RawInput { offset: record.offset, record: &input }, &mut self.outputs);
        if is_judged && matches!(input.input, Some(Input::MqttFrame(_))) {
            self.metrics.count_frame(&self.outputs);
        }
        out.verdict = if is_judged { Verdict::Usable } else { Verdict::NotJudged };
        if let Some(reject) = self.outputs.reject.take() {
            tracing::debug!(partition = record.partition, offset = record.offset, reason = reject.reason, "{reject}");
            let is_written = !self.outputs.is_withheld;
            out.verdict = Verdict::Rejected(Rejection { reason: reject.reason, is_written });
        }
        self.core.take_health(&mut out.health);
        self.metrics.count(&self.outputs);
        if let Some(leap) = self.outputs.leap {
            let (partition, offset, by_s) = (record.partition, record.offset, leap.by_us / 1_000_000);
            tracing::warn!(partition, offset, by_s, "the partition's clock leapt");
        }
        let cause = Cause {
            record,
            ingested_at_us: input.ingested_at_us,
            stamp_s: receiver_stamp_s(&input),
            processed_at_us: self.clock.now_us(),
        };
        self.topics.write(&mut self.outputs, &cause, &mut out.records);
        out.urgent |= self.outputs.urgent;
        out.live.extend(self.outputs.states.drain(..).filter_map(live_update));
        out.live.extend(self.outputs.scores.drain(..).map(LiveUpdate::of_score));
        // Of a device that was never shown, Redis has the score only.
        out.live
            .extend(self.outputs.evicted.iter().map(|evicted| LiveUpdate::score_ended(evicted.device, record.offset)));
        self.outputs.clear();
        out.live.extend(erased(&input).map(|device| LiveUpdate::score_ended(device, record.offset)));
    }

    fn next_offset(&self) -> u64 {
        self.core.next_offset()
    }

    fn clock_us(&self) -> u64 {
        self.core.clock_us()
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        self.metrics.devices(self.core.partition(), self.core.devices(), self.core.kept_devices());
        self.clock_readiness.update(self.core.partition(), self.core.clock());
        let codec = &self.topics.checkpoints.codec;
        let parts = self.core.changed_checkpoints(&self.epoch);
        parts.into_iter().map(|(key, part)| (key, part.map(|part| codec.encode(&part)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<CheckpointOrigin, FramingError> {
        let state: ProcessorState = self.topics.checkpoints.codec.decode(value)?;
        if let Some(processor_state::Part::Partition(own)) = &state.part
            && own.epoch != self.epoch
        {
            return Ok(CheckpointOrigin::OtherLog);
        }
        self.core.restore(state);
        Ok(CheckpointOrigin::ThisLog)
    }

    fn accepts_newer_parts(&self) -> bool {
        true
    }

    fn checkpoint_all(&mut self) {
        self.core.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        // New topics go to the end: checkpoints list the verified offsets in this order.
        self.topics.states().into_iter().chain([&self.topics.privacy]).map(|topic| topic.name.clone()).collect()
    }

    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let name = std::str::from_utf8(key).ok()?;
        let partition = self.core.partition().into();
        if *topic == self.topics.landmark.name {
            // Keys of landmarks do not name their device.
            let _: RecordId = name.parse().ok()?;
            return self.newest_of(self.core.states(), topic, key);
        }
        let DeviceAddress(device) = name.split('/').next()?.parse().ok()?;
        if *topic == self.topics.privacy.name {
            // No tombstone: a device that this core does not know may still have been hidden.
            return self.core.privacy_of(device).map(|change| self.topics.privacy(&change, partition));
        }
        self.newest_of(self.core.states_of(device), topic, key)
    }

    fn live(&self, out: &mut Vec<LiveUpdate>) {
        out.extend(self.core.states().filter_map(live_update));
        out.extend(self.core.scores().map(LiveUpdate::of_score));
    }
}

impl RawMachine {
    /// The record of a key among these states; a tombstone where there is none.
    fn newest_of(&self, states: impl Iterator<Item = StateChange>, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let partition = self.core.partition().into();
        let mut records = states.filter_map(|change| self.topics.republished_state(&change, partition));
        let newest = records.find(|record| record.topic == *topic && record.key.as_ref() == Some(key));
        newest.or_else(|| {
            let version = self.core.next_offset().saturating_sub(1);
            let topic = self.topics.states().into_iter().find(|known| known.name == *topic)?;
            Some(topic.ended(Some(partition), key.clone(), self.core.clock_us(), version))
        })
    }
}

impl Drop for RawMachine {
    fn drop(&mut self) {
        self.clock_readiness.remove(self.core.partition());
        // The next owner counts them.
        self.metrics.devices(self.core.partition(), 0, 0);
    }
}

/// The device that a command erases: its score is removed, too.
fn erased(input: &RawRecord) -> Option<u32> {
    match &input.input {
        Some(Input::Command(command)) => command.action.as_ref().and_then(|action| match action {
            Action::Erase(_) => Some(command.device),
            _ => None,
        }),
        _ => None,
    }
}

/// The time in the frame's wrapper.
fn receiver_stamp_s(input: &RawRecord) -> Option<u32> {
    match &input.input {
        Some(Input::MqttFrame(payload)) => payload.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// The update of Redis for a change. `None`: it is not public, or Redis does not hold its kind.
fn live_update(change: StateChange) -> Option<LiveUpdate> {
    let is_held = change.audience == Audience::Public && schemas::redis::holds(change.kind);
    is_held.then(|| LiveUpdate::of_object(change.kind, change.number, change.version, change.state))
}
