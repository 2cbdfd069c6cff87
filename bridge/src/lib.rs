//! MQTT frames into the raw topic; nothing acknowledged is lost.
//!
//! The promise: a frame that the broker got its PUBACK for is in Kafka, in the order received per device and connection.
//! [`window`] holds what is between receipt and acknowledgement, [`forward`] is the loop that owns it, [`carrier`] brings it
//! to the log, [`mqtt`] is the connection; everything else is pure.
//!
//! The payload is never decoded here; of the frame only the four header bytes are known, for the record's key.

mod answers;
mod carrier;
mod config;
mod fill;
mod forward;
mod intake;
mod metrics;
mod mqtt;
mod raw;
mod reject;
mod shard;
mod ticks;
mod topic;
mod window;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::patience::with_causes;
use runtime::trace::TraceSampler;
use runtime::{Context, Tasks, keep_trying};
use schemas::catalogue::{self, topic as names};
use streams::registry::{Schemas, TopicCodec};
use streams::{KafkaLog, KafkaSettings, Log, StreamError};

pub use config::{BridgeOptions, Config};
pub use shard::Shard;

use crate::forward::Forwarder;
use crate::metrics::BridgeMetrics;
use crate::ticks::Ticker;

/// What each part of the bridge is given.
#[derive(Clone)]
struct Outfit {
    context: Context,
    log: Arc<dyn Log>,
    /// What the log is, for people: its address.
    log_name: Arc<str>,
    /// Frames the values of the raw topic.
    raw_codec: TopicCodec,
    raw_topic: Arc<str>,
    dead_letter_topic: Arc<str>,
    traces: TraceSampler,
    metrics: BridgeMetrics,
}

/// Runs the bridge against Kafka and the schema registry until stopped.
///
/// # Errors
/// What no retry can mend: bad credentials, an incompatible schema.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    let log = KafkaLog::connect(KafkaSettings {
        bootstrap: config.log.kafka_bootstrap.clone(),
        extra: config.log.kafka_config.to_vec(),
        client_id: config.bridge.client_id(),
    })?;
    let schemas = Schemas::registry(&config.log.schema_registry_url)?;
    let traces = TraceSampler::new(config.shell.telemetry.trace_ratio);
    let name = format!("Kafka at {}", config.log.kafka_bootstrap);
    serve(
        config.bridge,
        Surroundings { topic_prefix: config.log.topic_prefix, log: Arc::new(log), log_name: name, schemas, traces },
        context,
    )
    .await
}

/// What the bridge writes to, and how.
pub struct Surroundings {
    /// Put before every topic name.
    pub topic_prefix: String,
    /// The log.
    pub log: Arc<dyn Log>,
    /// What the log is, for people: its address.
    pub log_name: String,
    /// Where the raw topic's schema is registered.
    pub schemas: Schemas,
    /// Which frames carry a trace.
    pub traces: TraceSampler,
}

/// Runs the bridge on any log until stopped.
///
/// # Errors
/// What no retry can mend.
pub async fn serve(options: BridgeOptions, surroundings: Surroundings, context: Context) -> anyhow::Result<()> {
    let Surroundings { topic_prefix, log, log_name, schemas, traces } = surroundings;
    let raw = catalogue::find(names::RAW).context("the raw topic is not in the catalogue")?;
    let dead_letter = catalogue::find(names::DEAD_LETTER).context("the dead-letter topic is not in the catalogue")?;
    // The parts that `/ready` waits for are all named before the first of them is waited for.
    let registry = context.readiness.part("registry");
    let parts = forward::Parts::new(&context.readiness);
    let prepared = keep_trying(
        &context,
        &registry,
        schemas.name(),
        |error: &StreamError| !error.is_transient(),
        || schemas.prepare(&topic_prefix, &raw),
    );
    let Some(raw_codec) = prepared.await.context("the schema of the raw topic")? else { return Ok(()) };
    let outfit = Outfit {
        log,
        log_name: log_name.into(),
        raw_codec,
        raw_topic: raw.full_name(&topic_prefix).into(),
        dead_letter_topic: dead_letter.full_name(&topic_prefix).into(),
        traces,
        metrics: BridgeMetrics::register(&context.metrics),
        context: context.clone(),
    };
    let mut tasks = Tasks::new(context.clock.clone(), context.shutdown.clone());
    let ticker = Ticker::new(outfit.clone(), &options, parts.kafka.clone())?;
    tasks.spawn("ticks", |stop| ticker.run(stop));
    let forwarder = Forwarder::new(outfit, options, parts)?;
    tasks.spawn("forward", |stop| forwarder.run(stop));
    tasks.run(Duration::from_secs(15)).await
}

/// Words for a log error with all its causes.
fn words(error: &StreamError) -> String {
    with_causes(error)
}
