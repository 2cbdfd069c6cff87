//! State topics in; snapshots and deltas over WebSocket, REST and the map out.
//!
//! The shell around [`fanout`], which holds the air picture and decides what each client gets: `feed` reads the log,
//! `socket` owns the connections, `rest` answers questions. Nothing here knows what a frame is.

mod app;
mod config;
mod feed;
mod http;
mod metrics;
mod past_watch;
mod pmtiles;
mod positions;
mod presence;
mod raw_writer;
mod redis;
mod rest;
mod scores;
pub mod socket;
mod watched;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use history::HistoryReader;
use runtime::{Context, Tasks};
use streams::Cluster;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::feed::Feed;
use crate::http::InFlight;
use crate::metrics::PusherMetrics;
use crate::past_watch::PastWatch;
use crate::positions::Positions;
use crate::presence::Presence;
use crate::raw_writer::RawWriter;
use crate::redis::Redis;
use crate::rest::{Exports, RedisPicture, SharedBodies};
use crate::socket::Admission;
#[cfg(feature = "services")]
pub use config::{Command, Config};
pub use config::{MapOptions, MapStart, PusherOptions, TerrainEncoding};
pub use scores::ScoreReader;

/// How long each part may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long the last frames of WebSockets over TLS may take to go out.
const PUMP_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the pusher against Kafka until stopped.
///
/// # Errors
/// What no retry can mend: an address that is taken, bad credentials.
#[cfg(feature = "services")]
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&config.log, "updraft-pusher")?;
    let history = config.history.open(&context)?;
    serve(config.pusher, cluster, history, context).await
}

/// Runs the pusher on any log until stopped. `history`: the recorded past, `None` where none is kept.
///
/// # Errors
/// What no retry can mend.
pub async fn serve(
    options: PusherOptions,
    cluster: Cluster,
    history: Option<Arc<dyn HistoryReader>>,
    context: Context,
) -> anyhow::Result<()> {
    Pusher::bind(options).await?.serve(cluster, history, context).await
}

/// A pusher that has its port and does not serve yet: for those who asked for port 0 and need to know which it got.
pub struct Pusher {
    options: PusherOptions,
    listener: TcpListener,
    scores: Option<Arc<dyn ScoreReader>>,
}

impl Pusher {
    /// Takes the port.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn bind(options: PusherOptions) -> anyhow::Result<Self> {
        let listener = http::bind(options.http_listen).await?;
        Ok(Self { options, listener, scores: None })
    }

    /// Answers `/api/v1/validation` from here instead of Redis.
    #[must_use]
    pub fn with_scores(self, scores: Arc<dyn ScoreReader>) -> Self {
        Self { scores: Some(scores), ..self }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The operating system does not say.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("the address of the pusher's port")
    }

    /// Serves until stopped: then no connection is taken any more, and the clients are sent elsewhere.
    ///
    /// # Errors
    /// What no retry can mend.
    pub async fn serve(
        self,
        cluster: Cluster,
        history: Option<Arc<dyn HistoryReader>>,
        context: Context,
    ) -> anyhow::Result<()> {
        let Self { options, listener, scores } = self;
        let context = Context { tracer: context.tracer.named("pusher"), ..context };
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(cert), Some(key)) => Some(http::tls::open(cert, key)?),
            _ => None,
        };
        let raw_writer = Arc::new(RawWriter::new(cluster.clone(), context.tracer.clone()));
        let positions = match &options.position_keys {
            Some(file) => Some(Arc::new(Positions::open(file, raw_writer.clone())?)),
            None => None,
        };
        let redis = options.redis_url().map(Redis::new).transpose()?;
        let clock = context.clock.clone();
        let redis_picture = redis.clone().map(|redis| Arc::new(RedisPicture::new(redis, context.clock.clone())));
        let metrics = PusherMetrics::register(&context.metrics);
        let app = App {
            admission: Admission::new(options.admission_limits()),
            in_flight: InFlight::new(options.holder_limits(), clock.clone(), metrics.clone()),
            shared_bodies: SharedBodies::default(),
            options: Arc::new(options),
            metrics,
            handovers: TaskTracker::new(),
            pumps: TaskTracker::new(),
            live: Arc::new(OnceLock::new()),
            redis,
            redis_picture,
            positions,
            raw_writer,
            history,
            scores,
            exports: Exports::new(clock.clone()),
            started_at_us: clock.now_us(),
            context: context.clone(),
        };
        let feed = Feed::new(app.clone(), cluster);
        let router = rest::router(app.clone());
        tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "map, REST and WebSocket");
        let mut tasks = Tasks::new(clock.clone(), context.shutdown.clone());
        if let Some(tls) = tls.clone() {
            tasks.spawn("certificate", |stop| tls.run(clock.clone(), stop));
        }
        if let Some(positions) = app.positions.clone() {
            tasks.spawn("position keys", |stop| positions.keys().run(clock.clone(), stop));
        }
        if let Some(redis) = app.redis.clone() {
            let presence = Presence::new(redis, context.clone(), app.metrics.clone());
            tasks.spawn("presence", |stop| presence.run(stop));
        }
        if let Some(history) = app.history.clone() {
            let watch = PastWatch::new(history, &context);
            tasks.spawn("history", |stop| watch.run(stop));
        }
        tasks.spawn("feed", |stop| feed.run(stop));
        let pumps = app.pumps.clone();
        tasks.spawn("http", |stop| http::serve(app, listener, tls, router, stop));
        let ended = tasks.run(STOP_DEADLINE).await;
        pumps.close();
        tokio::select! {
            () = pumps.wait() => {}
            () = clock.sleep(PUMP_DEADLINE) => tracing::warn!("WebSockets over TLS were cut off"),
        }
        ended
    }
}
