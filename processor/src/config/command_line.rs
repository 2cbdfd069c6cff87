//! The command line of the program.

use clap::{Parser, Subcommand};
use history::ClickHouseOptions;
use runtime::ShellOptions;
use runtime::program::Program;
use streams::LogOptions;

use super::{CoreOptions, GroupOptions, Layout, ReceiverOptions, RedisOptions, TopicsAction};
use crate::alone::AloneOptions;
use crate::archive::ArchiveOptions;
use crate::command::CommandOptions;
use crate::historian::HistorianOptions;
use crate::migrate::MigrateOptions;
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
    /// Commands about one device, for operators: hide it, deny it, erase it, and take that back. The command goes into the raw
    /// topic, an audit record into `fanet.audit.v1`.
    Command {
        #[command(flatten)]
        #[allow(missing_docs)]
        command: CommandOptions,
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
            Command::Command { .. } => "command",
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
            Command::Archive { archive } => archive.every.map(|_| 9108),
            Command::Historian { .. } => Some(9103),
            Command::Command { .. }
            | Command::Core { .. }
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
            Command::Command { command } => command.check(),
            _ => Ok(()),
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
        assert_eq!(core.settings(), air::core::Settings::default());
        assert_eq!(group.checkpoint_interval, GroupOptions::default().checkpoint_interval);
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
