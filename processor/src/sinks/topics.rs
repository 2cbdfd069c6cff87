//! The core's outputs as records of their topics.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use runtime::keep_trying;
use schemas::catalogue::{self, topic};
use schemas::id::{DeviceAddress, RecordId};
use schemas::v1::{Audience, ObjectKind, Observation, PrivateState, Reception, ThermalReport, private_state};
use streams::registry::TopicCodec;
use streams::{Headers, Incoming, Outgoing, StreamError};

use crate::core::{Content, Outputs, StateChange};
use crate::pipeline::put_version;
use crate::serve::Outfit;

/// A topic and what frames its values.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Full name.
    pub name: Arc<str>,
    /// Frames values.
    pub codec: TopicCodec,
}

/// Why a topic is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// Asked to stop while the registry was waited for.
    #[error("asked to stop")]
    Stopped,
    /// The registry refuses the schema for good.
    #[error(transparent)]
    Refused(#[from] StreamError),
}

/// To stop in time is no error: then there is nothing.
///
/// # Errors
/// The registry refuses a schema for good.
pub fn unless_stopped<T>(prepared: Result<T, Unprepared>) -> Result<Option<T>, StreamError> {
    match prepared {
        Ok(prepared) => Ok(Some(prepared)),
        Err(Unprepared::Stopped) => Ok(None),
        Err(Unprepared::Refused(error)) => Err(error),
    }
}

impl Topic {
    /// Registers the schema of a topic of the catalogue, waiting for the registry as long as it takes.
    ///
    /// # Errors
    /// Asked to stop, or the registry refuses the schema for good.
    pub async fn prepare(outfit: &Outfit, name: &str) -> Result<Self, Unprepared> {
        let Outfit { context, schemas, topic_prefix: prefix, .. } = outfit;
        let topic = catalogue::find(name).expect("in the catalogue");
        let part = context.readiness.part("registry");
        let is_final = |error: &StreamError| !error.is_transient();
        let prepared =
            keep_trying(context, &part, schemas.name(), is_final, || schemas.prepare(prefix, &topic)).await?;
        let codec = prepared.ok_or(Unprepared::Stopped)?;
        Ok(Self { name: topic.full_name(prefix).into(), codec })
    }

    /// A record with a value.
    pub fn record(
        &self,
        partition: Option<u32>,
        key: impl Into<Bytes>,
        value: &impl Message,
        at_us: u64,
        headers: Headers,
    ) -> Outgoing {
        let value = Some(self.codec.encode(value));
        Outgoing { value, ..self.tombstone(partition, key, at_us, headers) }
    }

    /// A tombstone.
    pub fn tombstone(&self, partition: Option<u32>, key: impl Into<Bytes>, at_us: u64, headers: Headers) -> Outgoing {
        Outgoing {
            topic: self.name.clone(),
            partition,
            key: Some(key.into()),
            value: None,
            headers,
            timestamp_ms: (at_us / 1_000).cast_signed(),
        }
    }

    /// A state of something at a version, or the tombstone of what has none.
    pub fn state(
        &self,
        partition: Option<u32>,
        key: impl Into<Bytes>,
        at_us: u64,
        version: u64,
        state: Option<&impl Message>,
    ) -> Outgoing {
        let value = state.map(|state| self.codec.encode(state));
        Outgoing { value, ..self.ended(partition, key, at_us, version) }
    }

    /// The tombstone of something that ended at a version or before.
    pub fn ended(&self, partition: Option<u32>, key: impl Into<Bytes>, at_us: u64, version: u64) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, version);
        self.tombstone(partition, key, at_us, headers)
    }
}

/// The topics that the core of a raw partition writes, and the one it reads.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the catalogue")]
pub struct RawTopics {
    pub raw: Topic,
    pub observation: Topic,
    pub private_observation: Topic,
    pub reception: Topic,
    pub aircraft: Topic,
    pub ground: Topic,
    pub station: Topic,
    pub alert: Topic,
    pub private_state: Topic,
    pub thermal_report: Topic,
    pub checkpoints: Topic,
}

impl RawTopics {
    /// The topics that no map waits for: history and statistics are made of them.
    pub fn patient(&self) -> Vec<Arc<str>> {
        let topics = [&self.observation, &self.private_observation, &self.reception, &self.thermal_report];
        topics.map(|topic| topic.name.clone()).into()
    }

    /// Registers all schemas.
    ///
    /// # Errors
    /// Asked to stop, or the registry refuses a schema for good.
    pub async fn prepare(outfit: &Outfit) -> Result<Self, Unprepared> {
        Ok(Self {
            raw: Topic::prepare(outfit, topic::RAW).await?,
            observation: Topic::prepare(outfit, topic::OBSERVATION).await?,
            private_observation: Topic::prepare(outfit, topic::PRIVATE_OBSERVATION).await?,
            reception: Topic::prepare(outfit, topic::RECEPTION).await?,
            aircraft: Topic::prepare(outfit, topic::AIRCRAFT).await?,
            ground: Topic::prepare(outfit, topic::GROUND).await?,
            station: Topic::prepare(outfit, topic::STATION).await?,
            alert: Topic::prepare(outfit, topic::ALERT).await?,
            private_state: Topic::prepare(outfit, topic::PRIVATE_STATE).await?,
            thermal_report: Topic::prepare(outfit, topic::THERMAL_REPORT).await?,
            checkpoints: Topic::prepare(outfit, topic::PROCESSOR_STATE).await?,
        })
    }

    /// Turns outputs into records. `cause` is the raw record; `processed_at_us` the time by this machine's clock.
    pub fn write(&self, out: &mut Outputs, cause: &Cause<'_>, records: &mut Vec<Outgoing>) {
        for observation in out.observations.drain(..) {
            records.push(self.observation(&observation, cause));
        }
        for change in &out.states {
            records.push(self.state(change, cause));
        }
        for (at_us, reception) in out.receptions.drain(..) {
            records.push(self.reception(at_us, &reception, cause));
        }
        for (at_us, report) in out.thermal_reports.drain(..) {
            records.push(self.thermal_report(at_us, &report, cause));
        }
    }

    fn observation(&self, observation: &Observation, cause: &Cause<'_>) -> Outgoing {
        let topic = if observation.private { &self.private_observation } else { &self.observation };
        let mut headers = cause.headers();
        headers.push("observation-id", RecordId(observation.observation_id).to_string());
        let key = device_key(observation.device);
        topic.record(Some(cause.record.partition), key, observation, observation.event_at_us, headers)
    }

    /// The topics of states and alerts.
    pub fn states(&self) -> [&Topic; 5] {
        [&self.aircraft, &self.ground, &self.station, &self.alert, &self.private_state]
    }

    /// A state once more, long after the record that made it.
    pub fn state_again(&self, change: &StateChange, partition: u32) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        self.state_with(change, partition, headers)
    }

    fn state(&self, change: &StateChange, cause: &Cause<'_>) -> Outgoing {
        let mut headers = cause.headers();
        put_version(&mut headers, change.version);
        headers.push("way", cause.way());
        self.state_with(change, cause.record.partition, headers)
    }

    fn state_with(&self, change: &StateChange, partition: u32, headers: Headers) -> Outgoing {
        let (partition, kind) = (Some(partition), change.content.kind());
        let (topic, key) = match change.audience {
            Audience::Public => (self.public(kind), device_key(change.device)),
            _ => (&self.private_state, private_key(change.device, kind)),
        };
        let private = |state| PrivateState { state: Some(state) };
        match (&change.content, change.audience == Audience::Public) {
            (Content::Gone(_), _) => topic.tombstone(partition, key, change.at_us, headers),
            (Content::Aircraft(state), true) => topic.record(partition, key, state, change.at_us, headers),
            (Content::Ground(state), true) => topic.record(partition, key, state, change.at_us, headers),
            (Content::Station(state), true) => topic.record(partition, key, state, change.at_us, headers),
            (Content::Alert(state), true) => topic.record(partition, key, state, change.at_us, headers),
            (content, false) => {
                let state = match content.clone() {
                    Content::Aircraft(state) => private_state::State::Aircraft(state),
                    Content::Ground(state) => private_state::State::Ground(state),
                    Content::Station(state) => private_state::State::Station(state),
                    Content::Alert(state) => private_state::State::Alert(state),
                    Content::Gone(_) => unreachable!("a tombstone, see above"),
                };
                topic.record(partition, key, &private(state), change.at_us, headers)
            }
        }
    }

    fn public(&self, kind: ObjectKind) -> &Topic {
        match kind {
            ObjectKind::Ground => &self.ground,
            ObjectKind::Station => &self.station,
            ObjectKind::Alert => &self.alert,
            _ => &self.aircraft,
        }
    }

    fn reception(&self, at_us: u64, reception: &Reception, cause: &Cause<'_>) -> Outgoing {
        // A clock belongs to no receiver: it goes to the partition of its own number.
        let is_clock = reception.receiver_id.is_empty();
        let partition = is_clock.then_some(cause.record.partition);
        let record = self.reception.record(partition, reception.receiver_id.clone(), reception, at_us, cause.headers());
        Outgoing { key: record.key.filter(|_| !is_clock), ..record }
    }

    fn thermal_report(&self, at_us: u64, report: &ThermalReport, cause: &Cause<'_>) -> Outgoing {
        let key = match &report.content {
            Some(schemas::v1::thermal_report::Content::Report(report)) => device_key(report.device),
            _ => format!("clock-{}", cause.record.partition).into(),
        };
        self.thermal_report.record(Some(0), key, report, at_us, cause.headers())
    }
}

/// The raw record behind outputs.
#[derive(Debug)]
pub struct Cause<'a> {
    /// The record.
    pub record: &'a Incoming,
    /// When the bridge took it in.
    pub ingested_at_us: u64,
    /// The receiver's stamp, seconds, where there is one.
    pub stamp_s: Option<u32>,
    /// Now.
    pub processed_at_us: u64,
}

impl Cause<'_> {
    fn headers(&self) -> Headers {
        let mut headers = Headers::new();
        if let Some(trace) = self.record.headers.first("traceparent") {
            headers.push("traceparent", trace.clone());
        }
        headers
    }

    /// When it passed receiver, bridge and processor, microseconds.
    fn way(&self) -> String {
        let mut way = String::with_capacity(64);
        if let Some(stamp_s) = self.stamp_s {
            // Writing to a String cannot fail.
            let _ = write!(way, "r={},", u64::from(stamp_s) * 1_000_000);
        }
        let _ = write!(way, "b={},p={}", self.ingested_at_us, self.processed_at_us);
        way
    }
}

fn device_key(device: u32) -> Bytes {
    DeviceAddress(device).to_string().into()
}

/// Compaction keeps one record per key: a device's alert beside its object.
fn private_key(device: u32, kind: ObjectKind) -> Bytes {
    match kind {
        ObjectKind::Alert => format!("{}/alert", DeviceAddress(device)).into(),
        _ => device_key(device),
    }
}
