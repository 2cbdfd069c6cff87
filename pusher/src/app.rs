//! The state that all HTTP handlers share.

use std::sync::{Arc, OnceLock};

use history::HistoryReader;
use parking_lot::RwLock;
use runtime::Context;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::accounts::Accounts;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::claims::Claims;
use crate::commands::Commands;
use crate::config::PusherOptions;
use crate::connection_list::ConnectionLister;
use crate::dead_letters::DeadLetters;
use crate::fleets::Fleets;
use crate::http::Connections;
use crate::metrics::PusherMetrics;
use crate::notify::Notifications;
use crate::ownership::Ownership;
use crate::positions::Positions;
use crate::redis::Redis;
use crate::rest::{Exports, Problem, RecordedSilences, RedisPicture, ResponseCache, Suspects};
use crate::scores::ScoreReader;
use crate::socket::fleet_requests::QueuedFleetRequest;
use crate::socket::{Admission, Shards};
use crate::throttle::Throttle;
use crate::zone_view::{ZoneEvents, ZoneView};
use crate::zone_writer::ZoneWriter;
use fanout::session::SessionSettings;
use fanout::view::{PrivacyView, View, WindView};

/// Cheap to clone: clones share everything.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) context: Context,
    pub(crate) options: Arc<PusherOptions>,
    pub(crate) metrics: PusherMetrics,
    pub(crate) admission: Admission,
    /// The connections for REST and the map.
    pub(crate) http_connections: Connections,
    /// Bodies of recent responses, for requests of the same.
    pub(crate) response_cache: ResponseCache,
    /// Tasks that hand a socket over from its handshake to a shard.
    pub(crate) handovers: TaskTracker,
    /// Tasks that copy between a TLS connection and its WebSocket.
    pub(crate) tls_relays: TaskTracker,
    /// `None`: no Redis is set.
    pub(crate) redis: Option<Redis>,
    /// The air picture in Redis, until `live` is set.
    pub(crate) redis_picture: Option<Arc<RedisPicture>>,
    /// Identifies the caller of a request.
    pub(crate) auth: Arc<Auth>,
    /// The limits of clients.
    pub(crate) throttle: Arc<Throttle>,
    /// Accepts positions of telephones.
    pub(crate) positions: Arc<Positions>,
    /// Searches the audit trail.
    pub(crate) audit: Arc<Audit>,
    /// Reads the newest dead letters.
    pub(crate) dead_letters: Arc<DeadLetters>,
    /// Accepts commands, and looks at private data.
    pub(crate) commands: Arc<Commands>,
    /// Writes sets of zones.
    pub(crate) zone_writer: Arc<ZoneWriter>,
    /// Whose devices are whose.
    pub(crate) ownership: Arc<Ownership>,
    /// Devices that wait to prove whose they are.
    pub(crate) claims: Arc<Claims>,
    /// Companies and fleets.
    pub(crate) fleets: Arc<Fleets>,
    /// Lists the open WebSockets.
    pub(crate) connection_lister: ConnectionLister,
    /// Queue of the requests for fleets that clients send after their handshake.
    pub(crate) fleet_requests: mpsc::Sender<QueuedFleetRequest>,
    /// Writes accounts.
    pub(crate) accounts: Arc<Accounts>,
    /// Webhooks, and what calls them.
    pub(crate) notifications: Arc<Notifications>,
    /// `None`: no history is set.
    pub(crate) history: Option<Arc<dyn HistoryReader>>,
    /// Scores of devices, where they are not in Redis.
    pub(crate) scores: Option<Arc<dyn ScoreReader>>,
    /// Limits the exports in progress.
    pub(crate) exports: Exports,
    /// Flights of the last day that ended without a landing.
    pub(crate) silent: RecordedSilences,
    /// The devices that are in doubt.
    pub(crate) suspects: Suspects,
    /// Set when the view has caught up with the log.
    pub(crate) live: Arc<OnceLock<Arc<Live>>>,
    /// When the process started, microseconds since the epoch: part of every ETag.
    pub(crate) started_at_us: u64,
}

/// The live air picture and the shards that send it to clients.
#[derive(Debug)]
pub(crate) struct Live {
    /// The name of the data behind the log.
    pub(crate) epoch: String,
    pub(crate) view: Arc<RwLock<View>>,
    /// The public past of each device.
    pub(crate) privacy: Arc<RwLock<PrivacyView>>,
    /// The wind aloft.
    pub(crate) winds: Arc<RwLock<WindView>>,
    /// The sets of zones.
    pub(crate) zones: Arc<RwLock<ZoneView>>,
    /// Aircraft that entered and left zones lately.
    pub(crate) zone_events: Arc<RwLock<ZoneEvents>>,
    pub(crate) session: Arc<SessionSettings>,
    pub(crate) shards: Arc<Shards>,
}

impl App {
    /// The live air picture.
    ///
    /// # Errors
    /// 503: it is not complete yet.
    pub(crate) fn ready(&self) -> Result<Arc<Live>, Problem> {
        self.live.get().cloned().ok_or_else(|| {
            // Only the names: the reasons contain addresses, and only the admin port shows them.
            let parts = self.context.readiness.parts();
            let missing: Vec<_> = parts.iter().filter(|(_, part)| !part.ready).map(|(name, _)| *name).collect();
            let detail = format!("the air picture is not complete yet; not ready: {}", missing.join(", "));
            Problem::unavailable("not_ready", detail)
        })
    }
}
