//! The trait of the cores of the groups that read the outputs of the stream core.

use std::fmt;

use prost::Message;

/// The pure core of one partition of such a group: records in, changes out. No clock, no I/O, no async.
pub trait GroupCore: fmt::Debug + Send + Sync + 'static {
    /// The record type of its input.
    type Record: Message + Default;
    /// The record type of its checkpoints.
    type Checkpoint: Message + Default;
    /// The changes that records cause. A buffer that its owner drains and passes again.
    type Changes: Default + fmt::Debug + Send + Sync;

    /// The offset of the first record that has not been applied.
    fn next_offset(&self) -> u64;

    /// The newest time of the records, microseconds.
    fn clock_us(&self) -> u64;

    /// Applies one record, unless it was applied before; changes are appended to `out`.
    fn apply(&mut self, offset: u64, record: &Self::Record, out: &mut Self::Changes);

    /// The changes since the last call, as checkpoint records (`None`: to be dropped), the core's own part last.
    fn changed_checkpoints(&mut self, epoch: &str) -> Vec<(String, Option<Self::Checkpoint>)>;

    /// The next call of [`GroupCore::changed_checkpoints`] returns everything, changed or not.
    fn change_all(&mut self);

    /// Restores one checkpoint record, before any record is applied.
    fn restore(&mut self, checkpoint: Self::Checkpoint);

    /// The log that a checkpoint record belongs to. Only the core's own part says so.
    fn epoch_of(checkpoint: &Self::Checkpoint) -> Option<&str>;
}
