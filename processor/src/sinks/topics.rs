//! The core's outputs as records of their topics.

use std::sync::Arc;

use bytes::Bytes;
use runtime::Context;
use schemas::catalogue::topic;
use schemas::headers::{OBSERVATION_ID, WAY, Way};
use schemas::id::{DeviceAddress, RecordId};
use schemas::keys::{self, PrivatePart};
use schemas::v1::{Audience, ObjectKind, Observation, PrivateState, Reception, ThermalReport, private_state};
use streams::{Cluster, Headers, Incoming, Outgoing, Topic, Unprepared, put_version};

use air::core::{Content, Outputs, PrivacyChange, StateChange};

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
    pub privacy: Topic,
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
            private_state: cluster.topic(context, topic::PRIVATE_STATE).await?,
            privacy: cluster.topic(context, topic::PRIVACY).await?,
            thermal_report: cluster.topic(context, topic::THERMAL_REPORT).await?,
            checkpoints: cluster.topic(context, topic::PROCESSOR_STATE).await?,
        })
    }

    /// Turns outputs into records. `cause` is the raw record; `processed_at_us` the time by this machine's clock.
    pub fn write(&self, out: &mut Outputs, cause: &Cause<'_>, records: &mut Vec<Outgoing>) {
        // Before what it is about: who reads the past has to know first that it is not for the public any more.
        for change in out.privacy.drain(..) {
            records.push(self.privacy(&change, cause.record.partition));
        }
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
        let mut headers = Headers::new();
        headers.push(OBSERVATION_ID, RecordId(observation.observation_id).to_string());
        let key = device_key(observation.device);
        topic.record(Some(cause.record.partition), key, observation, observation.event_at_us, headers)
    }

    /// What of a device's past is public.
    pub fn privacy(&self, change: &PrivacyChange, partition: u32) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, change.state.version);
        self.privacy.record(Some(partition), device_key(change.state.device), &change.state, change.at_us, headers)
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
        let mut headers = Headers::new();
        put_version(&mut headers, change.version);
        headers.push(WAY, cause.way().to_string());
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
            (Content::Ended(_), _) => topic.tombstone(partition, key, change.at_us, headers),
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
                    Content::Ended(_) => unreachable!("a tombstone, see above"),
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
    /// When it passed receiver, bridge and processor.
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

fn private_key(device: u32, kind: ObjectKind) -> Bytes {
    let part = if kind == ObjectKind::Alert { PrivatePart::Alert } else { PrivatePart::Object };
    keys::private(device, part).into()
}
