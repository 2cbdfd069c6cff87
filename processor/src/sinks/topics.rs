//! Converts the core's outputs into records of their topics.

use std::sync::Arc;

use bytes::Bytes;
use runtime::Context;
use schemas::catalogue::topic;
use schemas::headers::{OBSERVATION_ID, WAY, Way};
use schemas::id::{DeviceAddress, RecordId};
use schemas::keys::{self, PrivatePart};
use schemas::object::{Kind, State};
use schemas::v1::{Audience, Observation, Reception, ThermalReport, ZoneEvent};
use streams::{Cluster, Headers, Incoming, Outgoing, Topic, Unprepared, put_version};

use air::core::{Outputs, PrivacyChange, StateChange};

/// The topics that the stream core reads and writes.
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
    pub landmark: Topic,
    pub private_state: Topic,
    pub privacy: Topic,
    pub thermal_report: Topic,
    pub zone_event: Topic,
    pub checkpoints: Topic,
}

impl RawTopics {
    /// The topics without a latency requirement: those that history and statistics are made of.
    pub fn without_latency_requirement(&self) -> Vec<Arc<str>> {
        let topics = [&self.observation, &self.private_observation, &self.reception, &self.thermal_report];
        topics.map(|topic| topic.name.clone()).into()
    }

    /// Registers all schemas.
    ///
    /// # Errors
    /// The process stops, or the registry refuses a schema.
    pub async fn prepare(cluster: &Cluster, context: &Context) -> Result<Self, Unprepared> {
        Ok(Self {
            raw: cluster.topic(context, topic::RAW).await?,
            observation: cluster.topic(context, topic::OBSERVATION).await?,
            private_observation: cluster.topic(context, topic::PRIVATE_OBSERVATION).await?,
            reception: cluster.topic(context, topic::RECEPTION).await?,
            aircraft: cluster.topic(context, topic::AIRCRAFT).await?,
            ground: cluster.topic(context, topic::GROUND).await?,
            station: cluster.topic(context, topic::STATION).await?,
            alert: cluster.topic(context, topic::ALERT).await?,
            landmark: cluster.topic(context, topic::LANDMARK).await?,
            private_state: cluster.topic(context, topic::PRIVATE_STATE).await?,
            privacy: cluster.topic(context, topic::PRIVACY).await?,
            thermal_report: cluster.topic(context, topic::THERMAL_REPORT).await?,
            zone_event: cluster.topic(context, topic::ZONE_EVENT).await?,
            checkpoints: cluster.topic(context, topic::PROCESSOR_STATE).await?,
        })
    }

    /// Converts outputs into records. `cause`: the raw record.
    pub fn write(&self, out: &mut Outputs, cause: &Cause<'_>, records: &mut Vec<Outgoing>) {
        // First, so that readers of the past know that a device is hidden before they read its records.
        for change in out.privacy.drain(..) {
            records.push(self.privacy(&change, cause.record.partition));
        }
        for observation in out.observations.drain(..) {
            records.push(self.observation(&observation, cause));
        }
        for change in &out.states {
            records.extend(self.state(change, cause));
        }
        for event in out.zone_events.drain(..) {
            records.push(self.zone_event(&event, cause));
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
        let mut headers = Headers::new();
        headers.push(OBSERVATION_ID, RecordId(observation.observation_id).to_string());
        let key = device_key(observation.device);
        topic.record(Some(cause.record.partition), key, observation, observation.event_at_us, headers)
    }

    /// The record of a device's public past.
    pub fn privacy(&self, change: &PrivacyChange, partition: u32) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, change.state.version);
        self.privacy.record(Some(partition), device_key(change.state.device), &change.state, change.at_us, headers)
    }

    /// The topics of states and alerts.
    pub fn states(&self) -> [&Topic; 6] {
        [&self.aircraft, &self.ground, &self.station, &self.alert, &self.landmark, &self.private_state]
    }

    /// A state that is published again, long after its raw record.
    pub fn republished_state(&self, change: &StateChange, partition: u32) -> Option<Outgoing> {
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        self.state_with(change, partition, headers)
    }

    fn state(&self, change: &StateChange, cause: &Cause<'_>) -> Option<Outgoing> {
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        headers.push(WAY, cause.way().to_string());
        self.state_with(change, cause.record.partition, headers)
    }

    /// `None`: the state of a kind that another group publishes.
    fn state_with(&self, change: &StateChange, partition: u32, headers: Headers) -> Option<Outgoing> {
        let (partition, is_public) = (Some(partition), change.audience == Audience::Public);
        let (topic, key) = if is_public {
            (self.public(change.kind)?, change.kind.key(change.number)?.into())
        } else {
            (&self.private_state, private_key(change.device, change.kind))
        };
        let Some(state) = &change.state else {
            return Some(topic.tombstone(partition, key, change.at_us, headers));
        };
        if !is_public {
            let state = state.clone().into_private()?;
            return Some(topic.record(partition, key, &state, change.at_us, headers));
        }
        match state {
            State::Aircraft(state) => Some(topic.record(partition, key, state, change.at_us, headers)),
            State::Ground(state) => Some(topic.record(partition, key, state, change.at_us, headers)),
            State::Station(state) => Some(topic.record(partition, key, state, change.at_us, headers)),
            State::Alert(state) => Some(topic.record(partition, key, state, change.at_us, headers)),
            State::Landmark(state) => Some(topic.record(partition, key, state, change.at_us, headers)),
            State::Thermal(_) | State::Receiver(_) => None,
        }
    }

    fn public(&self, kind: Kind) -> Option<&Topic> {
        match kind {
            Kind::Aircraft => Some(&self.aircraft),
            Kind::Ground => Some(&self.ground),
            Kind::Station => Some(&self.station),
            Kind::Alert => Some(&self.alert),
            Kind::Landmark => Some(&self.landmark),
            Kind::Thermal | Kind::Receiver => None,
        }
    }

    fn zone_event(&self, event: &ZoneEvent, cause: &Cause<'_>) -> Outgoing {
        let mut headers = Headers::new();
        headers.push(OBSERVATION_ID, RecordId(event.observation_id).to_string());
        let key = device_key(event.device);
        self.zone_event.record(Some(cause.record.partition), key, event, event.event_at_us, headers)
    }

    fn reception(&self, at_us: u64, reception: &Reception, cause: &Cause<'_>) -> Outgoing {
        // A clock belongs to no receiver: it goes to the partition with the number of the raw partition.
        let is_clock = reception.receiver_id.is_empty();
        let partition = is_clock.then_some(cause.record.partition);
        let record = self.reception.record(partition, reception.receiver_id.clone(), reception, at_us, Headers::new());
        Outgoing { key: record.key.filter(|_| !is_clock), ..record }
    }

    fn thermal_report(&self, at_us: u64, report: &ThermalReport, cause: &Cause<'_>) -> Outgoing {
        let key = match &report.content {
            Some(schemas::v1::thermal_report::Content::Report(report)) => device_key(report.device),
            _ => keys::clock(cause.record.partition).into(),
        };
        self.thermal_report.record(Some(0), key, report, at_us, Headers::new())
    }
}

/// The raw record that causes outputs.
#[derive(Debug)]
pub struct Cause<'a> {
    /// The record.
    pub record: &'a Incoming,
    /// The ingestion time, at the bridge.
    pub ingested_at_us: u64,
    /// The receiver's timestamp, seconds, where it has one.
    pub stamp_s: Option<u32>,
    /// The time by the clock of this machine.
    pub processed_at_us: u64,
}

impl Cause<'_> {
    /// The times at receiver, bridge and processor.
    fn way(&self) -> Way {
        Way {
            receiver_us: self.stamp_s.map(|stamp_s| u64::from(stamp_s) * 1_000_000),
            bridge_us: Some(self.ingested_at_us),
            processor_us: Some(self.processed_at_us),
        }
    }
}

fn device_key(device: u32) -> Bytes {
    DeviceAddress(device).to_string().into()
}

fn private_key(device: u32, kind: Kind) -> Bytes {
    let part = if kind == Kind::Alert { PrivatePart::Alert } else { PrivatePart::Object };
    keys::private(device, part).into()
}
