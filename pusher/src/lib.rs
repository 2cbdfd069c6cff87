//! State topics in; snapshots and deltas over WebSocket, REST and the map out.
//!
//! The pure rooms, in the order of the way: [`view`] folds records into the air picture, [`hub`] knows who has to hear of
//! what, [`session`] speaks the protocol of one connection, [`switchboard`] puts them together. Around them the shell:
//! `feed` reads the log, `socket` owns the connections, `rest` answers questions. Nothing here knows what a frame is.

mod app;
mod client;
pub mod close;
pub mod compose;
mod config;
mod feed;
mod http;
pub mod hub;
mod metrics;
mod positions;
mod presence;
mod raw_writer;
mod redis;
mod rest;
pub mod session;
pub mod socket;
pub mod subscription;
pub mod switchboard;
pub mod view;
mod watched;
pub mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use history::HistoryReader;
use runtime::{Context, Tasks};
use streams::registry::Schemas;
use streams::{KafkaLog, KafkaSettings, Log};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::feed::Feed;
use crate::metrics::PusherMetrics;
use crate::positions::Positions;
use crate::presence::Presence;
use crate::raw_writer::RawWriter;
use crate::redis::Redis;
use crate::rest::{Exports, RedisPicture};
use crate::socket::Admission;
pub use config::{Command, Config, MapStart, PusherOptions};

/// How long each part may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long the last frames of WebSockets over TLS may take to go out.
const PUMP_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the pusher against Kafka until stopped.
///
/// # Errors
/// What no retry can mend: an address that is taken, bad credentials.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    let log = KafkaLog::connect(KafkaSettings {
        bootstrap: config.log.kafka_bootstrap.clone(),
        extra: config.log.kafka_config.to_vec(),
        client_id: "updraft-pusher".to_owned(),
    })?;
    let log_name = format!("Kafka at {}", config.log.kafka_bootstrap);
    let schemas = Schemas::registry(&config.log.schema_registry_url)?;
    let history = config.history.open(&context)?;
    let surroundings =
        Surroundings { topic_prefix: config.log.topic_prefix, log: Arc::new(log), log_name, schemas, history };
    serve(config.pusher, surroundings, context).await
}

/// What the pusher reads from.
pub struct Surroundings {
    /// Put before every topic name.
    pub topic_prefix: String,
    /// The log.
    pub log: Arc<dyn Log>,
    /// What the log is, for people: its address.
    pub log_name: String,
    /// Of what the pusher writes itself: positions and orders.
    pub schemas: Schemas,
    /// The recorded past; `None` where none is kept.
    pub history: Option<Arc<dyn HistoryReader>>,
}

/// Runs the pusher on any log until stopped.
///
/// # Errors
/// What no retry can mend.
pub async fn serve(options: PusherOptions, surroundings: Surroundings, context: Context) -> anyhow::Result<()> {
    Pusher::bind(options).await?.serve(surroundings, context).await
}

/// A pusher that has its port and does not serve yet: for those who asked for port 0 and need to know which it got.
#[derive(Debug)]
pub struct Pusher {
    options: PusherOptions,
    listener: TcpListener,
}

impl Pusher {
    /// Takes the port.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn bind(options: PusherOptions) -> anyhow::Result<Self> {
        let listener = http::bind(options.http_listen).await?;
        Ok(Self { options, listener })
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
    pub async fn serve(self, surroundings: Surroundings, context: Context) -> anyhow::Result<()> {
        let Self { options, listener } = self;
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(cert), Some(key)) => Some(http::tls::open(cert, key)?),
            _ => None,
        };
        let raw_writer = Arc::new(RawWriter::new(&surroundings));
        let positions = match &options.position_keys {
            Some(file) => Some(Arc::new(Positions::open(file, raw_writer.clone())?)),
            None => None,
        };
        let history = surroundings.history.clone();
        let redis = options.redis_url().map(Redis::new).transpose()?;
        let clock = context.clock.clone();
        let redis_picture = redis.clone().map(|redis| Arc::new(RedisPicture::new(redis, context.clock.clone())));
        let app = App {
            admission: Admission::new(options.admission_limits()),
            options: Arc::new(options),
            metrics: PusherMetrics::register(&context.metrics),
            handovers: TaskTracker::new(),
            pumps: TaskTracker::new(),
            live: Arc::new(OnceLock::new()),
            redis,
            redis_picture,
            positions,
            raw_writer,
            history,
            exports: Exports::default(),
            started_at_us: clock.now_us(),
            context: context.clone(),
        };
        let Surroundings { topic_prefix, log, log_name, .. } = surroundings;
        let feed = Feed::new(app.clone(), log, log_name, topic_prefix);
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
