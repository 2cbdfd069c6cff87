//! Settings of standalone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use pusher::MapOptions;
use replay::input::Recording;
use replay::time::Time;
use runtime::program::Program;
use runtime::settings::parse_address;
use runtime::{AdminRequest, ShellOptions};

use crate::mqtt::open_receivers;

/// Run all of Updraft in one process: a live map of pilots within a second, with nothing else to install.
///
/// It receives frames over MQTT, processes each with the same bridge, processor and pusher as a large
/// installation, and serves the map. By default it flies simulated pilots, whose frames arrive over MQTT like
/// those of real receivers.
///
/// Without --data-dir everything ends with the process. With it the history and the zones are kept, and with --live the log, too:
/// the map continues where it was, and messages that were acknowledged are not lost.
#[derive(Debug, Clone, Parser)]
#[command(name = "updraft", after_help = AFTER_HELP, mut_arg("log", |log| log.default_value(DEFAULT_LOG)))]
pub struct Config {
    /// What to do; without a command it runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The traffic.
    #[command(flatten)]
    pub traffic: Traffic,
    /// Address of the map.
    #[arg(long, env = "UPDRAFT_HTTP_LISTEN", value_name = "ADDRESS:PORT", default_value_t = any(8090), value_parser = parse_address)]
    pub http_listen: SocketAddr,
    /// Address to which receivers publish: MQTT 3.1, 3.1.1 and 5, without TLS. Subscriptions are refused.
    #[arg(long, env = "UPDRAFT_STANDALONE_MQTT_LISTEN", value_name = "ADDRESS:PORT", default_value_t = any(1883), value_parser = parse_address)]
    pub mqtt_listen: SocketAddr,
    /// File of the receivers' passwords, hashed, in the form of Mosquitto's password_file; `updraft receivers new` makes a
    /// line. Then a receiver needs its id as the user, and its password, and can publish under its own id alone. Read again
    /// when it changes. Without it any client can publish as any receiver.
    #[arg(long, env = "UPDRAFT_STANDALONE_RECEIVERS", value_name = "FILE")]
    pub receivers: Option<PathBuf>,
    /// Folder of the history (tracks, flights, and the privacy of devices), of the zones, and with --live of the log (states,
    /// scores, counters, messages in work). Without it they are lost when the process ends. One program uses it at a time.
    #[arg(long, env = "UPDRAFT_STANDALONE_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The map page.
    #[command(flatten)]
    pub map: MapOptions,
    /// The process itself.
    #[command(flatten)]
    pub shell: ShellOptions,
}

/// What to do instead of running.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the running program on its admin port whether it is ready, and print the answer in one line. Exit codes: 0
    /// ready, 1 not ready, 2 not reachable.
    Health,
    /// Change what the running program logs, until its next start, by its admin port; print the answer in one line. Exit codes:
    /// 0 changed, 1 refused, 2 not reachable.
    Log {
        /// The filter, as for --log: `info,pusher=debug` for details, `info` to end them.
        filter: String,
    },
    /// Make a password for a receiver: print it, and its line for the file of --receivers, which has only the hash.
    Receivers {
        /// new: make one.
        #[arg(value_enum)]
        action: ReceiversAction,
        /// Id of the receiver, as its topics have it, for example 8896672.
        receiver: String,
    },
}

/// What to do with receivers' passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReceiversAction {
    /// Make one.
    New,
}

/// The traffic.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traffic")]
pub struct Traffic {
    /// Number of simulated pilots. Weather stations, retrieve drivers and receivers are added in proportion.
    #[arg(long, env = "UPDRAFT_STANDALONE_PILOTS", value_name = "COUNT", default_value_t = 40)]
    pub pilots: usize,
    /// Seed of the simulated world: another number gives another world.
    #[arg(long, env = "UPDRAFT_STANDALONE_SEED", value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Fly the recorded flights of this folder (IGC files) instead, all at once, repeatedly.
    #[arg(long, env = "UPDRAFT_STANDALONE_IGC", value_name = "FOLDER", conflicts_with_all = ["pilots", "live"])]
    pub igc: Option<PathBuf>,
    /// Play a capture (`replay capture`), or an archive, at the time when it was recorded: the clock of all programs starts
    /// there.
    #[arg(long, env = "UPDRAFT_STANDALONE_CAPTURE", value_name = "FILE", conflicts_with_all = ["pilots", "igc", "live"])]
    pub capture: Option<Recording>,
    /// Speed of the capture, 0.1 to 100 times real time.
    #[arg(long, env = "UPDRAFT_STANDALONE_SPEED", value_name = "FACTOR", default_value_t = 1.0, requires = "capture")]
    pub speed: f64,
    /// Time in the capture to begin at (UTC), for example 13:40 or 2026-07-14T13:40.
    #[arg(long, env = "UPDRAFT_STANDALONE_AT", value_name = "TIME", requires = "capture")]
    pub at: Option<Time>,
    /// Simulate nothing: wait for your own receivers.
    #[arg(long, env = "UPDRAFT_STANDALONE_LIVE", conflicts_with_all = ["pilots", "igc"])]
    pub live: bool,
}

/// Few lines, so that the address of the map stays visible in the terminal.
const DEFAULT_LOG: &str = "warn,standalone=info";

const AFTER_HELP: &str = "\
Examples:
  updraft                      40 simulated pilots; the map is at http://localhost:8090
  updraft --pilots 500         a crowded sky
  updraft --igc flights/       recorded flights, flown now
  updraft --capture sunday.capture --speed 10 --at 13:40
                               an afternoon again, ten times as fast
  updraft --live               your own receivers: point them at mqtt://this-machine:1883,
                               topics fb/b/<receiver>/f/<type>
  updraft receivers new 8896672
                               a password for a receiver, for --receivers
  updraft --http-listen 127.0.0.1:9000 --mqtt-listen 127.0.0.1:2883
                               other ports, for this machine only";

const fn any(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

impl Program for Config {
    fn service(&self) -> &'static str {
        "updraft"
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        match self.command {
            None | Some(Command::Health | Command::Log { .. }) => Some(9107),
            Some(Command::Receivers { .. }) => None,
        }
    }

    fn asks(&self) -> Option<(u16, AdminRequest)> {
        let request = match self.command.as_ref()? {
            Command::Health => AdminRequest::Health,
            Command::Log { filter } => AdminRequest::LogFilter(filter.clone()),
            Command::Receivers { .. } => return None,
        };
        Some((self.admin_port()?, request))
    }

    fn check(&self) -> Result<(), String> {
        if self.http_listen == self.mqtt_listen && self.http_listen.port() != 0 {
            return Err(format!(
                "--http-listen and --mqtt-listen are both {}: expected two different ports",
                self.http_listen
            ));
        }
        if !(0.1..=100.0).contains(&self.traffic.speed) {
            return Err(format!("invalid --speed {}: expected a factor from 0.1 to 100", self.traffic.speed));
        }
        // The line may be the first one of the file.
        if !matches!(self.command, Some(Command::Receivers { .. }))
            && let Some(file) = self.receivers()
        {
            if !self.traffic.live {
                return Err("--receivers needs --live: simulated receivers have no passwords".to_owned());
            }
            open_receivers(file).map_err(|error| format!("{error:#}"))?;
        }
        self.map.check()
    }
}

impl Config {
    /// The file of receivers' passwords.
    pub(crate) fn receivers(&self) -> Option<&Path> {
        // Compose and similar tools set an unset variable to an empty text.
        self.receivers.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        let config = Config::try_parse_from(std::iter::once("updraft").chain(arguments.iter().copied()));
        let config = config.map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    #[test]
    fn the_options_are_consistent_and_defaults_work() {
        Config::command().debug_assert();
        let config = parse(&[]).expect("good");
        assert_eq!((config.http_listen.port(), config.mqtt_listen.port()), (8090, 1883));
        assert_eq!((config.traffic.pilots, config.traffic.live), (40, false));
        assert_eq!(config.shell.telemetry.log, DEFAULT_LOG);
        assert_eq!((config.asks(), config.command), (None, None));
        assert_eq!(parse(&["health"]).expect("good").asks(), Some((9107, AdminRequest::Health)));
    }

    #[test]
    fn bad_settings_are_refused_with_their_names() {
        for (arguments, named) in [
            (&["--http-listen", "8090"][..], "--http-listen"),
            (&["--mqtt-listen", "0.0.0.0:99999"], "--mqtt-listen"),
            (&["--http-listen", "0.0.0.0:1883"], "--mqtt-listen"),
            (&["--live", "--igc", "x"], "--igc"),
            (&["--live", "--pilots", "3"], "--pilots"),
            (&["--pilots", "many"], "--pilots"),
            (&["--receivers", "passwords"], "--live"),
            (&["--receivers", "/none", "--live"], "/none"),
            (&["receivers", "new"], "RECEIVER"),
            (&["--speed", "10"], "--capture"),
            (&["--capture", "x", "--speed", "0"], "--speed"),
            (&["--capture", "x", "--at", "noon"], "--at"),
            (&["--capture", "x", "--igc", "y"], "--igc"),
        ] {
            let error = parse(arguments).expect_err(named);
            assert!(error.contains(named), "{arguments:?}: {error}");
        }
    }
}
