//! The messages that a shard receives from the rest of the process.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runtime::trace::TraceContext;
use schemas::v1::{ConnectionView, ZoneEvent};
use tokio::sync::mpsc;

use super::admission::ConnectionPermit;
use super::hop_times::HopTimes;
use crate::audit::Requester;
use crate::company_use::UsePermit;
use crate::fleets::FleetPermit;
use fanout::dispatcher::Opening;
use fanout::hub::ClientId;
use fanout::session::Refusal;
use fanout::view::{Change, Origin};

/// A message to a shard.
pub(crate) enum ShardMessage {
    /// A connection after its handshake.
    Open(Box<NewConnection>),
    /// Changes of the view, which has them already.
    Changes(Arc<Changes>),
    /// Aircraft that entered and left zones.
    ZoneEvents(Arc<[ZoneEvent]>),
    /// Whether a client may see a fleet.
    Fleet(Box<FleetAnswer>),
    /// Fleets have changed.
    FleetsChanged(Arc<[Arc<str>]>),
    /// List the connections, at most this number.
    List(usize, mpsc::Sender<Vec<ConnectionView>>),
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
    /// Who has opened it, where it has credentials.
    pub(crate) requester: Option<Arc<Requester>>,
    /// Counts among the connections of the requester's company.
    pub(crate) company_use: Option<UsePermit>,
    /// The fleet of its URL.
    pub(crate) fleet: Option<FleetPermit>,
}

/// The answer to a client's request for a fleet.
pub(crate) struct FleetAnswer {
    pub(crate) client: ClientId,
    /// Of the request.
    pub(crate) ticket: u64,
    pub(crate) permit: Result<FleetPermit, Refusal>,
}

/// The changes of one batch of records.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) changes: Vec<Change>,
    /// Of the view of hidden devices.
    pub(crate) hidden: Vec<Change>,
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
