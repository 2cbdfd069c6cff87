//! Settings of standalone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser};
use runtime::ShellOptions;
use runtime::program::Program;

/// The whole of Updraft in one process: a live map of pilots within a second, with nothing else to install.
///
/// It starts an MQTT broker, carries each radio frame through the same bridge, processor and pusher as a large
/// installation, and serves the map. Unless told otherwise it flies simulated pilots, whose frames go in through the MQTT
/// broker like those of real receivers.
///
/// The log is kept in memory and gone when it ends, and so is the history unless it is given a folder.
#[derive(Debug, Clone, Parser)]
#[command(name = "updraft", after_help = AFTER_HELP, mut_arg("log", |log| log.default_value(DEFAULT_LOG)))]
pub struct Config {
    /// What flies.
    #[command(flatten)]
    pub traffic: Traffic,
    /// Where the map is.
    #[arg(long, env = "UPDRAFT_HTTP_LISTEN", value_name = "ADDRESS", default_value_t = any(8090))]
    pub http_listen: SocketAddr,
    /// Where receivers publish to: MQTT 3.1.1 and 5, without TLS and passwords.
    #[arg(long, env = "UPDRAFT_STANDALONE_MQTT_LISTEN", value_name = "ADDRESS", default_value_t = any(1883))]
    pub mqtt_listen: SocketAddr,
    /// Keep the history (tracks, flights) in this folder; without one it goes when the process ends.
    #[arg(long, env = "UPDRAFT_STANDALONE_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The process itself.
    #[command(flatten)]
    pub shell: ShellOptions,
}

/// What flies.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What flies")]
pub struct Traffic {
    /// Simulated pilots. Weather stations, retrieve drivers and receivers come with them.
    #[arg(long, env = "UPDRAFT_STANDALONE_PILOTS", value_name = "COUNT", default_value_t = 40)]
    pub pilots: usize,
    /// Chooses another simulated world.
    #[arg(long, env = "UPDRAFT_STANDALONE_SEED", value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Fly the recorded flights of this folder (IGC files) instead, all at once, again and again.
    #[arg(long, env = "UPDRAFT_STANDALONE_IGC", value_name = "FOLDER", conflicts_with_all = ["pilots", "live"])]
    pub igc: Option<PathBuf>,
    /// Fly nothing: wait for your own receivers.
    #[arg(long, env = "UPDRAFT_STANDALONE_LIVE", conflicts_with_all = ["pilots", "igc"])]
    pub live: bool,
}

/// Whoever starts it looks at the map, and the terminal says where that is. rumqttd tells of each client that comes and
/// goes, at levels that are ours for faults.
const DEFAULT_LOG: &str = "warn,standalone=info,rumqttd=off";

const AFTER_HELP: &str = "\
Examples:
  updraft                      40 simulated pilots; the map is at http://localhost:8090
  updraft --pilots 500         a crowded sky
  updraft --igc flights/       recorded flights, flown now
  updraft --live               your own receivers: point them at mqtt://this-machine:1883,
                               topics fb/b/<receiver>/f/<type>
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
        Some(9107)
    }

    fn check(&self) -> Result<(), String> {
        if self.http_listen == self.mqtt_listen && self.http_listen.port() != 0 {
            return Err(format!("--http-listen and --mqtt-listen are both {}", self.http_listen));
        }
        Ok(())
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
        ] {
            let error = parse(arguments).expect_err(named);
            assert!(error.contains(named), "{arguments:?}: {error}");
        }
    }
}
