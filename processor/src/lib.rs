//! Raw frames in; observations, states, alerts and history out.
//!
//! The cores ([`core`], [`thermals`], [`receivers`]) are pure: records in, outputs out. [`raw`] and [`group`] put them
//! between their topics, [`pipeline`] is the shell around each of them, [`sinks`] is where outputs go. Every group runs
//! alone in its own process, or beside others on any log: [`serve`], [`serve_thermals`], [`serve_receivers`].

pub mod alone;
pub mod archive;
pub mod config;
pub mod core;
pub mod decode;
pub mod dedupe;
pub mod group;
pub mod historian;
mod metrics;
pub mod migrate;
pub mod pipeline;
pub mod raw;
pub mod receivers;
pub mod record;
mod serve;
pub mod sinks;
pub mod thermals;
pub mod topics;
pub mod verify;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use history::ClickHouse;
use runtime::{Context, Shutdown};
use streams::registry::Schemas;
use streams::{KafkaLog, KafkaSettings, Log};

use crate::config::TopicsAction;

pub use config::{Command, Config, CoreOptions, GroupOptions, Privacy, ReceiverOptions, RedisOptions};
pub use historian::{HistorianOptions, serve_historian};
pub use metrics::{GroupMetrics, RawMetrics, RedisMetrics};
pub use serve::{Outfit, rebuild_redis, serve, serve_receivers, serve_thermals};

/// Runs a command against Kafka and the schema registry until stopped or done.
///
/// # Errors
/// What no retry can mend; for `topics` also what could be.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    match config.command {
        // These reach nobody.
        Command::Core { alone, core } => {
            let ran = tokio::task::spawn_blocking(move || alone::run(&alone, &core.settings()));
            ran.await.context("the core alone")?
        }
        Command::Migrate { migrate } => migrate::run(migrate, &context).await,
        Command::Topics { action: TopicsAction::List, .. } => Ok(topics::print_list(&config.log.topic_prefix)?),
        _ => run_on_kafka(config, context).await,
    }
}

async fn run_on_kafka(config: Config, context: Context) -> anyhow::Result<()> {
    let log = KafkaLog::connect(KafkaSettings {
        bootstrap: config.log.kafka_bootstrap.clone(),
        extra: config.log.kafka_config.to_vec(),
        client_id: "updraft-processor".to_owned(),
    })?;
    let schemas = Schemas::registry(&config.log.schema_registry_url)?;
    let kafka = log.clone();
    let log: Arc<dyn Log> = Arc::new(log);
    let outfit = Outfit { context, log, schemas, topic_prefix: config.log.topic_prefix };
    let context = outfit.context.clone();
    let watch = watch_kafka(&kafka, &config.log.kafka_bootstrap, &context, &context.shutdown);
    let work = async {
        match config.command {
            Command::Run { core, group, redis } => serve(core, group, redis, outfit).await,
            Command::Thermals { group, redis } => serve_thermals(group, redis, outfit).await,
            Command::Receivers { receivers, group } => serve_receivers(receivers, group, outfit).await,
            Command::Archive { archive } => {
                archive::run(archive, &outfit.topic_prefix, outfit.log, outfit.context).await
            }
            Command::RebuildRedis { core, redis } => rebuild_redis(core, redis, outfit).await,
            Command::Historian { historian, clickhouse } => {
                let history = ClickHouse::new(clickhouse.clickhouse_url.reveal(), outfit.context.clock.clone())?;
                let name = history.name();
                historian::serve_historian(historian, Arc::new(history), name, outfit).await
            }
            Command::Verify { verify } => verify::run(verify, outfit).await,
            Command::Core { .. } | Command::Migrate { .. } => unreachable!("answered without Kafka"),
            Command::Topics { action, layout } => {
                let Outfit { context, log, schemas, topic_prefix } = outfit;
                topics::run(action, layout, &topic_prefix, log.as_ref(), &schemas, &context).await
            }
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = watch => Ok(()),
    }
}

/// Tells `/ready` whether Kafka answers.
async fn watch_kafka(kafka: &KafkaLog, bootstrap: &str, context: &Context, stop: &Shutdown) {
    let part = context.readiness.part("kafka");
    loop {
        if stop.or(context.clock.sleep(Duration::from_secs(1))).await.is_none() {
            // The work ends by itself.
            return std::future::pending().await;
        }
        let health = kafka.health();
        match health.is_up() {
            true => part.ready(),
            false => {
                let reason = health.last_error.unwrap_or_else(|| "no answer yet".to_owned());
                part.not_ready(format!("cannot reach kafka at {bootstrap}: {reason}"));
            }
        }
    }
}
