//! The state of a partition's task.

use std::sync::Arc;

use bytes::Bytes;

use crate::pipeline::checkpoint::{Checkpoint, Part, Stage};
use crate::pipeline::ledger::{Ledger, Receipts};
use crate::pipeline::machine::Machine;

/// The state of a partition's task after its core is restored.
pub(super) struct TaskState<M> {
    pub(super) machine: M,
    pub(super) ledger: Ledger,
    /// Receipts of the outputs since the newest checkpoint was taken.
    pub(super) receipts: Receipts,
    /// The checkpoint that is taken and not yet in the log. One at a time.
    pub(super) checkpoint: Option<Checkpoint>,
    /// The topics of which the owner is the only writer, the checkpoints last; the ledger numbers them so.
    pub(super) own_topics: Vec<Arc<str>>,
    /// The next offset of the newest complete checkpoint when the topic of checkpoints was last searched for late writes.
    pub(super) complete_offset: u64,
    /// The next offset of this owner's newest checkpoint. 0: it has written none.
    pub(super) checkpointed_at: u64,
    /// Keys of checkpoints with late writes, which the next checkpoint overwrites.
    pub(super) late_parts: Vec<Bytes>,
}

impl<M: Machine> TaskState<M> {
    pub(super) fn new(machine: M, checkpoints: &Arc<str>, verified: &[u64]) -> Self {
        let mut own_topics = machine.own_topics();
        own_topics.push(checkpoints.clone());
        let ledger = Ledger::new(own_topics.len(), verified);
        let receipts = ledger.receipts();
        Self {
            machine,
            ledger,
            receipts,
            checkpoint: None,
            own_topics,
            complete_offset: 0,
            checkpointed_at: 0,
            late_parts: vec![],
        }
    }

    /// The number of a topic in the ledger. `None`: the topic has other writers, too.
    pub(super) fn own_topic(&self, topic: &Arc<str>) -> Option<usize> {
        self.own_topics.iter().position(|own| Arc::ptr_eq(own, topic))
    }

    /// Waits until the checkpoint can continue with its next stage; for ever where there is none. Cancel-safe.
    pub(super) async fn acknowledged(&self) -> anyhow::Result<()> {
        match &self.checkpoint {
            Some(checkpoint) => checkpoint.acknowledged().await,
            None => std::future::pending().await,
        }
    }

    /// The core's state now.
    pub(super) fn take_checkpoint(&mut self) -> Checkpoint {
        let (next_offset, clock_us) = (self.machine.next_offset(), self.machine.clock_us());
        let changed = self.machine.checkpoint();
        let late = std::mem::take(&mut self.late_parts);
        // Keys that a former owner wrote and this core does not have.
        let ended = late.into_iter().filter(|late| !changed.iter().any(|(key, _)| key.as_bytes() == late));
        let mut parts: Vec<Part> = ended.map(|key| (key, None)).collect();
        parts.extend(changed.into_iter().map(|(key, value)| (key.into(), value)));
        let outputs = std::mem::replace(&mut self.receipts, self.ledger.receipts());
        Checkpoint { next_offset, clock_us, stage: Stage::Taken { outputs, parts } }
    }
}
