//! The connections of REST and the map, and what is held for each.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::holders::{Full, HolderLimits, Holders};
use crate::metrics::{PusherMetrics, Reason};

/// Requests of one connection that are answered at the same time, until their answers were read; the others wait.
const AT_ONCE: usize = 16;

/// All connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct InFlight(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    holders: Mutex<Holders<Arc<Notify>>>,
    clock: Clock,
    metrics: PusherMetrics,
}

/// One connection; dropping it takes it out.
#[derive(Debug)]
pub(crate) struct Connection {
    all: InFlight,
    key: usize,
    cut: Arc<Notify>,
    at_once: Arc<Semaphore>,
}

/// Bytes that are held for a connection; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Held {
    connection: Arc<Connection>,
    bytes: u64,
}

/// A request that is answered; dropping it lets another one begin.
#[derive(Debug)]
pub(crate) struct Answering {
    connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl InFlight {
    /// No connection yet.
    pub(crate) fn new(limits: HolderLimits, clock: Clock, metrics: PusherMetrics) -> Self {
        Self(Arc::new(Shared { holders: Mutex::new(Holders::new(limits)), clock, metrics }))
    }

    /// Takes a connection in.
    ///
    /// # Errors
    /// Peer: there are too many that are busy.
    pub(crate) fn join(&self) -> Result<Arc<Connection>, Full> {
        let cut = Arc::new(Notify::new());
        let joined = self.0.holders.lock().join(cut.clone(), self.now());
        let (key, makes_room) = joined.inspect_err(|full| self.count_refused(*full))?;
        self.cut(makes_room, "idle");
        self.show();
        Ok(Arc::new(Connection { all: self.clone(), key, cut, at_once: Arc::new(Semaphore::new(AT_ONCE)) }))
    }

    fn now(&self) -> Duration {
        self.0.clock.monotonic()
    }

    fn cut(&self, connections: impl IntoIterator<Item = Arc<Notify>>, reason: &'static str) {
        for connection in connections {
            // Kept, where the connection does not listen at this moment.
            connection.notify_one();
            self.0.metrics.http_cut.get_or_create(&Reason { reason }).inc();
        }
    }

    fn count_refused(&self, full: Full) {
        self.0.metrics.http_refused.get_or_create(&Reason { reason: full.reason() }).inc();
    }

    fn show(&self) {
        let (connections, bytes) = self.0.holders.lock().totals();
        self.0.metrics.http_connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.0.metrics.http_held_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

impl Connection {
    /// Ends when the connection is to be cut: then no request of it is answered any more.
    pub(crate) async fn is_cut(&self) {
        self.cut.notified().await;
        self.at_once.close();
    }

    /// Holds bytes until they are given back.
    ///
    /// # Errors
    /// Peer: there is no room.
    pub(crate) fn hold(self: &Arc<Self>, bytes: u64) -> Result<Held, Full> {
        let held = self.all.0.holders.lock().hold(self.key, bytes, self.all.now());
        let cut = held.inspect_err(|full| self.all.count_refused(*full))?;
        self.all.cut(cut, "stalled");
        self.all.show();
        Ok(Held { connection: self.clone(), bytes })
    }

    /// Waits for this request's turn. `None`: never, the connection ends.
    pub(crate) async fn answer(self: &Arc<Self>) -> Option<Answering> {
        let permit = self.at_once.clone().acquire_owned().await.ok()?;
        self.all.0.holders.lock().request(self.key, true);
        Some(Answering { connection: self.clone(), _permit: permit })
    }
}

impl Held {
    /// The client took some of it.
    pub(crate) fn moved(&self) {
        let all = &self.connection.all;
        all.0.holders.lock().moved(self.connection.key, all.now());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let all = &self.connection.all;
        all.0.holders.lock().release(self.connection.key, self.bytes);
        all.show();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.connection.all.0.holders.lock().request(self.connection.key, false);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.0.holders.lock().leave(self.key);
        self.all.show();
    }
}
