//! The messages that a shard receives from the rest of the process.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runtime::trace::TraceContext;
use schemas::v1::ZoneEvent;

use super::admission::ConnectionPermit;
use super::hop_times::HopTimes;
use fanout::dispatcher::Opening;
use fanout::view::{Change, Origin};

/// A message to a shard.
pub(crate) enum ShardMessage {
    /// A connection after its handshake.
    Open(Box<NewConnection>),
    /// Changes of the view, which has them already.
    Changes(Arc<Changes>),
    /// Aircraft that entered and left zones.
    ZoneEvents(Arc<[ZoneEvent]>),
    /// Whether the log is stale.
    Stale(bool),
    /// A session has ended: close its connections.
    EndSession(Arc<str>),
    /// Close every connection, and end.
    Stop,
}

/// A connection that is handed over to a shard.
pub(crate) struct NewConnection {
    pub(crate) stream: TcpStream,
    /// Bytes of the WebSocket that came together with the handshake.
    pub(crate) early: Bytes,
    pub(crate) opening: Opening,
    pub(crate) permit: ConnectionPermit,
    /// When its credentials expire; `None`: it has none, or they do not expire.
    pub(crate) expires_at: Option<Duration>,
    /// The session that its credentials are of.
    pub(crate) session: Option<Arc<str>>,
}

/// The changes of one batch of records.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) changes: Vec<Change>,
    /// The last record of each partition in the batch.
    pub(crate) read: Vec<Origin>,
    /// Of the oldest record in the batch; empty while the feed catches up.
    pub(crate) hop_times: HopTimes,
    /// The changes that are traced, in order.
    pub(crate) traced: Vec<TracedChange>,
}

/// A change of the view that is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TracedChange {
    /// Index among the changes of its batch.
    pub(crate) index: usize,
    /// The span in which the change was applied to the view.
    pub(crate) fold: TraceContext,
}
