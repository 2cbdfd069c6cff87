//! Reading: the events of one reader's partitions, in order.

use std::fmt;

use async_trait::async_trait;

use crate::{Incoming, Lag, SeekTo, StreamError, TopicPartition};

/// A reader of the log, alone or as a member of a group. Dropping it leaves the group in the background;
/// [`Source::close`] waits for that.
#[async_trait]
pub trait Source: Send {
    /// Waits for the next event. Cancel-safe: an event that is not returned stays for the next call.
    ///
    /// # Errors
    /// Fatal when this source cannot continue: the cluster refuses it; `stranded`, the client has lost all brokers, and
    /// another client can find them; `stalled`, there are unread records and no progress; `stuck`, joining again did
    /// not help, and the process should end. An unavailable cluster is no error: the source waits for it.
    async fn next(&mut self) -> Result<Event, StreamError>;

    /// Commits for the group; each offset is the next one to read. The caller must pass the lowest contiguous one
    /// ([`crate::Contiguous`] helps). Returns when the cluster has stored it.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable, and with reason `not_owned` when this member does not own a partition
    /// (any more): then nothing is committed, and [`Source::next`] reports the lost partitions. Fatal with reason
    /// `no_group` on a source without a group.
    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError>;

    /// Stops the delivery of records of these partitions; membership and polling continue. Unknown partitions are
    /// ignored.
    ///
    /// # Errors
    /// Fatal when the source is closed.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError>;

    /// Ends [`Source::pause`]: delivery continues where it stopped, without a gap.
    ///
    /// # Errors
    /// Fatal when the source is closed.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError>;

    /// Makes the record at `to` the next one of this partition; records that were fetched before the call are dropped.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable, and with reason `not_owned` when this source does not read the
    /// partition.
    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError>;

    /// The lag of a reader without a group. `None`: it is not known (yet), or the source is in a group, whose lag is
    /// [`crate::Log::lag`].
    fn lag(&self) -> Option<Lag> {
        None
    }

    /// Leaves the group and waits until that is done, so that another member need not wait for a timeout.
    ///
    /// # Errors
    /// Transient when the cluster is unavailable; the source is closed nevertheless.
    async fn close(self: Box<Self>) -> Result<(), StreamError>;
}

/// An event of a source.
#[derive(Debug)]
#[must_use]
pub enum Event {
    /// This member now owns these partitions. Reading starts at the committed offset, but no record of them is
    /// delivered before the caller's next call of [`Source::next`]: until then it may seek, or restore its state.
    Assigned(Vec<TopicPartition>),
    /// These partitions move to another member once [`Revocation::done`] is called or the revocation is dropped.
    Revoked(Revocation),
    /// Records of one or more partitions, in order per partition; never empty.
    Records(Vec<Incoming>),
    /// All records that the partition had when reading began have been delivered; for an empty partition, immediately.
    /// Reported once after an assignment, after the start of a reader without a group, and after each seek.
    CaughtUp(TopicPartition),
}

/// Revoked partitions. Flush what depends on them, commit, then call [`Revocation::done`]: the group waits for it up to
/// the revoke deadline.
#[must_use = "dropping it confirms that everything is flushed and committed"]
pub struct Revocation {
    /// The revoked partitions.
    pub partitions: Vec<TopicPartition>,
    /// Another member owns them already, since the group took this one for dead: commits would be refused.
    pub lost: bool,
    done: Option<Box<dyn FnOnce() + Send>>,
}

impl Revocation {
    pub(crate) fn new(partitions: Vec<TopicPartition>, lost: bool, done: impl FnOnce() + Send + 'static) -> Self {
        Self { partitions, lost, done: Some(Box::new(done)) }
    }

    /// Confirms that everything is flushed and committed: the partitions may move.
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
