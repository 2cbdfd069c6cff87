//! Reading: what happens on the partitions of one reader, in order.

use std::fmt;

use async_trait::async_trait;

use crate::{Incoming, SeekTo, StreamError, TopicPartition};

/// A reader of the log, alone or as a member of a group. Dropping it leaves the group in the background;
/// [`Source::close`] waits for that.
#[async_trait]
pub trait Source: Send {
    /// Waits for what happens next. Cancel-safe: what is not returned stays for the next call.
    ///
    /// # Errors
    /// Fatal when this source cannot go on: refused by the cluster or, with reason `stranded`, a client that finds no broker
    /// any more, where another one can; with reason `stalled` when it does not get on though there is more to read, and with
    /// `stuck` when joining again did not help and the process should end. A cluster that is away is no error: it waits.
    async fn next(&mut self) -> Result<Event, StreamError>;

    /// Commits for the group; each offset is the next one to read. The lowest contiguous one is the caller's duty
    /// ([`crate::Contiguous`] helps). Returns when the cluster has it.
    ///
    /// # Errors
    /// Transient when the cluster is away, and with reason `not_owned` when a partition is not this member's (any more):
    /// then nothing is committed, and [`Source::next`] will say what was lost. Fatal with reason `no_group` on a source
    /// that is in none.
    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError>;

    /// No records of these partitions come from now on; membership and polling go on. Unknown partitions are ignored.
    ///
    /// # Errors
    /// Fatal when the source is closed.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError>;

    /// Ends [`Source::pause`]: goes on where it stopped, without a gap.
    ///
    /// # Errors
    /// Fatal when the source is closed.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError>;

    /// The next record of this partition is the one at `to`; none that was read before the call comes after it.
    ///
    /// # Errors
    /// Transient when the cluster is away, and with reason `not_owned` when the partition is not this source's.
    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError>;

    /// Leaves the group and waits until that is done, so that another member need not wait for a time-out.
    ///
    /// # Errors
    /// Transient when the cluster is away; the source is gone all the same.
    async fn close(self: Box<Self>) -> Result<(), StreamError>;
}

/// What happens on a source.
#[derive(Debug)]
#[must_use]
pub enum Event {
    /// These partitions are now this member's. Reading starts at the committed offset, but no record of them is
    /// delivered before the caller's next call of [`Source::next`]: until then it may seek, or restore what it keeps.
    Assigned(Vec<TopicPartition>),
    /// These partitions go to another member once [`Revocation::done`] is called (or it is dropped).
    Revoked(Revocation),
    /// Records of one or more partitions, in order per partition; never empty.
    Records(Vec<Incoming>),
    /// All that the partition held when reading began has been delivered; right away for an empty one. Comes once
    /// after an assignment, after the start of a reader without a group, and after each seek.
    CaughtUp(TopicPartition),
}

/// Partitions that are taken away. Flush what depends on them, commit, then say [`Revocation::done`]: the group waits for
/// it up to the revoke deadline.
#[must_use = "dropping it says that everything is flushed and committed"]
pub struct Revocation {
    /// What is taken away.
    pub partitions: Vec<TopicPartition>,
    /// They are another member's already (this one was thought dead): there is nothing to commit any more.
    pub lost: bool,
    done: Option<Box<dyn FnOnce() + Send>>,
}

impl Revocation {
    pub(crate) fn new(partitions: Vec<TopicPartition>, lost: bool, done: impl FnOnce() + Send + 'static) -> Self {
        Self { partitions, lost, done: Some(Box::new(done)) }
    }

    /// Everything is flushed and committed: the partitions may go.
    pub fn done(self) {}
}

impl Drop for Revocation {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done();
        }
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("partitions", &self.partitions).field("lost", &self.lost).finish()
    }
}
