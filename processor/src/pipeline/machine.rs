//! What a pipeline asks of a core.

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
    /// Applies a record. What follows is appended to `out`.
    fn apply(&mut self, record: &Incoming, out: &mut Emission);

    /// The offset of the first record that has not been applied.
    fn next_offset(&self) -> u64;

    /// The newest time that the records told, microseconds.
    fn clock_us(&self) -> u64;

    /// What changed since the last call: keys and values (`None`: a tombstone), the machine's own part last. Called again
    /// only after all of it is in the log.
    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)>;

    /// Takes back one checkpoint record.
    ///
    /// # Errors
    /// The value is none of ours.
    fn restore(&mut self, value: &Bytes) -> Result<Fit, FramingError>;

    /// Whether single parts may be newer than the machine's own part: they then ignore the records they know.
    fn takes_parts_ahead(&self) -> bool;

    /// All parts are to be written by the next checkpoint, changed or not.
    fn checkpoint_all(&mut self);

    /// All live states, for a Redis that has none.
    fn live(&self, out: &mut Vec<LiveUpdate>);

    /// The topics that have this machine as their only writer in its partition, checkpoints apart.
    fn own_topics(&self) -> Vec<Arc<str>>;

    /// The newest record of a key in one of its own topics; where nothing is to be there, a tombstone with the newest
    /// version there is. `None`: the key is none of ours.
    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing>;

    /// The version of what was last given out of a key, where `newest` is made anew and so has a higher one: what lies on top
    /// is late only below this.
    fn given_version(&self, _topic: &Arc<str>, _key: &Bytes, newest: &Outgoing) -> u64 {
        version_of(&newest.headers).unwrap_or_default()
    }
}

/// Makes the core of a partition, which knows nothing yet; the text names the log that its offsets belong to.
pub type MakeMachine<M> = Arc<dyn Fn(u32, &str) -> M + Send + Sync>;

/// Whether a checkpoint belongs to this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Ours,
    /// Its offsets are those of another log: all of it is worth nothing.
    OtherLog,
}

/// What records lead to. A buffer that its owner drains and hands in again.
#[derive(Debug, Default)]
pub struct Emission {
    /// For the log, in order.
    pub records: Vec<Outgoing>,
    /// For Redis.
    pub live: Vec<LiveUpdate>,
    /// Redis is to hear of it at once.
    pub urgent: bool,
    /// Whether the last record could be used.
    pub verdict: Verdict,
    /// The trace of the record that is applied, where its writer was traced.
    pub trace: Option<RecordTrace>,
    /// How readable good receivers were of late.
    pub health: Vec<ReceiverHealth>,
}

impl Emission {
    /// The record is decoded: what follows is the core's work on it. One branch where it is not traced.
    pub fn decoded(&mut self) {
        if let Some(trace) = &mut self.trace {
            trace.decoded();
        }
    }
}
