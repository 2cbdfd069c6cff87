//! The state that all connections share, and a client's hold on its session.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bridge::MessageSender;
use bytes::BytesMut;
use parking_lot::Mutex;
use runtime::{Clock, Watched};
use tokio::io::AsyncReadExt as _;

use super::limits::Limits;
use super::log_limiter::LogLimiter;
use super::metrics::FrontMetrics;
use super::receivers::Receivers;
use super::sessions::{Attached, Sessions};

/// Room for one read.
pub(super) const READ_BYTES: usize = 4 << 10;

/// The state that all connections share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) message_sender: MessageSender,
    /// Who may publish as which receiver; `None`: anyone as any.
    pub(super) receivers: Option<Arc<Watched<Receivers>>>,
    /// The prefixes of receivers' topics.
    pub(super) topics: Vec<String>,
    pub(super) metrics: FrontMetrics,
    pub(super) clock: Clock,
    pub(super) log: Mutex<LogLimiter>,
    /// Clients that got an id from us.
    pub(super) assigned: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl Shared {
    /// One line about a client that was disconnected, unless there was one of this kind just now.
    pub(super) fn report(&self, reason: &'static str, from: IpAddr, client_id: &str, why: &dyn Display) {
        if let Some(omitted) = self.log.lock().admit(reason, self.clock.monotonic()) {
            tracing::info!(%from, client_id, reason, omitted, "disconnected an MQTT client: {why}");
        }
    }
}

/// A client's hold on its session, which is released at every end of its task.
pub(super) struct Hold<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client_id: String,
    pub(super) attached: Attached,
    /// How long the session is to outlive the connection.
    pub(super) expiry: Duration,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let now = self.shared.clock.monotonic();
        self.shared.sessions.lock().detach(&self.client_id, &self.attached, self.expiry, now);
    }
}

/// The session expiry of the client's CONNECT, within the bound.
pub(super) fn session_expiry(asked_s: u32, shared: &Shared) -> Duration {
    Duration::from_secs(asked_s.into()).min(shared.limits.session_expiry)
}

/// Reads some bytes. Cancel-safe.
pub(super) async fn read(
    reader: &mut (impl tokio::io::AsyncRead + Unpin),
    inbox: &mut BytesMut,
) -> std::io::Result<usize> {
    inbox.reserve(READ_BYTES);
    reader.read_buf(inbox).await
}
