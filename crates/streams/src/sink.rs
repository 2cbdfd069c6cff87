//! Writing: a receipt reports the outcome of each record.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{DeliveryError, Outgoing, StreamError};

/// A writer. Records of one partition arrive in the order in which they were sent, each exactly once, unless the writer
/// breaks; then every open receipt reports that.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Sends the record without waiting. The receipt is answered exactly once, later, from another thread.
    ///
    /// # Errors
    /// Returns record and receipt when the queue is full, or when the writer is broken.
    // The refused record is returned by value on purpose: the caller keeps it, and the good path allocates nothing.
    #[allow(clippy::result_large_err)]
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused>;

    /// Sends the record, waiting while the queue is full. Not cancel-safe in one respect: a record whose call was
    /// dropped while it waited is not sent, and its receipt reports [`DeliveryError::Abandoned`].
    ///
    /// # Errors
    /// Fatal when the writer is broken: open a new one. The receipt then reports [`DeliveryError::Abandoned`].
    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError>;

    /// Waits until the receipt of every record that was sent before is answered.
    ///
    /// # Errors
    /// Transient with reason `timeout` when the deadline passes first.
    async fn flush(&self, deadline: Duration) -> Result<(), StreamError>;
}

/// The settings of a writer.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// The name of this writer in the cluster's logs.
    pub client_id: String,
    /// How many records may wait for their acknowledgement; beyond that [`Sink::try_send`] refuses and [`Sink::send`]
    /// waits.
    pub queue_records: usize,
    /// How many bytes may wait for their acknowledgement.
    pub queue_bytes: usize,
    /// How long a record waits for others in order to share a request with them.
    pub linger: Duration,
    /// Over how many connections records are written, by partition. Use more than one where small records are sent
    /// without delay at a rate above that of one connection, whose requests a broker answers one after the other. The
    /// embedded log ignores it.
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

    /// The share of each of several writers, so that together they keep within these limits.
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

/// The position of a written record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The partition.
    pub partition: u32,
    /// The offset.
    pub offset: u64,
}

/// Receives the outcomes of records. Called on the client library's thread: it must not block.
pub trait Acknowledge: Send + Sync {
    /// The record that was sent with this tag is written, or will not be.
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>);
}

/// Reports the outcome of one record exactly once; when it is dropped unanswered, [`DeliveryError::Abandoned`].
#[must_use = "a receipt that is dropped reports its record as abandoned"]
pub struct Receipt {
    to: Option<Arc<dyn Acknowledge>>,
    tag: u64,
}

impl Receipt {
    /// A receipt that reports to `to` with `tag`.
    pub fn new(to: Arc<dyn Acknowledge>, tag: u64) -> Self {
        Self { to: Some(to), tag }
    }

    /// A receipt whose outcome is ignored.
    pub fn ignored() -> Self {
        Self { to: None, tag: 0 }
    }

    /// The sender's tag of the record.
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// Drops the receipt without a report: for a record that was refused and will be sent with another receipt.
    pub fn forget(mut self) {
        self.to = None;
    }

    /// Reports the outcome. For implementations of [`Sink`].
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

/// A record that was not accepted, with all that is needed to send it again.
#[derive(Debug, thiserror::Error)]
#[error("record for {} not accepted", record.topic)]
pub struct SendRefused {
    /// The record, unchanged.
    pub record: Outgoing,
    /// Its receipt, unanswered.
    pub receipt: Receipt,
    /// Transient with reason `queue_full`: retry when other records are acknowledged. Fatal: the writer is broken.
    #[source]
    pub error: StreamError,
}

impl SendRefused {
    /// Whether the queue was full, so that the same call will succeed later.
    pub fn is_full(&self) -> bool {
        self.error.is_transient()
    }
}
