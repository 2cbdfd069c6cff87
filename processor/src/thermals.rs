//! The group on climb reports: thermals and the wind.

use air::thermals::{Aggregator, Changes, ThermalChange, WindChange, name_of};
use runtime::Context;
use schemas::catalogue::topic;
use schemas::id::RecordId;
use schemas::keys;
use schemas::object::{Kind, State};
use streams::{Cluster, Outgoing, Topic, Unprepared};

use crate::group::{GroupMachine, GroupTopics};
use crate::pipeline::Emission;
use crate::sinks::live::LiveUpdate;

/// The aggregator between its topics.
pub type ThermalMachine = GroupMachine<ThermalTopics>;

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
    /// Registers all schemas.
    ///
    /// # Errors
    /// The process stops, or the registry refuses a schema.
    pub async fn prepare(cluster: &Cluster, context: &Context) -> Result<Self, Unprepared> {
        Ok(Self {
            reports: cluster.topic(context, topic::THERMAL_REPORT).await?,
            thermals: cluster.topic(context, topic::THERMAL).await?,
            winds: cluster.topic(context, topic::WIND).await?,
            checkpoints: cluster.topic(context, topic::THERMALS_STATE).await?,
        })
    }

    fn thermal(&self, partition: u32, change: &ThermalChange) -> Outgoing {
        let key = RecordId(change.thermal_id).to_string();
        let at_us = change.state.as_ref().map_or(change.at_us, |state| state.last_seen_at_us);
        self.thermals.state(Some(partition), key, at_us, change.version, change.state.as_ref())
    }

    fn wind(&self, partition: u32, change: &WindChange) -> Outgoing {
        let key = name_of(change.key);
        let at_us = change.state.as_ref().map_or(change.at_us, |state| state.last_seen_at_us);
        self.winds.state(Some(partition), key, at_us, change.version, change.state.as_ref())
    }
}

impl GroupTopics for ThermalTopics {
    type Core = Aggregator;

    fn input(&self) -> &Topic {
        &self.reports
    }

    fn checkpoints(&self) -> &Topic {
        &self.checkpoints
    }

    fn own_topics(&self) -> Vec<&Topic> {
        vec![&self.thermals, &self.winds]
    }

    fn publish(&self, partition: u32, changes: &mut Changes, out: &mut Emission) {
        for change in changes.thermals.drain(..) {
            out.records.push(self.thermal(partition, &change));
            out.live.push(live_update(change));
        }
        out.records.extend(changes.winds.drain(..).map(|change| self.wind(partition, &change)));
    }

    fn newest(&self, partition: u32, core: &Aggregator, topic: &Topic, key: &str) -> Option<Outgoing> {
        if topic.name == self.winds.name {
            let state = core.winds().find(|state| keys::wind(&state.cell, state.base_altitude_m) == key)?;
            let (at_us, version) = (state.last_seen_at_us, state.version);
            return Some(self.winds.state(Some(partition), key.to_owned(), at_us, version, Some(state)));
        }
        let RecordId(thermal_id) = key.parse().ok()?;
        let change = core.states().find(|change| change.thermal_id == thermal_id)?;
        Some(self.thermal(partition, &change))
    }

    fn live(&self, core: &Aggregator, out: &mut Vec<LiveUpdate>) {
        out.extend(core.states().map(live_update));
    }
}

fn live_update(change: ThermalChange) -> LiveUpdate {
    LiveUpdate::of_object(Kind::Thermal, change.thermal_id, change.version, change.state.map(State::Thermal))
}
