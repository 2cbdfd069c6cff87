//! The interface between a pipeline and its core.

use std::sync::Arc;

use bytes::Bytes;
use streams::framing::FramingError;
use streams::{Incoming, Outgoing, version_of};

use air::core::ReceiverHealth;

use crate::pipeline::alarm::Verdict;
use crate::pipeline::trace::RecordTrace;
use crate::sinks::live::LiveUpdate;

/// A pure core with the codecs around it: records in, records out.
pub trait Machine: Send + Sync + 'static {
    /// Applies a record; its outputs are appended to `out`.
    fn apply(&mut self, record: &Incoming, out: &mut Emission);

    /// The offset of the first record that has not been applied.
    fn next_offset(&self) -> u64;

    /// The newest time of the records, microseconds.
    fn clock_us(&self) -> u64;

    /// The changes since the last call: keys and values (`None`: a tombstone), the machine's own part last. Called again
    /// only after all of them are in the log.
    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)>;

    /// Restores one checkpoint record.
    ///
    /// # Errors
    /// The value is not framed, or not a checkpoint of this machine.
    fn restore(&mut self, value: &Bytes) -> Result<CheckpointOrigin, FramingError>;

    /// Whether single parts may be newer than the machine's own part: such a part ignores the records that it already has.
    fn accepts_newer_parts(&self) -> bool;

    /// Makes the next checkpoint write all parts, changed or not.
    fn checkpoint_all(&mut self);

    /// All live states, for a Redis that lacks them.
    fn live(&self, out: &mut Vec<LiveUpdate>);

    /// The topics that have this machine as their only writer in its partition, checkpoints apart.
    fn own_topics(&self) -> Vec<Arc<str>>;

    /// The newest record of a key in one of its own topics; a tombstone with the newest version where the key has no state.
    /// `None`: not a key of this machine.
    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing>;

    /// The version that was last published of a key, where `newest` makes a record with a higher one: a record in the topic is
    /// late only below this version.
    fn published_version(&self, _topic: &Arc<str>, _key: &Bytes, newest: &Outgoing) -> u64 {
        version_of(&newest.headers).unwrap_or_default()
    }
}

/// Makes the empty core of a partition; the text is the epoch of the log that its offsets belong to.
pub type MakeMachine<M> = Arc<dyn Fn(u32, &str) -> M + Send + Sync>;

/// The log that a checkpoint belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointOrigin {
    /// The log of this epoch.
    ThisLog,
    /// Its offsets are those of another log: it cannot be used.
    OtherLog,
}

/// The outputs of records. A buffer that its owner drains and passes again.
#[derive(Debug, Default)]
pub struct Emission {
    /// For the log, in order.
    pub records: Vec<Outgoing>,
    /// For Redis.
    pub live: Vec<LiveUpdate>,
    /// Live states are to be sent to Redis at once.
    pub urgent: bool,
    /// Whether the last record could be used.
    pub verdict: Verdict,
    /// The trace of the record that is applied, where it has one.
    pub trace: Option<RecordTrace>,
    /// How many frames of each good receiver were readable.
    pub health: Vec<ReceiverHealth>,
}

impl Emission {
    /// The record is decoded: the core's work on it begins. One branch where it is not traced.
    pub fn decoded(&mut self) {
        if let Some(trace) = &mut self.trace {
            trace.decoded();
        }
    }
}
