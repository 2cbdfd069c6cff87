//! Writing: records go out, receipts come back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{DeliveryError, Outgoing, StreamError};

/// A writer. Records of one partition arrive in the order they were handed over, each exactly once, unless the writer
/// breaks (then every receipt still open says so).
#[async_trait]
pub trait Sink: Send + Sync {
    /// Hands the record over without waiting. The receipt is answered exactly once, later, from another thread (the
    /// embedded log answers before it returns).
    ///
    /// # Errors
    /// Gives record and receipt back when the queue is full, or when the writer is broken.
    // The refused record comes back by value on purpose: the caller keeps it, and the good path allocates nothing.
    #[allow(clippy::result_large_err)]
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused>;

    /// Hands the record over, waiting while the queue is full. Not cancel-safe in one respect: a record whose call was
    /// dropped while it waited is not sent, and its receipt says [`DeliveryError::Abandoned`].
    ///
    /// # Errors
    /// Fatal when the writer is broken: build a new one. The receipt then says [`DeliveryError::Abandoned`].
    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError>;

    /// Waits until every record handed over before has its receipt answered.
    ///
    /// # Errors
    /// Transient with reason `timeout` when the deadline passes first.
    async fn flush(&self, deadline: Duration) -> Result<(), StreamError>;
}

/// How to write.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// Names this writer in the cluster's logs.
    pub client_id: String,
    /// How many records may wait for their acknowledgement; more are refused or wait.
    pub queue_records: usize,
    /// How many bytes may wait for their acknowledgement.
    pub queue_bytes: usize,
    /// How long a record waits for others to share a request with.
    pub linger: Duration,
    /// Over how many connections records are written, by partition. More than one where single records are sent at once,
    /// and more of them than one connection carries: a broker answers its requests one after the other. The
    /// embedded log has none.
    pub connections: usize,
}

impl SinkSettings {
    /// 100,000 records or 64 MiB in flight, 1 ms of linger, one connection.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            queue_records: 100_000,
            queue_bytes: 64 << 20,
            linger: Duration::from_millis(1),
            connections: 1,
        }
    }

    /// What each of several writers may have in flight, so that together they have no more.
    #[cfg(feature = "kafka")]
    pub(crate) fn share(&self, writers: usize) -> Self {
        Self {
            queue_records: self.queue_records.div_ceil(writers),
            queue_bytes: self.queue_bytes.div_ceil(writers),
            connections: 1,
            ..self.clone()
        }
    }
}

/// Where a record came to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The partition.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
}

/// Hears what became of records. Called on the client library's thread: it must not block.
pub trait Acknowledge: Send + Sync {
    /// The record sent with this tag is in the log, or will not be.
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>);
}

/// One record's claim to an answer. Answered exactly once; dropped unanswered, it says [`DeliveryError::Abandoned`].
#[must_use = "a receipt that is dropped reports its record as abandoned"]
pub struct Receipt {
    to: Option<Arc<dyn Acknowledge>>,
    tag: u64,
}

impl Receipt {
    /// Answers go to `to`, with `tag`.
    pub fn new(to: Arc<dyn Acknowledge>, tag: u64) -> Self {
        Self { to: Some(to), tag }
    }

    /// Nobody wants to know.
    pub fn ignored() -> Self {
        Self { to: None, tag: 0 }
    }

    /// What the sender knows the record by.
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// Nobody wants to know any more: for a record that was given back and will be sent under another receipt.
    pub fn forget(mut self) {
        self.to = None;
    }

    /// Says what became of the record. For implementations of [`Sink`].
    pub fn answer(mut self, outcome: Result<Delivered, DeliveryError>) {
        if let Some(to) = self.to.take() {
            to.acknowledged(self.tag, outcome);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to.acknowledged(self.tag, Err(DeliveryError::Abandoned));
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("tag", &self.tag).field("ignored", &self.to.is_none()).finish()
    }
}

/// A record that was not taken, with all that is needed to try again.
#[derive(Debug, thiserror::Error)]
#[error("record for {} not taken", record.topic)]
pub struct SendRefused {
    /// The record, as it was.
    pub record: Outgoing,
    /// Its receipt, not yet answered.
    pub receipt: Receipt,
    /// Transient with reason `queue_full`: try again when others are acknowledged. Fatal: the writer is broken.
    #[source]
    pub error: StreamError,
}

impl SendRefused {
    /// Whether the queue was full, so that the same call will succeed later.
    pub fn is_full(&self) -> bool {
        self.error.is_transient()
    }
}
