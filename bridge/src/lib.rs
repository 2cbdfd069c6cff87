//! MQTT frames into the raw topic; nothing acknowledged is lost.
//!
//! The promise: a frame with a PUBACK is in Kafka, in the order received per device and connection.
//! [`window`] holds the messages between receipt and acknowledgement, [`pipeline`] processes them, and [`carrier`]
//! writes
//! them to the log. Messages come from a broker over the connection in [`mqtt`] ([`forward`] is its loop),
//! or from a sender in the same process through the [`inlet`]. Everything else is pure.
//!
//! The payload is never decoded here; of the frame only the four header bytes are read, for the record's key.

mod answers;
mod carried;
mod carrier;
mod config;
mod dependencies;
mod fill;
mod flow;
mod forward;
mod gate;
mod inlet;
mod intake;
mod limits;
mod metrics;
mod mqtt;
mod pipeline;
mod raw;
mod received;
mod reject;
mod shard;
mod ticks;
mod traces;
mod window;

use std::time::Duration;

use anyhow::Context as _;
use runtime::{Context, Tasks};
use schemas::catalogue::topic as names;
use streams::{Cluster, unless_stopped};

pub use config::{BridgeOptions, Command, Config};
pub use inlet::{Acknowledgement, Inlet, Message, Outlet, Publisher, inlet};
pub use shard::Shard;

use crate::dependencies::Dependencies;
use crate::forward::{Forwarder, Parts};
use crate::inlet::InletForwarder;
use crate::metrics::BridgeMetrics;
use crate::mqtt::BrokerMonitor;
use crate::ticks::Ticker;
use crate::traces::Traces;

/// How long each part may take to end.
const STOP: Duration = Duration::from_secs(15);

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

/// Runs the bridge between a broker and any log until stopped.
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
    tasks.run(STOP).await
}

/// Runs the bridge on messages from this process, without a broker: each is acknowledged when the log has it. The
/// sender sets the part `mqtt` of
/// `/ready`.
///
/// # Errors
/// Errors that a retry cannot fix: an incompatible schema.
pub async fn serve_inlet(
    options: BridgeOptions,
    outlet: Outlet,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let Some((dependencies, parts, mut tasks)) = prepare(&options, cluster, &context).await? else { return Ok(()) };
    let forwarder = InletForwarder::new(dependencies, &options, parts.window, outlet)?;
    tasks.spawn("forward", |stop| forwarder.run(stop));
    tasks.run(STOP).await
}

/// The dependencies of both inputs: the raw topic's schema, and ticks. `None`: stop.
async fn prepare(
    options: &BridgeOptions,
    cluster: Cluster,
    context: &Context,
) -> anyhow::Result<Option<(Dependencies, Parts, Tasks)>> {
    // All parts of `/ready` are registered before the first wait.
    context.readiness.part("registry");
    let parts = Parts::new(&context.readiness);
    // With a mistyped prefix there is no such topic: then nothing is registered under it.
    if cluster.find_topic(context, &parts.kafka, names::RAW).await?.is_none() {
        return Ok(None);
    }
    let raw = unless_stopped(cluster.topic(context, names::RAW).await).context("the schema of the raw topic")?;
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
