//! State topics in; snapshots and deltas over WebSocket, REST and the map out.
//!
//! The shell around [`fanout`], which holds the air picture and decides what each client gets: `feed` reads the log,
//! `socket` owns the WebSocket connections, `rest` answers requests. This crate decodes no frames.

mod account_cache;
mod accounts;
mod app;
mod audit;
mod auth;
mod claims;
mod commands;
mod company_use;
mod config;
mod connection_list;
mod dead_letters;
mod feed;
mod fleets;
mod history_monitor;
mod http;
#[cfg(feature = "services")]
mod keys_command;
mod log_writer;
mod metrics;
mod networks;
mod notify;
mod notify_task;
mod ownership;
mod pmtiles;
mod positions;
mod presence;
mod raw_writer;
mod redis;
mod rest;
mod scores;
mod session_monitor;
mod sessions;
pub mod shared_limits;
pub mod socket;
mod tail;
mod throttle;
mod time;
mod zone_policy;
mod zone_repeater;
mod zone_view;
mod zone_writer;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use history::HistoryReader;
use runtime::{CertificateUse, Context, Tasks};
use streams::Cluster;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::account_cache::AccountCache;
use crate::accounts::Accounts;
use crate::app::App;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::claims::Claims;
use crate::commands::Commands;
use crate::connection_list::ConnectionLister;
use crate::dead_letters::DeadLetters;
use crate::feed::Feed;
use crate::fleets::Fleets;
use crate::history_monitor::HistoryMonitor;
use crate::http::Connections;
use crate::metrics::PusherMetrics;
use crate::notify::{Deliverer, Notifications, NotifyMetrics, Parts, Targets};
use crate::ownership::Ownership;
use crate::positions::Positions;
use crate::presence::Presence;
use crate::raw_writer::RawWriter;
use crate::redis::Redis;
use crate::rest::{Exports, RecordedSilences, RedisPicture, ResponseCache, Suspects};
use crate::shared_limits::SharedMetrics;
use crate::socket::Admission;
use crate::throttle::Throttle;
use crate::zone_writer::ZoneWriter;
pub use config::{AccessOptions, MapOptions, MapStart, NotifyOptions, PusherOptions, TerrainEncoding};
#[cfg(feature = "services")]
pub use config::{Command, Config};
#[cfg(feature = "services")]
pub use keys_command::{KeysAction, NewKeyOptions};
pub use networks::Network;
pub use scores::ScoreReader;

/// How long each part may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long WebSockets over TLS may take to send their last frames.
const RELAY_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the pusher against Kafka until stopped.
///
/// # Errors
/// Fatal: the port is in use, credentials are refused, a file of a setting is invalid.
#[cfg(feature = "services")]
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    config.log.watch_certificates(&context.certificates);
    if let Some(Command::Keys { new, .. }) = &config.command {
        return keys_command::run(new, &context);
    }
    let cluster = Cluster::connect(&config.log, "updraft-pusher")?;
    let history = config.history.open(&context)?;
    serve(config.pusher, cluster, history, context).await
}

/// Runs the pusher on any cluster until stopped. `history` is `None` where there is no history.
///
/// # Errors
/// As [`Pusher::bind`] and [`Pusher::serve`].
pub async fn serve(
    options: PusherOptions,
    cluster: Cluster,
    history: Option<Arc<dyn HistoryReader>>,
    context: Context,
) -> anyhow::Result<()> {
    Pusher::bind(options).await?.serve(cluster, history, context).await
}

/// A pusher that has bound its port and does not serve yet: callers that ask for port 0 can read the actual port.
pub struct Pusher {
    options: PusherOptions,
    listener: TcpListener,
    scores: Option<Arc<dyn ScoreReader>>,
}

impl Pusher {
    /// Binds the port.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn bind(options: PusherOptions) -> anyhow::Result<Self> {
        let listener = http::bind(options.http_listen).await?;
        Ok(Self { options, listener, scores: None })
    }

    /// Reads the scores of `/api/v1/validation` from `scores` instead of Redis.
    #[must_use]
    pub fn with_scores(self, scores: Arc<dyn ScoreReader>) -> Self {
        Self { scores: Some(scores), ..self }
    }

    /// The address and port on which it listens.
    ///
    /// # Errors
    /// The operating system does not report the address.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("read the address of the HTTP port")
    }

    /// Serves until stopped. Then it accepts no more connections and closes the WebSockets with a code that asks the
    /// clients to reconnect.
    ///
    /// # Errors
    /// Fatal: a file of a setting is invalid, the log refuses the credentials, a shard fails.
    pub async fn serve(
        self,
        cluster: Cluster,
        history: Option<Arc<dyn HistoryReader>>,
        context: Context,
    ) -> anyhow::Result<()> {
        let Self { options, listener, scores } = self;
        let context = Context { tracer: context.tracer.named("pusher"), ..context };
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(cert), Some(key)) => {
                context.certificates.watch(cert, CertificateUse::Own);
                Some(http::tls::open(cert, key)?)
            }
            _ => None,
        };
        let raw_writer = Arc::new(RawWriter::new(cluster.clone(), context.tracer.clone()));
        let zone_writer = Arc::new(ZoneWriter::new(cluster.clone()));
        let redis = options.redis_url().map(Redis::new).transpose()?;
        let clock = context.clock.clone();
        let redis_picture = redis.clone().map(|redis| Arc::new(RedisPicture::new(redis, context.clock.clone())));
        let metrics = PusherMetrics::register(&context.metrics);
        metrics.max_connections.set(i64::try_from(options.max_connections).unwrap_or(i64::MAX));
        let shared = SharedMetrics { checks: metrics.limit_checks.clone(), shared: metrics.limits_shared.clone() };
        let (shared_limits, asker) = redis.clone().map(|redis| shared_limits::open(redis, shared)).unzip();
        let throttle = Throttle::new(&options.access, shared_limits, clock.clone(), metrics.limited.clone());
        let throttle = Arc::new(throttle);
        let auth = Auth::open(
            &options.access,
            options.position_keys.as_deref(),
            options.open_operator,
            redis.clone(),
            throttle.clone(),
            clock.clone(),
            metrics.clone(),
        )?;
        let positions = Arc::new(Positions::new(raw_writer.clone(), throttle.clone()));
        let audit = Audit::new(cluster.clone(), context.tracer.clone(), clock.clone(), metrics.clone());
        let audit = Arc::new(audit);
        let commands = Commands::new(raw_writer, audit.clone(), throttle.clone(), clock.clone(), metrics.clone());
        let ownership = Arc::<Ownership>::default();
        let (claims, proofs) = Claims::new(clock.clone());
        let fleets = Arc::<Fleets>::default();
        let (fleet_requests, queued_fleet_requests) = socket::fleet_requests::queue();
        let tracer = context.tracer.clone();
        let accounts = Accounts::new(cluster.clone(), tracer, audit.clone(), ownership.clone(), clock.clone());
        let accounts = Arc::new(accounts);
        let targets = Arc::<Targets>::default();
        let notify_metrics = NotifyMetrics::register(&context.metrics);
        let parts = || Parts {
            cluster: cluster.clone(),
            targets: targets.clone(),
            ownership: ownership.clone(),
            fleets: fleets.clone(),
            accounts: accounts.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            metrics: notify_metrics.clone(),
            tracer: context.tracer.clone(),
        };
        let deliverer =
            options.notify.keys().map(|file| Deliverer::open(&options.notify, file, parts())).transpose()?;
        let notifications = Notifications { targets: targets.clone(), deliverer: deliverer.map(Arc::new) };
        let app = App {
            admission: Admission::new(options.admission_limits()),
            http_connections: Connections::new(options.connection_limits(), clock.clone(), metrics.clone()),
            response_cache: ResponseCache::default(),
            options: Arc::new(options),
            metrics,
            handovers: TaskTracker::new(),
            tls_relays: TaskTracker::new(),
            live: Arc::new(OnceLock::new()),
            connection_lister: ConnectionLister::new(),
            redis,
            redis_picture,
            auth: Arc::new(auth),
            throttle,
            positions,
            audit,
            dead_letters: Arc::new(DeadLetters::new(cluster.clone(), clock.clone())),
            commands: Arc::new(commands),
            zone_writer,
            ownership,
            claims: Arc::new(claims),
            fleets,
            fleet_requests,
            accounts,
            notifications: Arc::new(notifications),
            history,
            scores,
            exports: Exports::new(clock.clone()),
            silent: RecordedSilences::new(clock.clone()),
            suspects: Suspects::new(clock.clone()),
            started_at_us: clock.now_us(),
            context: context.clone(),
        };
        let feed = Feed::new(app.clone(), cluster.clone());
        let router = rest::router(app.clone());
        tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "serving map, REST and WebSocket");
        let mut tasks = Tasks::new(clock.clone(), context.shutdown.clone());
        if let Some(tls) = tls.clone() {
            tasks.spawn("certificate", |stop| tls.run(clock.clone(), stop));
        }
        app.auth.spawn(&mut tasks);
        let accounts = app.accounts.clone();
        tasks.spawn("claims", |stop| accounts.run(proofs, stop));
        let (fleets, commands) = (app.fleets.clone(), app.commands.clone());
        tasks.spawn("fleets", |stop| socket::fleet_requests::run(fleets, commands, queued_fleet_requests, stop));
        if let Some(sessions) = app.auth.sessions().cloned() {
            let app = app.clone();
            tasks.spawn("sessions", |stop| session_monitor::run(app, sessions, stop));
        }
        if let Some(asker) = asker {
            tasks.spawn("limits", |stop| asker.run(stop));
        }
        if let Some(redis) = app.redis.clone() {
            let cache = AccountCache::new(redis, app.fleets.clone(), context.clone());
            tasks.spawn("accounts", |stop| cache.run(stop));
        }
        if let Some(redis) = app.redis.clone() {
            let (lister, fleets) = (app.connection_lister.clone(), app.fleets.clone());
            let presence = Presence::new(redis, context.clone(), app.metrics.clone(), lister, fleets);
            tasks.spawn("presence", |stop| presence.run(stop));
        }
        if let Some(history) = app.history.clone() {
            let monitor = HistoryMonitor::new(history, &context);
            tasks.spawn("history", |stop| monitor.run(stop));
        }
        tasks.spawn("feed", |stop| feed.run(stop));
        let of_zones = app.clone();
        tasks.spawn("zones", |stop| zone_repeater::run(of_zones, stop));
        app.notifications.spawn(&mut tasks, &clock);
        if let Some(member) = notify_task::member(&app, cluster) {
            tasks.spawn("notifications", |stop| member.run(stop));
        }
        let tls_relays = app.tls_relays.clone();
        tasks.spawn("http", |stop| http::serve(app, listener, tls, router, stop));
        let ended = tasks.run(STOP_DEADLINE).await;
        tls_relays.close();
        tokio::select! {
            () = tls_relays.wait() => {}
            () = clock.sleep(RELAY_DEADLINE) => {
                tracing::warn!("the pusher stopped before all WebSockets over TLS had their last frames");
            }
        }
        ended
    }
}
