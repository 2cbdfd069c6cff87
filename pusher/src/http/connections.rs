//! The connections for REST and the map, and the memory that each holds.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::connection_table::{ConnectionLimits, ConnectionTable, LimitError};
use crate::metrics::{PusherMetrics, Reason};

/// Requests of one connection that are answered at the same time, until their responses are read; the others wait.
const MAX_CONCURRENT_REQUESTS: usize = 16;

/// All connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    table: Mutex<ConnectionTable<Arc<Notify>>>,
    clock: Clock,
    metrics: PusherMetrics,
}

/// One connection; dropping it removes it from the table.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Connections,
    key: usize,
    evicted: Arc<Notify>,
    requests: Arc<Semaphore>,
}

/// Memory that is reserved for a connection; dropping it releases the memory.
#[derive(Debug)]
pub(crate) struct Reservation {
    connection: Arc<Connection>,
    bytes: u64,
}

/// Permission to answer a request; dropping it lets the next request begin.
#[derive(Debug)]
pub(crate) struct RequestPermit {
    connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// Without connections.
    pub(crate) fn new(limits: ConnectionLimits, clock: Clock, metrics: PusherMetrics) -> Self {
        Self(Arc::new(Shared { table: Mutex::new(ConnectionTable::new(limits)), clock, metrics }))
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// Peer: [`LimitError::Connections`].
    pub(crate) fn open(&self) -> Result<Arc<Connection>, LimitError> {
        let evicted = Arc::new(Notify::new());
        let inserted = self.0.table.lock().insert(evicted.clone(), self.now());
        let (key, idle) = inserted.inspect_err(|error| self.count_refused(*error))?;
        self.evict(idle, "idle");
        self.update_gauges();
        let requests = Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS));
        Ok(Arc::new(Connection { all: self.clone(), key, evicted, requests }))
    }

    fn now(&self) -> Duration {
        self.0.clock.monotonic()
    }

    fn evict(&self, connections: impl IntoIterator<Item = Arc<Notify>>, reason: &'static str) {
        for connection in connections {
            // Stores a permit, where the connection is not waiting for the notification yet.
            connection.notify_one();
            self.0.metrics.http_cut.get_or_create(&Reason { reason }).inc();
        }
    }

    fn count_refused(&self, error: LimitError) {
        self.0.metrics.http_refused.get_or_create(&Reason { reason: error.reason() }).inc();
    }

    fn update_gauges(&self) {
        let (connections, bytes) = self.0.table.lock().totals();
        self.0.metrics.http_connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.0.metrics.http_held_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

impl Connection {
    /// Completes when the connection is evicted. From then on its waiting requests are refused.
    pub(crate) async fn evicted(&self) {
        self.evicted.notified().await;
        self.requests.close();
    }

    /// Reserves memory.
    ///
    /// # Errors
    /// Peer: [`LimitError::ConnectionMemory`], [`LimitError::TotalMemory`].
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Result<Reservation, LimitError> {
        let reserved = self.all.0.table.lock().reserve(self.key, bytes, self.all.now());
        let stalled = reserved.inspect_err(|error| self.all.count_refused(*error))?;
        self.all.evict(stalled, "stalled");
        self.all.update_gauges();
        Ok(Reservation { connection: self.clone(), bytes })
    }

    /// Waits until this request may be answered. `None`: the connection ends before.
    pub(crate) async fn start_request(self: &Arc<Self>) -> Option<RequestPermit> {
        let permit = self.requests.clone().acquire_owned().await.ok()?;
        self.all.0.table.lock().start_request(self.key);
        Some(RequestPermit { connection: self.clone(), _permit: permit })
    }
}

impl Reservation {
    /// Records that the client read a part of the response.
    pub(crate) fn record_progress(&self) {
        let all = &self.connection.all;
        all.0.table.lock().record_progress(self.connection.key, all.now());
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let all = &self.connection.all;
        all.0.table.lock().release(self.connection.key, self.bytes);
        all.update_gauges();
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.connection.all.0.table.lock().end_request(self.connection.key);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.0.table.lock().remove(self.key);
        self.all.update_gauges();
    }
}
