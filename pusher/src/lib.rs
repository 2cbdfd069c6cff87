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
mod rest;
pub mod session;
mod socket;
pub mod subscription;
pub mod switchboard;
pub mod view;
pub mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use runtime::{Context, Tasks};
use streams::{KafkaLog, KafkaSettings, Log};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::feed::Feed;
use crate::metrics::PusherMetrics;
use crate::socket::Admission;
pub use config::{Config, MapStart, PusherOptions};

/// How long each part may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

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
    let surroundings = Surroundings { topic_prefix: config.log.topic_prefix, log: Arc::new(log), log_name };
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
        let app = App {
            admission: Admission::new(self.options.admission_limits()),
            options: Arc::new(self.options),
            metrics: PusherMetrics::register(&context.metrics),
            handovers: TaskTracker::new(),
            live: Arc::new(OnceLock::new()),
            started_at_us: context.clock.now_us(),
            context: context.clone(),
        };
        let Surroundings { topic_prefix, log, log_name } = surroundings;
        let feed = Feed::new(app.clone(), log, log_name, topic_prefix);
        let router = rest::router(app.clone());
        tracing::info!(address = %self.listener.local_addr()?, "map, REST and WebSocket");
        let mut tasks = Tasks::new(context.clock.clone(), context.shutdown.clone());
        tasks.spawn("feed", |stop| feed.run(stop));
        let listener = self.listener;
        tasks.spawn("http", |stop| http::serve(app, listener, router, stop));
        tasks.run(STOP_DEADLINE).await
    }
}
