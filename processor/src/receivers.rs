//! The group on receptions: what is known of each receiver.

mod coverage;
mod hearing;
mod places;

use schemas::catalogue::topic;
use streams::Outgoing;

use crate::group::{GroupMachine, GroupTopics};
use crate::pipeline::Emission;
use crate::serve::Outfit;
use crate::sinks::topics::{Topic, Unprepared};

pub use hearing::{Hearing, ReceiverChange};
pub use places::Places;

/// The core of one reception partition between its topics.
pub type ReceiverMachine = GroupMachine<ReceiverTopics>;

/// The topics of the group.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the catalogue")]
pub struct ReceiverTopics {
    pub receptions: Topic,
    pub receivers: Topic,
    pub checkpoints: Topic,
}

impl ReceiverTopics {
    /// Registers all schemas.
    ///
    /// # Errors
    /// Asked to stop, or the registry refuses a schema for good.
    pub async fn prepare(outfit: &Outfit) -> Result<Self, Unprepared> {
        Ok(Self {
            receptions: Topic::prepare(outfit, topic::RECEPTION).await?,
            receivers: Topic::prepare(outfit, topic::RECEIVER).await?,
            checkpoints: Topic::prepare(outfit, topic::RECEIVERS_STATE).await?,
        })
    }

    fn receiver(&self, partition: u32, change: ReceiverChange) -> Outgoing {
        let at_us = change.state.as_ref().map_or(change.at_us, |state| state.last_seen_at_us);
        self.receivers.state(Some(partition), change.receiver_id, at_us, change.version, change.state.as_ref())
    }
}

impl GroupTopics for ReceiverTopics {
    type Core = Hearing;

    fn input(&self) -> &Topic {
        &self.receptions
    }

    fn checkpoints(&self) -> &Topic {
        &self.checkpoints
    }

    fn own(&self) -> Vec<&Topic> {
        vec![&self.receivers]
    }

    fn tell(&self, partition: u32, changes: &mut Vec<ReceiverChange>, out: &mut Emission) {
        out.records.extend(changes.drain(..).map(|change| self.receiver(partition, change)));
    }

    fn newest(&self, partition: u32, core: &Hearing, _topic: &Topic, receiver_id: &str) -> Option<Outgoing> {
        Some(self.receiver(partition, core.newest(receiver_id)?))
    }
}
