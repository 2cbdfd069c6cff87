//! The command line of the program.

use clap::{Parser, Subcommand, ValueEnum};
use history::ClickHouseOptions;
use runtime::program::Program;
use runtime::{AdminRequest, ShellOptions};
use streams::LogOptions;

use super::{CoreOptions, GroupOptions, Layout, ReceiverOptions, RedisOptions, TopicsAction};
use crate::archive::ArchiveOptions;
use crate::command::CommandOptions;
use crate::historian::HistorianOptions;
use crate::migrate::MigrateOptions;
use crate::offline_core::OfflineOptions;
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

/// The command.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Runs the stream core: raw frames into observations, states and alerts.
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
    /// Runs the thermal aggregator: climbs of all pilots into thermals and winds.
    Thermals {
        #[command(flatten)]
        #[allow(missing_docs)]
        group: GroupOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        redis: RedisOptions,
    },
    /// Runs the receivers' group: the state and coverage of each receiver.
    Receivers {
        #[command(flatten)]
        #[allow(missing_docs)]
        receivers: ReceiverOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        group: GroupOptions,
    },
    /// Archives the raw topic in hourly files, for longer than Kafka keeps it.
    Archive {
        #[command(flatten)]
        #[allow(missing_docs)]
        archive: ArchiveOptions,
    },
    /// Runs the stream core on files, without Kafka: captured raw records in, one line of JSON for each output. For bug
    /// reports: the same lines give the same output, bit for bit.
    Core {
        #[command(flatten)]
        #[allow(missing_docs)]
        offline: OfflineOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        core: CoreOptions,
    },
    /// Rebuilds Redis from the state topics. Processors may run meanwhile.
    RebuildRedis {
        #[command(flatten)]
        #[allow(missing_docs)]
        core: CoreOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        redis: RedisOptions,
    },
    /// Runs the historian: writes observations, receptions, thermals, receivers and alerts into ClickHouse, each once.
    Historian {
        #[command(flatten)]
        #[allow(missing_docs)]
        historian: HistorianOptions,
        #[command(flatten)]
        #[allow(missing_docs)]
        clickhouse: ClickHouseOptions,
    },
    /// Creates and updates the tables of the history and their retention.
    Migrate {
        #[command(flatten)]
        #[allow(missing_docs)]
        migrate: MigrateOptions,
    },
    /// Compares the log with the history: the number and a hash of the observations of each partition. Exits with 1 where they
    /// differ.
    Verify {
        #[command(flatten)]
        #[allow(missing_docs)]
        verify: VerifyOptions,
    },
    /// Hides, denies, erases or shows one device, for operators. Writes the command into the raw topic and an audit record into
    /// `fanet.audit.v1`.
    Command {
        #[command(flatten)]
        #[allow(missing_docs)]
        command: CommandOptions,
    },
    /// Creates or compares the topics of the catalogue on a cluster, and registers their schemas.
    Topics {
        /// apply: create missing topics and register all schemas. check: compare, exit with 1 where they differ. list: print
        /// the catalogue.
        #[arg(value_enum)]
        action: TopicsAction,
        /// The layout of the topics.
        #[command(flatten)]
        layout: Layout,
    },
    /// Asks a running command of this program on its admin port whether it is ready, and prints the answer in one line. Exit
    /// codes: 0 ready, 1 not ready, 2 not reachable.
    Health {
        /// The command that is asked: its default port is used where no --admin-listen is set.
        #[arg(value_enum, value_name = "COMMAND", default_value = "run")]
        of: Service,
    },
    /// Changes what a running command of this program logs, until its next start, by its admin port; prints the answer in
    /// one line. Exit codes: 0 changed, 1 refused, 2 not reachable.
    Log {
        /// The filter, as for --log: `info,processor=debug` for details, `info` to end them.
        filter: String,
        /// The command that is asked: its default port is used where no --admin-listen is set.
        #[arg(value_enum, value_name = "COMMAND", default_value = "run")]
        of: Service,
    },
}

/// A command that runs until it is stopped, and so has an admin port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "as the commands of these names")]
pub enum Service {
    Run,
    Thermals,
    Receivers,
    Historian,
    Archive,
}

impl Service {
    fn admin_port(self) -> u16 {
        match self {
            Self::Run => 9102,
            Self::Historian => 9103,
            Self::Thermals => 9105,
            Self::Receivers => 9106,
            Self::Archive => 9108,
        }
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
            Command::Command { .. } => "command",
            Command::Topics { .. } => "topics",
            Command::Health { .. } => "health",
            Command::Log { .. } => "log",
        }
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        let service = match &self.command {
            Command::Run { .. } => Service::Run,
            Command::Thermals { .. } => Service::Thermals,
            Command::Receivers { .. } => Service::Receivers,
            Command::Archive { archive } => archive.every.map(|_| Service::Archive)?,
            Command::Historian { .. } => Service::Historian,
            Command::Command { .. }
            | Command::Core { .. }
            | Command::Health { .. }
            | Command::Log { .. }
            | Command::Migrate { .. }
            | Command::RebuildRedis { .. }
            | Command::Topics { .. }
            | Command::Verify { .. } => return None,
        };
        Some(service.admin_port())
    }

    fn asks(&self) -> Option<(u16, AdminRequest)> {
        match &self.command {
            Command::Health { of } => Some((of.admin_port(), AdminRequest::Health)),
            Command::Log { filter, of } => Some((of.admin_port(), AdminRequest::LogFilter(filter.clone()))),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        match &self.command {
            Command::Run { group, .. } | Command::Thermals { group, .. } | Command::Receivers { group, .. }
                if group.max_batch_records == 0 =>
            {
                Err("invalid --max-batch-records 0: expected 1 or more, for example 1000".into())
            }
            Command::RebuildRedis { redis, .. } if redis.url().is_none() => {
                Err("invalid --redis-url 'none': expected the Redis to rebuild, for example redis://localhost:6379"
                    .into())
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
    fn the_command_line_is_valid() {
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
    fn health_asks_the_port_of_its_command() {
        let health = |arguments: &[&str]| {
            let config = Config::parse_from(["processor", "health"].into_iter().chain(arguments.iter().copied()));
            (config.asks().map(|(port, _)| port), config.admin_port())
        };
        assert_eq!(health(&[]), (Some(9102), None));
        for command in ["run", "thermals", "receivers", "historian"] {
            let config = Config::parse_from(["processor", command]);
            assert_eq!(
                (config.asks().map(|(port, _)| port), health(&[command]).0),
                (None, config.admin_port()),
                "{command}"
            );
        }
        let archive = Config::parse_from(["processor", "archive", "--to", "folder", "--every", "10m"]);
        assert_eq!(health(&["archive"]).0, archive.admin_port());
        let log = Config::parse_from(["processor", "log", "debug", "archive"]).asks();
        assert_eq!(log, Some((Service::Archive.admin_port(), AdminRequest::LogFilter("debug".into()))));
    }

    #[test]
    fn redis_is_optional() {
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
