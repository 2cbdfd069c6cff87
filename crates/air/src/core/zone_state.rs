//! The zones of a partition: their sets, and the index of them.
//!
//! A set takes effect with the record that completes it, so a replay of the same records gives the same events. The parts are
//! in the checkpoint, written after the devices: a part that is ahead of the partition's own part meets devices that are ahead
//! too.

use std::collections::BTreeSet;

use schemas::keys;
use schemas::v1::{ProcessorState, ZoneSetPart, processor_state};
use zones::{Index, ZoneSets};

/// Set, version and number of a part.
type PartId = (String, u64, u32);

#[derive(Debug, Default)]
pub(super) struct ZoneState {
    sets: ZoneSets,
    index: Index,
    /// The index is of other sets than the present ones.
    is_stale: bool,
    /// Parts that were added or dropped since the last checkpoint.
    changed: BTreeSet<PartId>,
}

impl ZoneState {
    /// Takes a part of a raw record.
    pub(super) fn take(&mut self, part: &ZoneSetPart) -> Result<(), &'static str> {
        let id = (part.set.clone(), part.version, part.part);
        let change = self.sets.take(part.clone())?;
        self.is_stale |= change.is_active;
        self.changed.extend(change.dropped);
        if change.is_kept {
            self.changed.insert(id);
        }
        Ok(())
    }

    /// Takes a part of a checkpoint.
    pub(super) fn restore(&mut self, part: ZoneSetPart) {
        // An unsound part comes from another program: it has no effect.
        let change = self.sets.take(part).unwrap_or_default();
        self.is_stale = true;
        self.changed.extend(change.dropped);
    }

    /// Builds the index where the sets have changed: some milliseconds for the largest sets.
    pub(super) fn refresh(&mut self) {
        if self.is_stale {
            self.index = self.sets.index();
            self.is_stale = false;
        }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The changes since the last call, as checkpoint records; `None`: dropped.
    pub(super) fn changed_checkpoints(&mut self) -> impl Iterator<Item = (String, Option<ProcessorState>)> {
        let sets = &self.sets;
        std::mem::take(&mut self.changed).into_iter().map(move |(set, version, part)| {
            let kept = sets.part(&set, version, part).cloned().map(processor_state::Part::ZoneSet);
            let state = kept.map(|part| ProcessorState { part: Some(part) });
            (keys::zones_checkpoint(&set, version, part), state)
        })
    }

    /// The next call of `changed_checkpoints` returns all parts.
    pub(super) fn change_all(&mut self) {
        let ids = self.sets.parts().map(|part| (part.set.clone(), part.version, part.part));
        self.changed.extend(ids);
    }
}
