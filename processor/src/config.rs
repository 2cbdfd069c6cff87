//! Settings of the processor's commands.

#[cfg(feature = "services")]
mod command_line;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
#[cfg(feature = "services")]
pub use command_line::{Command, Config, Service};
use offline::parse_bound;
pub use offline::{CoreOptions, Privacy};
use runtime::Redacted;
use runtime::settings::parse_duration;

/// An action on the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TopicsAction {
    /// Create missing topics, register all schemas, and list differences.
    Apply,
    /// Compare with the catalogue; exit with 1 where they differ.
    Check,
    /// Print the catalogue.
    List,
}

/// The layout of an installation's topics.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Layout {
    /// Copies of each partition. Default: the cluster's. More: survives the loss of more brokers, and more storage.
    #[arg(long, env = "UPDRAFT_PROCESSOR_REPLICATION", value_name = "COPIES")]
    pub replication: Option<u16>,
    /// Partitions of the topics that scale: the largest number of processors that share the work. Each costs the brokers
    /// requests: 6 suit one machine. Chosen once: another number would move keys to other partitions. Default: the number of
    /// the raw topic; where there is none yet, that of the catalogue.
    #[arg(long, env = "UPDRAFT_PROCESSOR_PARTITIONS", value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub partitions: Option<u32>,
    /// apply: create topics under a prefix that is new on a cluster with topics under other prefixes. Without it such a prefix
    /// counts as mistyped, and nothing is created or registered.
    #[arg(long)]
    pub new_prefix: bool,
}

/// Settings of a consumer group.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Group")]
pub struct GroupOptions {
    /// Time between two checkpoints of a partition. More: fewer records, and more records to read again after a failure.
    #[arg(long, env = "UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub checkpoint_interval: Duration,
    /// Largest number of records that a partition receives at once. More: larger batches, and checkpoints wait longer.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_BATCH_RECORDS", value_name = "RECORDS", default_value_t = 1000)]
    pub max_batch_records: usize,
}

impl Default for GroupOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

/// The destination of live states beside the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Redis")]
pub struct RedisOptions {
    /// Redis: redis://host:port, rediss://host:port for TLS; nodes of a cluster separated by commas; none: no Redis.
    #[arg(
        long,
        env = "UPDRAFT_REDIS_URL",
        value_name = "URL",
        default_value = "redis://localhost:6379",
        hide_env_values = true
    )]
    pub redis_url: Redacted,
}

impl RedisOptions {
    /// No Redis.
    pub fn none() -> Self {
        Self { redis_url: Redacted::default() }
    }

    /// The URL. `None`: no Redis.
    pub fn url(&self) -> Option<&Redacted> {
        Some(&self.redis_url).filter(|url| !matches!(url.reveal(), "" | "none"))
    }
}

/// Settings of the receivers' group.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Receivers")]
pub struct ReceiverOptions {
    /// Positions of receivers (TOML: [[receiver]] with id, latitude_deg, longitude_deg and, where known, altitude_m); the
    /// positions of others are estimated.
    #[arg(long, env = "UPDRAFT_PROCESSOR_RECEIVERS_FILE", value_name = "FILE")]
    pub receivers_file: Option<PathBuf>,
    /// Time without a frame after which a receiver expires. More: silent receivers stay in lists longer.
    #[arg(long, env = "UPDRAFT_PROCESSOR_RECEIVER_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub receiver_lifetime: Duration,
    /// Largest number of receivers per partition, 1000 or more. Beyond it, receivers that never heard a public position are
    /// evicted, the longest silent first. More: more memory under a flood of made-up receivers.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_RECEIVERS", value_name = "RECEIVERS", default_value_t = air::core::Bounds::default().receivers, value_parser = parse_bound)]
    pub max_receivers: usize,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl RedisOptions {
    /// Checks the URL.
    ///
    /// # Errors
    /// One line that names the setting.
    #[cfg(feature = "services")]
    fn check(&self) -> Result<(), String> {
        let Some(url) = self.url() else { return Ok(()) };
        redis_servers::check(url).map_err(|error| format!("--redis-url: {error}"))
    }
}
