//! The one port for all clients.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context as _;
use bridge::MessageSender;
use parking_lot::Mutex;
use runtime::{Clock, Metrics, Shutdown, Watched};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

use super::admission::{ConnectionSlots, Source};
use super::connection::serve;
use super::limits::Limits;
use super::metrics::{FrontMetrics, Reason};
use super::receivers::Receivers;
use super::sessions::Sessions;
use super::shared::Shared;

/// After a failed accept, for example because of too few file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A slot stays taken for at least this time, also for a shorter connection.
const SHORTEST_STAY: Duration = Duration::from_secs(1);
/// After this time without a packet the system sends a TCP keep-alive.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A listening socket, and the state that its connections share.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: Shutdown,
}

impl Front {
    /// Listens. Messages under `topics` go into `message_sender`, only those of `receivers` where there are some.
    ///
    /// # Errors
    /// The address cannot be bound; the error names `setting`.
    pub(crate) async fn bind(
        address: SocketAddr,
        setting: &str,
        topics: Vec<String>,
        receivers: Option<Arc<Watched<Receivers>>>,
        message_sender: MessageSender,
        clock: Clock,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("{setting}: cannot listen on {address} for MQTT"))?;
        let limits = Limits::default();
        let sessions = Mutex::new(Sessions::new(&limits));
        let metrics = FrontMetrics::register(metrics);
        let (log, assigned) = (Mutex::default(), AtomicU64::default());
        let shared =
            Arc::new(Shared { limits, sessions, message_sender, receivers, topics, metrics, clock, log, assigned });
        Ok(Self { listener, shared, stop: Shutdown::new() })
    }

    /// With bounds of the caller's.
    #[cfg(test)]
    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        let shared = Arc::get_mut(&mut self.shared).expect("nothing serves yet");
        (shared.limits, shared.sessions) = (limits, Mutex::new(Sessions::new(&limits)));
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket has no address.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Lets clients in until asked to stop; then all are informed and disconnected.
    ///
    /// # Errors
    /// None: a client that fails is its own affair, and a failed accept is tried again.
    pub(crate) async fn serve(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut slots = ConnectionSlots::new(&self.shared.limits);
        let mut clients = JoinSet::new();
        let mut sources = HashMap::new();
        loop {
            tokio::select! {
                () = stop.requested() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        let source = Source::of(from.ip());
                        if let Err(no_slot) = slots.enter(source) {
                            self.shared.metrics.ended.get_or_create(&Reason { reason: "no_place" }).inc();
                            self.shared.report("no_place", from.ip(), "", &no_slot);
                            continue;
                        }
                        let task = clients.spawn(client(stream, self.shared.clone(), self.stop.clone()));
                        sources.insert(task.id(), (source, from.ip()));
                    }
                    Err(error) => {
                        self.accept_failed(&error);
                        self.shared.clock.sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = clients.join_next_with_id() => {
                    let id = match &ended {
                        Ok((id, _)) => *id,
                        Err(error) => error.id(),
                    };
                    let left = sources.remove(&id);
                    if let Some((source, _)) = left {
                        slots.leave(source);
                    }
                    self.ended(ended.map(|(_, ended)| ended), left.map(|(_, ip)| ip));
                }
            }
            self.shared.metrics.connections.set(i64::try_from(slots.taken()).unwrap_or(i64::MAX));
        }
        self.stop.request();
        while clients.join_next().await.is_some() {}
        Ok(())
    }

    fn ended(&self, ended: Result<Ended, JoinError>, from: Option<IpAddr>) {
        let from = from.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        match ended {
            Ok(Ended { reason, client_id, refused: Some(why) }) => self.shared.report(reason, from, &client_id, &why),
            Ok(Ended { reason, client_id, refused: None }) => {
                tracing::debug!(%from, client_id, reason, "an MQTT client has left");
            }
            Err(error) => {
                self.shared.metrics.panics.inc();
                tracing::error!(%from, %error, "the task of an MQTT connection ended in a panic; report it as a fault");
            }
        }
    }

    fn accept_failed(&self, error: &std::io::Error) {
        if let Some(omitted) = self.shared.log.lock().admit("accept", self.shared.clock.monotonic()) {
            tracing::warn!(%error, omitted, "cannot accept an MQTT connection now; trying on");
        }
    }
}

/// How a client's task ended.
struct Ended {
    reason: &'static str,
    client_id: String,
    /// Why the client will not work until something is changed.
    refused: Option<String>,
}

async fn client(stream: TcpStream, shared: Arc<Shared>, stop: Shutdown) -> Ended {
    let began = shared.clock.monotonic();
    let mut client_id = String::new();
    // Without them the connection works too.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEP_ALIVE));
    let ending = serve(stream, &shared, &stop, &mut client_id).await;
    let reason = ending.reason();
    shared.metrics.ended.get_or_create(&Reason { reason }).inc();
    let stayed = shared.clock.monotonic().saturating_sub(began);
    stop.or(shared.clock.sleep(SHORTEST_STAY.saturating_sub(stayed))).await;
    Ended { reason, client_id, refused: ending.is_refusal().then(|| ending.to_string()) }
}

#[cfg(test)]
mod tests;
