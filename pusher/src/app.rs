//! What the HTTP handlers share.

use std::sync::{Arc, OnceLock};

use history::HistoryReader;
use parking_lot::RwLock;
use runtime::Context;
use tokio_util::task::TaskTracker;

use crate::config::PusherOptions;
use crate::http::InFlight;
use crate::metrics::PusherMetrics;
use crate::positions::Positions;
use crate::raw_writer::RawWriter;
use crate::redis::Redis;
use crate::rest::{Exports, Problem, RedisPicture, SharedBodies};
use crate::scores::ScoreReader;
use crate::socket::{Admission, Shards};
use fanout::session::SessionSettings;
use fanout::view::{PrivacyView, PrivateView, View};

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) context: Context,
    pub(crate) options: Arc<PusherOptions>,
    pub(crate) metrics: PusherMetrics,
    pub(crate) admission: Admission,
    /// The connections of REST and the map.
    pub(crate) in_flight: InFlight,
    /// Bodies that several clients get.
    pub(crate) shared_bodies: SharedBodies,
    /// Sockets on their way from a handshake to a shard.
    pub(crate) handovers: TaskTracker,
    /// WebSockets over TLS, each carried by a task.
    pub(crate) pumps: TaskTracker,
    /// `None` where there is to be none.
    pub(crate) redis: Option<Redis>,
    /// The air picture as Redis has it, until `live` is there.
    pub(crate) redis_picture: Option<Arc<RedisPicture>>,
    /// Takes positions from telephones; `None` where nobody may send any.
    pub(crate) positions: Option<Arc<Positions>>,
    /// The way of positions and orders into the raw topic.
    pub(crate) raw_writer: Arc<RawWriter>,
    /// The recorded past; `None` where none is kept.
    pub(crate) history: Option<Arc<dyn HistoryReader>>,
    /// Scores of devices, where they are not in Redis.
    pub(crate) scores: Option<Arc<dyn ScoreReader>>,
    /// Exports that are under way.
    pub(crate) exports: Exports,
    /// There once the log was reached and the view has caught up with it.
    pub(crate) live: Arc<OnceLock<Arc<Live>>>,
    /// When the process began, microseconds since the epoch: part of every ETag.
    pub(crate) started_at_us: u64,
}

/// The air picture and who looks at it.
#[derive(Debug)]
pub(crate) struct Live {
    /// Names the data.
    pub(crate) epoch: String,
    pub(crate) view: Arc<RwLock<View>>,
    /// Hidden devices.
    pub(crate) private: Arc<RwLock<PrivateView>>,
    /// What of the past of devices is public.
    pub(crate) privacy: Arc<RwLock<PrivacyView>>,
    pub(crate) session: Arc<SessionSettings>,
    pub(crate) shards: Arc<Shards>,
}

impl App {
    /// The air picture, where it is complete.
    pub(crate) fn ready(&self) -> Result<Arc<Live>, Problem> {
        self.live.get().cloned().ok_or_else(|| {
            // By name alone: why a part is not ready holds addresses, and is told on the admin port.
            let parts = self.context.readiness.parts();
            let waiting: Vec<_> = parts.iter().filter(|(_, part)| !part.ready).map(|(name, _)| *name).collect();
            let detail = format!("the air picture is not complete yet; not ready: {}", waiting.join(", "));
            Problem::busy("not_ready", detail)
        })
    }
}
