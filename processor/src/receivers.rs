//! The group on receptions: the state of each receiver.

mod positions;

use air::receivers::{ReceiverChange, ReceiverCore};
use runtime::Context;
use schemas::catalogue::topic;
use streams::{Cluster, Outgoing, Topic, Unprepared};

use crate::group::{GroupMachine, GroupTopics};
use crate::metrics::ReceiverMetrics;
use crate::pipeline::Emission;

pub use positions::read_positions;

/// The core of one reception partition between its topics.
pub type ReceiverMachine = GroupMachine<ReceiverTopics>;

/// The topics of the group.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the catalogue")]
pub struct ReceiverTopics {
    pub receptions: Topic,
    pub receivers: Topic,
    pub checkpoints: Topic,
    metrics: ReceiverMetrics,
}

impl ReceiverTopics {
    /// Registers all schemas.
    ///
    /// # Errors
    /// The process stops, or the registry refuses a schema.
    pub async fn prepare(cluster: &Cluster, context: &Context) -> Result<Self, Unprepared> {
        Ok(Self {
            receptions: cluster.topic(context, topic::RECEPTION).await?,
            receivers: cluster.topic(context, topic::RECEIVER).await?,
            checkpoints: cluster.topic(context, topic::RECEIVERS_STATE).await?,
            metrics: ReceiverMetrics::register(&context.metrics),
        })
    }

    fn receiver(&self, partition: u32, change: ReceiverChange) -> Outgoing {
        let at_us = change.state.as_ref().map_or(change.at_us, |state| state.last_seen_at_us);
        self.receivers.state(Some(partition), change.receiver_id, at_us, change.version, change.state.as_ref())
    }
}

impl GroupTopics for ReceiverTopics {
    type Core = ReceiverCore;

    fn input(&self) -> &Topic {
        &self.receptions
    }

    fn checkpoints(&self) -> &Topic {
        &self.checkpoints
    }

    fn own_topics(&self) -> Vec<&Topic> {
        vec![&self.receivers]
    }

    fn publish(&self, partition: u32, changes: &mut Vec<ReceiverChange>, out: &mut Emission) {
        let evicted = changes.iter().filter(|change| change.is_evicted).count();
        self.metrics.evicted.inc_by(evicted as u64);
        out.records.extend(changes.drain(..).map(|change| self.receiver(partition, change)));
    }

    fn measure(&self, partition: u32, core: Option<&ReceiverCore>) {
        self.metrics.clock_troubles(partition, &core.map(ReceiverCore::clock_troubles).unwrap_or_default());
    }

    fn newest(&self, partition: u32, core: &ReceiverCore, _topic: &Topic, receiver_id: &str) -> Option<Outgoing> {
        Some(self.receiver(partition, core.newest(receiver_id)?))
    }

    fn published_version(&self, core: &ReceiverCore, _topic: &Topic, receiver_id: &str) -> Option<u64> {
        core.published_version(receiver_id)
    }
}
