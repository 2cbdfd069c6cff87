//! WebSocket connections: axum takes the handshake, then the TCP stream belongs to a shard, a thread that owns its
//! connections and its sends.

mod admission;
mod connection;
mod frame;
mod handshake;
mod negotiate;
mod pace;
mod shard;
mod turn;
mod way;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Waker;
use parking_lot::{Mutex, RwLock};
use runtime::Clock;
use runtime::trace::Tracer;
use tokio::sync::mpsc;

use crate::metrics::PusherMetrics;
pub(crate) use admission::{Admission, AdmissionLimits};
use fanout::session::SessionSettings;
use fanout::view::View;
use handshake::SEND_BUFFER_BYTES;
pub(crate) use handshake::upgrade;
pub use shard::bare::{BareShard, Cost};
pub(crate) use shard::{Changes, NewConnection, ToShard, TracedChange};
use shard::{Shard, ShardParts};
pub(crate) use way::Way;

/// Batches and connections that wait for a shard; beyond it the feed and handshakes wait, and nothing is lost.
const INBOX: usize = 256;

/// All shards of the process.
#[derive(Debug)]
pub(crate) struct Shards {
    doors: Vec<Door>,
    threads: Mutex<Vec<JoinHandle<io::Result<()>>>>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Door {
    inbox: mpsc::Sender<ToShard>,
    waker: Arc<Waker>,
}

/// What all shards share.
pub(crate) struct ShardSettings {
    pub(crate) shards: usize,
    pub(crate) tick: Duration,
    pub(crate) session: Arc<SessionSettings>,
    pub(crate) view: Arc<RwLock<View>>,
    pub(crate) clock: Clock,
    pub(crate) metrics: PusherMetrics,
    pub(crate) tracer: Tracer,
}

impl Shards {
    /// Starts the threads. The view has not begun to change yet.
    ///
    /// # Errors
    /// Fatal: no epoll or no thread can be had.
    pub(crate) fn start(settings: &ShardSettings) -> io::Result<Self> {
        let mut doors = Vec::new();
        let mut threads = Vec::new();
        for number in 0..settings.shards.max(1) {
            let (sender, inbox) = mpsc::channel(INBOX);
            let (shard, waker) = Shard::new(ShardParts {
                settings: settings.session.clone(),
                view: settings.view.clone(),
                positions: settings.view.read().positions().clone(),
                clock: settings.clock.clone(),
                metrics: settings.metrics.clone(),
                inbox,
                tick: settings.tick,
                tracer: settings.tracer.clone(),
            })?;
            let thread = std::thread::Builder::new().name(format!("shard-{number}"));
            threads.push(thread.spawn(move || shard.run())?);
            doors.push(Door { inbox: sender, waker });
        }
        Ok(Self { doors, threads: Mutex::new(threads), next: AtomicUsize::new(0) })
    }

    /// Hands a connection to a shard, in turns.
    pub(crate) async fn open(&self, connection: NewConnection) {
        let door = self.next.fetch_add(1, Ordering::Relaxed) % self.doors.len();
        self.doors[door].tell(ToShard::Open(Box::new(connection))).await;
    }

    /// Tells every shard of changes that the view has already.
    ///
    /// # Errors
    /// Fatal: a shard has ended before it was told to.
    pub(crate) async fn changed(&self, changes: Arc<Changes>) -> anyhow::Result<()> {
        for door in &self.doors {
            let told = door.tell(ToShard::Changes(changes.clone())).await;
            anyhow::ensure!(told, "a shard has ended");
        }
        Ok(())
    }

    /// Tells every shard whether the log gives fresh data.
    pub(crate) async fn set_stale(&self, stale: bool) {
        for door in &self.doors {
            door.tell(ToShard::Stale(stale)).await;
        }
    }

    /// Sends every client elsewhere and waits for the threads.
    ///
    /// # Errors
    /// A shard failed.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        for door in &self.doors {
            door.tell(ToShard::Stop).await;
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

impl Door {
    /// False where the shard has ended: why is reported where its thread is joined.
    async fn tell(&self, what: ToShard) -> bool {
        self.inbox.send(what).await.is_ok() && self.waker.wake().is_ok()
    }
}
