//! WebSocket connections: axum handles the handshake, then the TCP stream belongs to a shard, a thread that owns its
//! connections and their sends.

mod admission;
mod connection;
pub(crate) mod fleet_requests;
mod frame;
mod handshake;
mod hop_times;
mod message;
mod negotiate;
mod pace;
mod shard;
mod turn;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Waker;
use parking_lot::{Mutex, RwLock};
use runtime::Clock;
use runtime::trace::Tracer;
use schemas::v1::{ConnectionView, ZoneEvent};
use tokio::sync::mpsc;

use crate::fleets::Fleets;
use crate::metrics::PusherMetrics;
pub(crate) use admission::{Admission, AdmissionLimits};
use fanout::session::SessionSettings;
use fanout::view::View;
use fleet_requests::QueuedFleetRequest;
pub(crate) use handshake::upgrade;
pub(crate) use hop_times::HopTimes;
pub(crate) use message::{Changes, TracedChange};
use message::{NewConnection, ShardMessage};
pub use shard::bare::{BareShard, Cost};
use shard::{Shard, ShardParts};

/// Messages in the inbox of a shard. When it is full, the feed and the handshakes wait; nothing is lost.
const INBOX_MESSAGES: usize = 256;

/// All shards of the process.
#[derive(Debug)]
pub(crate) struct Shards {
    handles: Vec<ShardHandle>,
    threads: Mutex<Vec<JoinHandle<io::Result<()>>>>,
    next: AtomicUsize,
}

/// Sends messages to one shard.
#[derive(Debug)]
struct ShardHandle {
    inbox: mpsc::Sender<ShardMessage>,
    waker: Arc<Waker>,
}

/// Settings of all shards.
pub(crate) struct ShardSettings {
    pub(crate) shards: usize,
    pub(crate) tick: Duration,
    pub(crate) session: Arc<SessionSettings>,
    pub(crate) view: Arc<RwLock<View>>,
    pub(crate) clock: Clock,
    pub(crate) metrics: PusherMetrics,
    pub(crate) tracer: Tracer,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) fleet_requests: mpsc::Sender<QueuedFleetRequest>,
}

impl Shards {
    /// Starts the threads. Call it before the first change of the view.
    ///
    /// # Errors
    /// Fatal: the operating system gives no epoll instance or no thread.
    pub(crate) fn start(settings: &ShardSettings) -> io::Result<Self> {
        let mut handles = Vec::new();
        let mut threads = Vec::new();
        for number in 0..settings.shards.max(1) {
            let (sender, inbox) = mpsc::channel(INBOX_MESSAGES);
            let (shard, waker) = Shard::new(ShardParts {
                settings: settings.session.clone(),
                view: settings.view.clone(),
                offsets: settings.view.read().offsets().clone(),
                clock: settings.clock.clone(),
                metrics: settings.metrics.clone(),
                inbox,
                tick: settings.tick,
                tracer: settings.tracer.clone(),
                fleets: settings.fleets.clone(),
                fleet_requests: settings.fleet_requests.clone(),
                own_inbox: sender.clone(),
            })?;
            let thread = std::thread::Builder::new().name(format!("shard-{number}"));
            threads.push(thread.spawn(move || shard.run())?);
            handles.push(ShardHandle { inbox: sender, waker });
        }
        Ok(Self { handles, threads: Mutex::new(threads), next: AtomicUsize::new(0) })
    }

    /// Hands a connection over to the next shard, round-robin.
    pub(crate) async fn open(&self, connection: NewConnection) {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len();
        self.handles[index].send(ShardMessage::Open(Box::new(connection))).await;
    }

    /// Sends changes to every shard. The view has them already.
    ///
    /// # Errors
    /// Fatal: a shard has ended early.
    pub(crate) async fn changed(&self, changes: Arc<Changes>) -> anyhow::Result<()> {
        for handle in &self.handles {
            let is_running = handle.send(ShardMessage::Changes(changes.clone())).await;
            anyhow::ensure!(is_running, "a shard has ended early");
        }
        Ok(())
    }

    /// Sends events of zones to every shard.
    pub(crate) async fn zone_events(&self, events: Arc<[ZoneEvent]>) {
        for handle in &self.handles {
            handle.send(ShardMessage::ZoneEvents(events.clone())).await;
        }
    }

    /// Notifies every shard of fleets that have changed.
    pub(crate) async fn fleets_changed(&self, fleets: Vec<Arc<str>>) {
        if fleets.is_empty() {
            return;
        }
        let fleets: Arc<[Arc<str>]> = fleets.into();
        for handle in &self.handles {
            handle.send(ShardMessage::FleetsChanged(fleets.clone())).await;
        }
    }

    /// The connections, those with credentials first, at most `most` of each shard.
    pub(crate) async fn list(&self, most: usize) -> Vec<ConnectionView> {
        let (sender, mut answers) = mpsc::channel(self.handles.len());
        for handle in &self.handles {
            handle.send(ShardMessage::List(most, sender.clone())).await;
        }
        drop(sender);
        let mut connections = Vec::new();
        while let Some(more) = answers.recv().await {
            connections.extend(more);
        }
        connections.sort_by_key(|connection| (connection.subject.is_none(), connection.opened_at_us));
        connections.truncate(most);
        connections
    }

    /// Closes the connections of a session that has ended.
    pub(crate) async fn end_session(&self, session: &Arc<str>) {
        for handle in &self.handles {
            handle.send(ShardMessage::EndSession(session.clone())).await;
        }
    }

    /// Notifies every shard whether the log is stale.
    pub(crate) async fn set_stale(&self, stale: bool) {
        for handle in &self.handles {
            handle.send(ShardMessage::Stale(stale)).await;
        }
    }

    /// Closes every client's connection with a code that asks it to reconnect, and waits for the threads.
    ///
    /// # Errors
    /// A shard failed.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        for handle in &self.handles {
            handle.send(ShardMessage::Stop).await;
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        tokio::task::spawn_blocking(move || {
            for thread in threads {
                thread.join().map_err(|_| anyhow::anyhow!("a shard panicked"))??;
            }
            Ok(())
        })
        .await?
    }
}

impl ShardHandle {
    /// False where the shard has ended: [`Shards::stop`] reports the reason.
    async fn send(&self, message: ShardMessage) -> bool {
        self.inbox.send(message).await.is_ok() && self.waker.wake().is_ok()
    }
}
