//! The group on climb reports: the thermal aggregator with its codecs.

mod aggregator;
mod clocks;
mod fading;
mod held;
mod picture;
mod thermal;
mod wind;

use std::sync::Arc;

use bytes::Bytes;
use runtime::{Context, Part};
use schemas::catalogue::topic;
use schemas::id::RecordId;
use schemas::v1::{ThermalReport, ThermalsState, thermals_state};
use streams::framing::FramingError;
use streams::registry::Schemas;
use streams::{Headers, Incoming, Outgoing};

use crate::pipeline::{Emission, Fit, Machine, Verdict, put_version};
use crate::sinks::live::{LiveKind, LiveState, LiveUpdate};
use crate::sinks::topics::Topic;

pub use aggregator::{Aggregator, Changes, ThermalChange, WindChange};
pub use wind::WindKey;

/// The topics of the group.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the catalogue")]
pub struct ThermalTopics {
    pub reports: Topic,
    pub thermals: Topic,
    pub winds: Topic,
    pub checkpoints: Topic,
}

impl ThermalTopics {
    /// Registers all schemas. `None`: asked to stop.
    ///
    /// # Errors
    /// The registry refuses a schema for good.
    pub async fn prepare(
        context: &Context,
        part: &Part,
        schemas: &Schemas,
        prefix: &str,
    ) -> anyhow::Result<Option<Self>> {
        let prepare = |name| Topic::prepare(context, part, schemas, prefix, name);
        let Some(reports) = prepare(topic::THERMAL_REPORT).await? else { return Ok(None) };
        let Some(thermals) = prepare(topic::THERMAL).await? else { return Ok(None) };
        let Some(winds) = prepare(topic::WIND).await? else { return Ok(None) };
        let Some(checkpoints) = prepare(topic::THERMALS_STATE).await? else { return Ok(None) };
        Ok(Some(Self { reports, thermals, winds, checkpoints }))
    }
}

/// The aggregator between its topics.
#[derive(Debug)]
pub struct ThermalMachine {
    aggregator: Aggregator,
    epoch: String,
    topics: Arc<ThermalTopics>,
    changes: Changes,
}

impl ThermalMachine {
    /// An aggregator that knows nothing; reports wait for the clocks of `raw_partitions`.
    pub fn new(raw_partitions: u32, epoch: &str, topics: Arc<ThermalTopics>) -> Self {
        Self {
            aggregator: Aggregator::new(raw_partitions),
            epoch: epoch.to_owned(),
            topics,
            changes: Changes::default(),
        }
    }

    fn emit(&self, change: ThermalChange, out: &mut Emission) {
        out.records.push(self.thermal_record(&change));
        out.live.push(live_update(change));
    }

    fn thermal_record(&self, change: &ThermalChange) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        let (topic, key) = (&self.topics.thermals, RecordId(change.thermal_id).to_string());
        match &change.state {
            Some(state) => topic.record(Some(0), key, state, state.last_seen_at_us, headers),
            None => topic.tombstone(Some(0), key, change.at_us, headers),
        }
    }

    fn wind_record(&self, change: &WindChange) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        let (topic, key) = (&self.topics.winds, wind::name_of(change.key));
        match &change.state {
            Some(state) => topic.record(Some(0), key, state, state.last_seen_at_us, headers),
            None => topic.tombstone(Some(0), key, change.at_us, headers),
        }
    }
}

impl Machine for ThermalMachine {
    fn apply(&mut self, record: &Incoming, out: &mut Emission) {
        let value = record.value.clone().unwrap_or_default();
        match self.topics.reports.codec.decode::<ThermalReport>(&value) {
            Ok(report) => self.aggregator.apply(record.offset, &report, &mut self.changes),
            Err(error) => {
                let (offset, reason) = (record.offset, error.reason());
                tracing::error!(offset, reason, "a report of ours cannot be read: it is left out");
                out.verdict = Verdict::Rejected(reason);
                return;
            }
        }
        out.verdict = Verdict::Usable;
        let mut changes = std::mem::take(&mut self.changes);
        changes.thermals.drain(..).for_each(|change| self.emit(change, out));
        out.records.extend(changes.winds.drain(..).map(|change| self.wind_record(&change)));
        self.changes = changes;
    }

    fn next_offset(&self) -> u64 {
        self.aggregator.next_offset()
    }

    fn clock_us(&self) -> u64 {
        self.aggregator.clock_us()
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        let codec = &self.topics.checkpoints.codec;
        let memories = self.aggregator.changed_memories(&self.epoch);
        memories.into_iter().map(|(key, memory)| (key, memory.map(|memory| codec.encode(&memory)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<Fit, FramingError> {
        let memory: ThermalsState = self.topics.checkpoints.codec.decode(value)?;
        if let Some(thermals_state::Part::Aggregator(own)) = &memory.part
            && own.epoch != self.epoch
        {
            return Ok(Fit::OtherLog);
        }
        self.aggregator.restore(memory);
        Ok(Fit::Ours)
    }

    fn takes_parts_ahead(&self) -> bool {
        // Thermals depend on each other: a report joins the nearest.
        false
    }

    fn checkpoint_all(&mut self) {
        self.aggregator.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        vec![self.topics.thermals.name.clone(), self.topics.winds.name.clone()]
    }

    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let (own, name) = ([&self.topics.thermals, &self.topics.winds], std::str::from_utf8(key).ok()?);
        let own = own.into_iter().find(|own| own.name == *topic)?;
        let record = if own.name == self.topics.thermals.name {
            let thermal_id = name.parse().map_or(0, |RecordId(thermal_id)| thermal_id);
            let found = self.aggregator.states().find(|change| change.thermal_id == thermal_id);
            found.map(|change| self.thermal_record(&change))
        } else {
            let found =
                self.aggregator.winds().find(|state| format!("{}/{}", state.cell, state.base_altitude_m) == name);
            found.map(|state| {
                let mut headers = Headers::new();
                put_version(&mut headers, state.version);
                own.record(Some(0), key.clone(), state, state.last_seen_at_us, headers)
            })
        };
        let version = self.next_offset().saturating_sub(1);
        Some(record.unwrap_or_else(|| own.ended(Some(0), key.clone(), self.clock_us(), version)))
    }

    fn live(&self, out: &mut Vec<LiveUpdate>) {
        out.extend(self.aggregator.states().map(live_update));
    }
}

fn live_update(change: ThermalChange) -> LiveUpdate {
    LiveUpdate {
        kind: LiveKind::Thermal,
        id: change.thermal_id,
        version: change.version,
        state: change.state.map(LiveState::Thermal),
    }
}
