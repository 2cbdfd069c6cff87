//! The program: runs one command against Kafka and the schema registry.

use std::sync::Arc;

use anyhow::Context as _;
use history::ClickHouse;
use runtime::Context;
use streams::Cluster;

use crate::config::TopicsAction;
use crate::{
    Command, Config, archive, command, historian, migrate, offline_core, rebuild_redis, serve, serve_receivers,
    serve_thermals, topics, verify,
};

/// Runs a command against Kafka and the schema registry until stopped or done.
///
/// # Errors
/// Fatal errors: a refused credential or schema, a file that cannot be read. Commands that end by themselves also fail where
/// a service is unreachable.
pub async fn run(config: Config, context: Context) -> anyhow::Result<()> {
    match config.command {
        // These need no cluster.
        Command::Core { offline, core } => {
            let ran = tokio::task::spawn_blocking(move || offline_core::run(&offline, &core.settings()));
            ran.await.context("run the core on files")?
        }
        Command::Migrate { migrate } => migrate::run(migrate, &context).await,
        Command::Topics { action: TopicsAction::List, .. } => Ok(topics::print_list(&config.log.topic_prefix)?),
        _ => run_on_kafka(config, context).await,
    }
}

async fn run_on_kafka(config: Config, context: Context) -> anyhow::Result<()> {
    config.log.watch_certificates(&context.certificates);
    let cluster = Cluster::connect(&config.log, "updraft-processor")?;
    let (watched, watching) = (cluster.clone(), context.clone());
    let work = async {
        match config.command {
            Command::Run { core, group, redis } => serve(core, group, redis, cluster, context).await,
            Command::Thermals { group, redis } => serve_thermals(group, redis, cluster, context).await,
            Command::Receivers { receivers, group } => serve_receivers(receivers, group, cluster, context).await,
            Command::Archive { archive } => archive::run(archive, &cluster.topic_prefix, cluster.log, context).await,
            Command::RebuildRedis { core, redis } => rebuild_redis(core, redis, cluster, context).await,
            Command::Historian { historian, clickhouse } => {
                let history = ClickHouse::new(clickhouse.clickhouse_url.clone(), context.clock.clone())?;
                let name = history.name();
                historian::serve_historian(historian, Arc::new(history), name, cluster, context).await
            }
            Command::Verify { verify } => verify::run(verify, cluster, context).await,
            Command::Command { command } => command::run(command, cluster, context).await,
            Command::Core { .. } | Command::Health { .. } | Command::Log { .. } | Command::Migrate { .. } => {
                unreachable!("run without Kafka")
            }
            Command::Topics { action, layout } => {
                let Cluster { log, schemas, topic_prefix, .. } = cluster;
                topics::run(action, layout, &topic_prefix, log.as_ref(), &schemas, &context).await
            }
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = watched.watch(&watching) => Ok(()),
    }
}
