//! The group on the raw topic: the stream core with its codecs.

use std::sync::Arc;

use bytes::Bytes;
use runtime::Clock;
use schemas::id::DeviceAddress;
use schemas::v1::command::Action;
use schemas::v1::raw_record::Input;
use schemas::v1::{Audience, ObjectKind, ProcessorState, RawRecord, processor_state};
use streams::framing::FramingError;
use streams::{Incoming, Outgoing};

use crate::clock_watch::ClockWatch;
use crate::metrics::RawMetrics;
use crate::pipeline::{Emission, Fit, Machine, Rejection, Verdict};
use crate::sinks::live::{LiveKind, LiveState, LiveUpdate};
use crate::sinks::topics::{Cause, RawTopics};
use air::core::{Content, Core, Outputs, RawInput, Settings, StateChange};

/// The core of one raw partition between its topics.
#[derive(Debug)]
pub struct RawMachine {
    core: Core,
    topics: Arc<RawTopics>,
    epoch: String,
    clock: Clock,
    metrics: RawMetrics,
    watch: ClockWatch,
    outputs: Outputs,
}

impl RawMachine {
    /// A core that knows nothing.
    pub fn new(
        partition: u32,
        epoch: &str,
        settings: Settings,
        topics: Arc<RawTopics>,
        clock: Clock,
        metrics: RawMetrics,
        watch: ClockWatch,
    ) -> Self {
        let partition = u16::try_from(partition).expect("a topic has fewer than 65,536 partitions");
        let core = Core::new(partition, settings);
        Self { core, topics, epoch: epoch.to_owned(), clock, metrics, watch, outputs: Outputs::default() }
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
            stamp_s: stamp_of(&input),
            processed_at_us: self.clock.now_us(),
        };
        self.topics.write(&mut self.outputs, &cause, &mut out.records);
        out.urgent |= self.outputs.urgent;
        out.live.extend(self.outputs.states.drain(..).filter_map(live_update));
        let scores = self.outputs.scores.drain(..);
        out.live.extend(scores.map(|score| LiveUpdate {
            kind: LiveKind::Validation,
            id: score.device.into(),
            version: score.version,
            state: Some(LiveState::Validation(score)),
        }));
        // Of a device that was never shown this is all that Redis has.
        out.live.extend(self.outputs.evicted.iter().map(|evicted| no_trust(evicted.device, record.offset)));
        self.outputs.clear();
        out.live.extend(erased(&input).map(|device| no_trust(device, record.offset)));
    }

    fn next_offset(&self) -> u64 {
        self.core.next_offset()
    }

    fn clock_us(&self) -> u64 {
        self.core.clock_us()
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        self.metrics.devices(self.core.partition(), self.core.devices(), self.core.kept_devices());
        self.watch.look(self.core.partition(), self.core.clock());
        let codec = &self.topics.checkpoints.codec;
        let memories = self.core.changed_checkpoints(&self.epoch);
        memories.into_iter().map(|(key, memory)| (key, memory.map(|memory| codec.encode(&memory)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<Fit, FramingError> {
        let memory: ProcessorState = self.topics.checkpoints.codec.decode(value)?;
        if let Some(processor_state::Part::Partition(own)) = &memory.part
            && own.epoch != self.epoch
        {
            return Ok(Fit::OtherLog);
        }
        self.core.restore(memory);
        Ok(Fit::Ours)
    }

    fn takes_parts_ahead(&self) -> bool {
        true
    }

    fn checkpoint_all(&mut self) {
        self.core.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        // At the end: what was verified is remembered by the order.
        self.topics.states().into_iter().chain([&self.topics.privacy]).map(|topic| topic.name.clone()).collect()
    }

    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let device = std::str::from_utf8(key).ok()?.split('/').next()?;
        let DeviceAddress(device) = device.parse().ok()?;
        let partition = self.core.partition().into();
        if *topic == self.topics.privacy.name {
            // Never ended: a device of which nothing is known here may have been hidden all the same.
            return self.core.privacy_of(device).map(|change| self.topics.privacy(&change, partition));
        }
        let records = self.core.states_of(device).map(|change| self.topics.state_again(&change, partition));
        let newest = records.into_iter().find(|record| record.topic == *topic && record.key.as_ref() == Some(key));
        newest.or_else(|| {
            let version = self.core.next_offset().saturating_sub(1);
            let topic = self.topics.states().into_iter().find(|known| known.name == *topic)?;
            Some(topic.ended(Some(partition), key.clone(), self.core.clock_us(), version))
        })
    }

    fn live(&self, out: &mut Vec<LiveUpdate>) {
        out.extend(self.core.states().filter_map(live_update));
        out.extend(self.core.scores().map(|score| LiveUpdate {
            kind: LiveKind::Validation,
            id: score.device.into(),
            version: score.version,
            state: Some(LiveState::Validation(score)),
        }));
    }
}

impl Drop for RawMachine {
    fn drop(&mut self) {
        self.watch.forget(self.core.partition());
    }
}

/// Takes a device's trust out of Redis.
fn no_trust(device: u32, version: u64) -> LiveUpdate {
    LiveUpdate { kind: LiveKind::Validation, id: device.into(), version, state: None }
}

/// The device that an order erases: its trust, too, is to be seen no more.
fn erased(input: &RawRecord) -> Option<u32> {
    match &input.input {
        Some(Input::Command(command)) => command.action.as_ref().and_then(|action| match action {
            Action::Erase(_) => Some(command.device),
            _ => None,
        }),
        _ => None,
    }
}

fn stamp_of(input: &RawRecord) -> Option<u32> {
    match &input.input {
        Some(Input::MqttFrame(payload)) => payload.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// What Redis shows of a change: public objects, not alerts.
fn live_update(change: StateChange) -> Option<LiveUpdate> {
    if change.audience != Audience::Public {
        return None;
    }
    let (kind, state) = match change.content {
        Content::Aircraft(state) => (LiveKind::Aircraft, Some(LiveState::Aircraft(state))),
        Content::Ground(state) => (LiveKind::Ground, Some(LiveState::Ground(state))),
        Content::Station(state) => (LiveKind::Station, Some(LiveState::Station(state))),
        Content::Ended(ObjectKind::Aircraft) => (LiveKind::Aircraft, None),
        Content::Ended(ObjectKind::Ground) => (LiveKind::Ground, None),
        Content::Ended(ObjectKind::Station) => (LiveKind::Station, None),
        Content::Alert(_) | Content::Ended(_) => return None,
    };
    Some(LiveUpdate { kind, id: change.device.into(), version: change.version, state })
}
