//! Forwards MQTT frames to the raw topic.
//!
//! The bridge sends the PUBACK of a forwarded frame after Kafka has acknowledged it; the README lists the messages that
//! are acknowledged and not forwarded. Order is kept per device and connection. [`window`] holds the messages between
//! arrival and acknowledgement, [`pipeline`] processes them, and [`log_writer`] writes them to the log. Messages come
//! from an MQTT broker over the connection in [`mqtt`] ([`forward`] is its loop), or from a sender in the same process
//! ([`in_process`]).
//!
//! The payload is never decoded here; of the frame only the four header bytes are read, for the record's key.

mod answers;
mod config;
mod dependencies;
mod forward;
mod full_timer;
mod gate;
mod in_flight;
mod in_process;
mod intake;
mod limits;
mod log_writer;
mod metrics;
mod mqtt;
mod pipeline;
mod raw;
mod received;
mod reject;
mod shard;
mod stall;
mod ticks;
mod traces;
mod window;

use std::time::Duration;

use anyhow::Context as _;
use runtime::{Context, Tasks};
use schemas::catalogue::topic as names;
use streams::{Cluster, unless_stopped};

pub use config::{BridgeOptions, Command, Config};
pub use in_process::{AckHandler, Acknowledgement, Message, MessageReceiver, MessageSender, message_channel};
pub use shard::Shard;

use crate::dependencies::Dependencies;
use crate::forward::{Forwarder, ReadinessParts};
use crate::in_process::InProcessForwarder;
use crate::metrics::BridgeMetrics;
use crate::mqtt::BrokerMonitor;
use crate::ticks::Ticker;
use crate::traces::Traces;

/// The time each task has to end after a stop is requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs the bridge against Kafka and the schema registry until stopped.
///
/// # Errors
/// Errors that a retry cannot fix: bad credentials, an incompatible schema.
#[cfg(feature = "services")]
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    config.log.watch_certificates(&context.certificates);
    config.bridge.watch_certificates(&context.certificates);
    let cluster = Cluster::connect(&config.log, config.bridge.client_id())?;
    serve(config.bridge, cluster, context).await
}

/// Like [`run`], with a connected cluster: Kafka, or a log in this process.
///
/// # Errors
/// Errors that a retry cannot fix: bad credentials, an incompatible schema.
pub async fn serve(options: BridgeOptions, cluster: Cluster, context: Context) -> anyhow::Result<()> {
    // Registered before the first wait.
    let mqtt = context.readiness.part("mqtt");
    let Some((dependencies, parts, mut tasks)) = prepare(&options, cluster, &context).await? else { return Ok(()) };
    let monitor = BrokerMonitor::new(dependencies.clone(), options.clone());
    tasks.spawn("monitor", |stop| monitor.run(stop));
    let forwarder = Forwarder::new(dependencies, options, mqtt, parts.window)?;
    tasks.spawn("forward", |stop| forwarder.run(stop));
    tasks.run(SHUTDOWN_TIMEOUT).await
}

/// Runs the bridge on messages from this process, without an MQTT broker: each is acknowledged when the log has it. The
/// sender sets the part `mqtt` of `/ready`.
///
/// # Errors
/// Errors that a retry cannot fix: an incompatible schema.
pub async fn serve_in_process(
    options: BridgeOptions,
    message_receiver: MessageReceiver,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let Some((dependencies, parts, mut tasks)) = prepare(&options, cluster, &context).await? else { return Ok(()) };
    let forwarder = InProcessForwarder::new(dependencies, &options, parts.window, message_receiver)?;
    tasks.spawn("forward", |stop| forwarder.run(stop));
    tasks.run(SHUTDOWN_TIMEOUT).await
}

/// Registers the raw topic's schema and starts the ticker. Returns `None` if the program was asked to stop meanwhile.
async fn prepare(
    options: &BridgeOptions,
    cluster: Cluster,
    context: &Context,
) -> anyhow::Result<Option<(Dependencies, ReadinessParts, Tasks)>> {
    // All parts of `/ready` are registered before the first wait.
    context.readiness.part("registry");
    let parts = ReadinessParts::new(&context.readiness);
    // Waits for the raw topic before a schema is registered: with a mistyped prefix the topic does not exist, and no
    // schema must be registered under that prefix.
    if cluster.find_topic(context, &parts.kafka, names::RAW).await?.is_none() {
        return Ok(None);
    }
    let raw = unless_stopped(cluster.topic(context, names::RAW).await)
        .context("cannot register the schema of the raw topic")?;
    let Some(raw) = raw else { return Ok(None) };
    let dependencies = Dependencies {
        traces: Traces::new(context, cluster.log.as_ref(), options.topics.clone()),
        raw,
        dead_letter_topic: cluster.full_name(names::DEAD_LETTER),
        metrics: BridgeMetrics::register(&context.metrics),
        context: context.clone(),
        cluster,
    };
    let mut tasks = Tasks::new(context.clock.clone(), context.shutdown.clone());
    let ticker = Ticker::new(dependencies.clone(), options, parts.kafka.clone())?;
    tasks.spawn("ticks", |stop| ticker.run(stop));
    Ok(Some((dependencies, parts, tasks)))
}

#[cfg(test)]
mod tests;
