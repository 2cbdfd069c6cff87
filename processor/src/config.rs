//! Settings of the processor's commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use history::ClickHouseOptions;
use runtime::program::Program;
use runtime::settings::parse_duration;
use runtime::{Redacted, ShellOptions};
use streams::LogOptions;

use crate::alone::AloneOptions;
use crate::archive::ArchiveOptions;
use crate::core::{Lifetimes, Settings};
use crate::historian::HistorianOptions;
use crate::migrate::MigrateOptions;
use crate::pipeline::RejectLimits;
use crate::verify::VerifyOptions;

/// Turns raw frames into observations, states, alerts, thermals and receiver states.
#[derive(Debug, Clone, Parser)]
#[command(name = "processor", subcommand_required = true, arg_required_else_help = false)]
pub struct Config {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Command,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub shell: ShellOptions,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// The stream core: raw frames into observations, states and alerts.
    Run {
        #[command(flatten)]
        #[allow(missing_docs)]
        core: CoreOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        group: GroupOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        redis: RedisOptions,
    },
    /// The thermal aggregator: climbs of all pilots into one picture.
    Thermals {
        #[command(flatten)]
        #[allow(missing_docs)]
        group: GroupOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        redis: RedisOptions,
    },
    /// The receivers: who hears how much from where.
    Receivers {
        #[command(flatten)]
        #[allow(missing_docs)]
        receivers: ReceiverOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        group: GroupOptions,
    },
    /// The archive: the raw topic in hourly files, beyond what Kafka keeps.
    Archive {
        #[command(flatten)]
        #[allow(missing_docs)]
        archive: ArchiveOptions,
    },
    /// The stream core alone, without Kafka: captured raw records in, one line of JSON for each output out. For who has a
    /// bug report: the same lines give the same output, bit for bit.
    Core {
        #[command(flatten)]
        #[allow(missing_docs)]
        alone: AloneOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        core: CoreOptions,
    },
    /// Writes Redis anew from the state topics. Processors may run meanwhile.
    RebuildRedis {
        #[command(flatten)]
        #[allow(missing_docs)]
        core: CoreOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        redis: RedisOptions,
    },
    /// The historian: observations, receptions, thermals, receivers and alerts into ClickHouse, each once.
    Historian {
        #[command(flatten)]
        #[allow(missing_docs)]
        historian: HistorianOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        clickhouse: ClickHouseOptions,
    },
    /// The tables of the history, and how long they keep.
    Migrate {
        #[command(flatten)]
        #[allow(missing_docs)]
        migrate: MigrateOptions,
    },
    /// Compares the log with the history: the number and a hash of the observations of each partition. Exits 1 where they
    /// differ.
    Verify {
        #[command(flatten)]
        #[allow(missing_docs)]
        verify: VerifyOptions,
    },
    /// The topics of the catalogue on a cluster, and their schemas in the registry.
    Topics {
        /// apply: create what is missing and register all schemas. check: compare, exit 1 where they differ. list: print
        /// the catalogue.
        #[arg(value_enum)]
        action: TopicsAction,
        /// How they are laid out.
        #[command(flatten)]
        layout: Layout,
    },
}

/// What to do with topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TopicsAction {
    /// Create what is missing, register all schemas, and say what differs.
    Apply,
    /// Compare with the catalogue; exit 1 where they differ.
    Check,
    /// Print the catalogue.
    List,
}

/// How an installation lays its topics out.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Layout {
    /// Copies of each partition; the cluster's default where it is not given.
    #[arg(long, env = "UPDRAFT_PROCESSOR_REPLICATION", value_name = "COPIES")]
    pub replication: Option<u16>,
    /// Partitions of the topics that scale: at most so many processors share the work. Each costs the brokers requests: 6
    /// suit one machine. Chosen once: later, records would lie elsewhere. Where it is not given, as many as the raw topic
    /// has; where there is none yet, as the catalogue says.
    #[arg(long, env = "UPDRAFT_PROCESSOR_PARTITIONS", value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub partitions: Option<u32>,
}

/// Whether pilots' consent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Privacy {
    /// Who does not consent is hidden.
    #[default]
    On,
    /// For private networks: everybody is shown.
    Off,
}

/// Settings of the stream core. All processors of one cluster need the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Core")]
pub struct CoreOptions {
    /// Whether pilots' consent counts. off is for private networks only: it shows everybody.
    #[arg(long, env = "UPDRAFT_PROCESSOR_PRIVACY", value_enum, default_value_t)]
    pub privacy: Privacy,
    /// An aircraft without a position ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_AIRCRAFT_LIFETIME", value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    pub aircraft_lifetime: Duration,
    /// A ground object without a position ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_GROUND_LIFETIME", value_name = "DURATION", default_value = "2h", value_parser = parse_duration)]
    pub ground_lifetime: Duration,
    /// A weather station without a reading ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_STATION_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub station_lifetime: Duration,
    /// An alert whose device is silent is resolved after this, and goes after the same time again.
    #[arg(long, env = "UPDRAFT_PROCESSOR_ALERT_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub alert_lifetime: Duration,
    /// Name, consent and trust of a silent device are forgotten after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_DEVICE_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub device_lifetime: Duration,
}

impl Default for CoreOptions {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        Self {
            privacy: Privacy::On,
            aircraft_lifetime: Duration::from_secs(15 * 60),
            ground_lifetime: hours(2),
            station_lifetime: hours(24),
            alert_lifetime: hours(24),
            device_lifetime: hours(24),
        }
    }
}

impl CoreOptions {
    /// As the core takes them.
    pub fn settings(&self) -> Settings {
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4);
        Settings {
            privacy: self.privacy == Privacy::On,
            lifetimes: Lifetimes {
                aircraft_us: us(self.aircraft_lifetime),
                ground_us: us(self.ground_lifetime),
                station_us: us(self.station_lifetime),
                device_us: us(self.device_lifetime),
                alert_us: us(self.alert_lifetime),
                resolved_alert_us: us(self.alert_lifetime),
            },
            ..Settings::default()
        }
    }
}

/// Settings of a consumer group.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Group")]
pub struct GroupOptions {
    /// Time between two checkpoints of a partition. More: fewer records, and more to read again after a failure.
    #[arg(long, env = "UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub checkpoint_interval: Duration,
    /// Most records that are handed to a partition at once.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_BATCH_RECORDS", value_name = "RECORDS", default_value_t = 1000)]
    pub max_batch_records: usize,
    /// The group stops when so many inputs in a row could not be used, ticks not counted; 0: never. More: a bad release
    /// turns more of the log into dead letters before it stops.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_REJECT_RUN", value_name = "INPUTS", default_value_t = DEFAULT_REJECTS.run)]
    pub max_reject_run: u64,
    /// The group stops when more than this share of the latest 10,000 to 20,000 inputs could not be used; 100: never.
    #[arg(long, env = "UPDRAFT_PROCESSOR_MAX_REJECT_SHARE", value_name = "PERCENT", default_value_t = DEFAULT_REJECTS.share_pct, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_reject_share: u8,
}

/// A broken receiver among many sends far less; a release that cannot read its input gets there within seconds.
const DEFAULT_REJECTS: RejectLimits = RejectLimits { run: 10_000, share_pct: 50 };

impl GroupOptions {
    /// As the pipeline takes them.
    pub fn reject_limits(&self) -> RejectLimits {
        RejectLimits { run: self.max_reject_run, share_pct: self.max_reject_share }
    }
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            checkpoint_interval: Duration::from_secs(5),
            max_batch_records: 1000,
            max_reject_run: DEFAULT_REJECTS.run,
            max_reject_share: DEFAULT_REJECTS.share_pct,
        }
    }
}

/// Where live states go beside the log.
#[derive(Debug, Clone, Args, Default)]
#[command(next_help_heading = "Redis")]
pub struct RedisOptions {
    /// Redis: redis://host:port, rediss://host:port; none: no Redis.
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
    /// The URL; `None` where there is to be no Redis.
    pub fn url(&self) -> Option<&Redacted> {
        Some(&self.redis_url).filter(|url| !matches!(url.reveal(), "" | "none"))
    }
}

/// Settings of the receivers' group.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Receivers")]
pub struct ReceiverOptions {
    /// Where receivers stand (TOML: [[receiver]] with id, latitude_deg, longitude_deg and, where known, altitude_m); the
    /// places of others are estimated.
    #[arg(long, env = "UPDRAFT_PROCESSOR_RECEIVERS_FILE", value_name = "FILE")]
    pub receivers_file: Option<PathBuf>,
    /// A receiver that is silent ends after this.
    #[arg(long, env = "UPDRAFT_PROCESSOR_RECEIVER_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub receiver_lifetime: Duration,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self { receivers_file: None, receiver_lifetime: Duration::from_secs(24 * 3_600) }
    }
}

impl Program for Config {
    fn service(&self) -> &'static str {
        match self.command {
            Command::Run { .. } => "processor",
            Command::Thermals { .. } => "thermals",
            Command::Receivers { .. } => "receivers",
            Command::Archive { .. } => "archive",
            Command::Core { .. } => "core",
            Command::Historian { .. } => "historian",
            Command::Migrate { .. } => "migrate",
            Command::Verify { .. } => "verify",
            Command::RebuildRedis { .. } => "rebuild-redis",
            Command::Topics { .. } => "topics",
        }
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        match &self.command {
            Command::Run { .. } => Some(9102),
            Command::Thermals { .. } => Some(9105),
            Command::Receivers { .. } => Some(9106),
            Command::Archive { archive } => archive.every.map(|_| 9107),
            Command::Historian { .. } => Some(9103),
            Command::Core { .. }
            | Command::Migrate { .. }
            | Command::RebuildRedis { .. }
            | Command::Topics { .. }
            | Command::Verify { .. } => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        match &self.command {
            Command::Run { group, .. } | Command::Thermals { group, .. } | Command::Receivers { group, .. }
                if group.max_batch_records == 0 =>
            {
                Err("--max-batch-records 0: 1 or more is needed".into())
            }
            Command::RebuildRedis { redis, .. } if redis.url().is_none() => {
                Err("--redis-url none: rebuild-redis needs one".into())
            }
            Command::Run { redis, .. } | Command::Thermals { redis, .. } | Command::RebuildRedis { redis, .. } => {
                redis.check()
            }
            Command::Archive { archive } => archive.check(),
            Command::Historian { historian, clickhouse } => historian.check().and_then(|()| clickhouse.check()),
            Command::Migrate { migrate } => migrate.clickhouse.check(),
            Command::Verify { verify } => verify.check(),
            _ => Ok(()),
        }
    }
}

impl RedisOptions {
    fn check(&self) -> Result<(), String> {
        let Some(url) = self.url() else { return Ok(()) };
        match redis::Client::open(url.reveal()) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(format!("--redis-url: {error}; redis://host:port, rediss://host:port or none is allowed"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Config::command().debug_assert();
    }

    #[test]
    fn settings_reach_the_core() {
        let config = Config::parse_from(["processor", "run", "--privacy", "off", "--aircraft-lifetime", "1m"]);
        let Command::Run { core, redis, .. } = config.command else { panic!("another command") };
        let settings = core.settings();
        assert!(!settings.privacy);
        assert_eq!((settings.lifetimes.aircraft_us, settings.lifetimes.ground_us), (60_000_000, 7_200_000_000));
        assert!(redis.url().is_some());
    }

    #[test]
    fn defaults_are_those_of_the_command_line() {
        let config = Config::parse_from(["processor", "run"]);
        let Command::Run { core, group, .. } = config.command else { panic!("another command") };
        assert_eq!(core.settings(), CoreOptions::default().settings());
        assert_eq!(core.settings(), Settings::default());
        assert_eq!(group.checkpoint_interval, GroupOptions::default().checkpoint_interval);
        assert_eq!(group.reject_limits(), GroupOptions::default().reject_limits());
    }

    #[test]
    fn redis_can_be_left_out() {
        for url in ["", "none"] {
            let config = Config::parse_from(["processor", "thermals", "--redis-url", url]);
            let Command::Thermals { redis, .. } = &config.command else { panic!("another command") };
            assert!(redis.url().is_none());
            assert_eq!(config.check(), Ok(()));
        }
        let config = Config::parse_from(["processor", "run", "--redis-url", "http://x"]);
        assert!(config.check().is_err_and(|line| line.contains("--redis-url")));
    }
}
