//! The state of a partition's task.

use std::sync::Arc;

use bytes::Bytes;

use crate::pipeline::checkpoint::{Checkpoint, Part, Stage};
use crate::pipeline::ledger::{Ledger, Page};
use crate::pipeline::machine::Machine;

/// A partition's task after its core is restored.
pub(super) struct Open<M> {
    pub(super) machine: M,
    pub(super) ledger: Ledger,
    /// What was given out since the newest checkpoint was taken.
    pub(super) page: Page,
    /// Taken and not yet in the log. One at a time.
    pub(super) under_way: Option<Checkpoint>,
    /// The topics that nobody else is to write, the checkpoints last; the ledger numbers them so.
    pub(super) own_topics: Vec<Arc<str>>,
    /// Up to where the newest checkpoint knew its input when the topic of checkpoints was last looked at.
    pub(super) sealed_at: u64,
    /// Up to where this owner's newest checkpoint knows its input. 0: it has written none.
    pub(super) checkpointed_at: u64,
    /// Keys of checkpoints that the next one has to outrank.
    pub(super) late_parts: Vec<Bytes>,
}

impl<M: Machine> Open<M> {
    pub(super) fn new(machine: M, checkpoints: &Arc<str>, verified: &[u64]) -> Self {
        let mut own_topics = machine.own_topics();
        own_topics.push(checkpoints.clone());
        let ledger = Ledger::new(own_topics.len(), verified);
        let page = ledger.page();
        Self {
            machine,
            ledger,
            page,
            under_way: None,
            own_topics,
            sealed_at: 0,
            checkpointed_at: 0,
            late_parts: vec![],
        }
    }

    /// The number of a record's topic among the partition's own.
    pub(super) fn account(&self, topic: &Arc<str>) -> Option<usize> {
        self.own_topics.iter().position(|own| Arc::ptr_eq(own, topic))
    }

    /// The checkpoint under way may go on. Never, when there is none. Cancel-safe.
    pub(super) async fn settled(&self) -> anyhow::Result<()> {
        match &self.under_way {
            Some(checkpoint) => checkpoint.settled().await,
            None => std::future::pending().await,
        }
    }

    /// What the core knows now.
    pub(super) fn take_checkpoint(&mut self) -> Checkpoint {
        let (next_offset, clock_us) = (self.machine.next_offset(), self.machine.clock_us());
        let changed = self.machine.checkpoint();
        let late = std::mem::take(&mut self.late_parts);
        // What a former owner wrote of and this one knows nothing of.
        let ended = late.into_iter().filter(|late| !changed.iter().any(|(key, _)| key.as_bytes() == late));
        let mut parts: Vec<Part> = ended.map(|key| (key, None)).collect();
        parts.extend(changed.into_iter().map(|(key, value)| (key.into(), value)));
        let outputs = std::mem::replace(&mut self.page, self.ledger.page());
        Checkpoint { next_offset, clock_us, stage: Stage::Taken { outputs, parts } }
    }
}
