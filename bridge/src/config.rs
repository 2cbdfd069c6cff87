//! Settings of the bridge.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use runtime::program::Program;
use runtime::settings::parse_duration;
use runtime::{AdminRequest, Redacted, ShellOptions};
#[cfg(feature = "services")]
use runtime::{CertificateFiles, CertificateUse};
use streams::LogOptions;

use crate::shard::Shard;

/// Forward every frame from MQTT into the raw topic, and acknowledge it to the broker only when Kafka has it.
///
/// The broker must keep messages that it could not deliver yet. Mosquitto: max_queued_messages 0, max_inflight_messages
/// 0, persistence true; max_queued_bytes bounds its memory. The bridge logs a warning for each limit of the broker that
/// is too low.
///
/// Several bridges share the work with --shard 1/2 and --shard 2/2. Each keeps its own session
/// at the broker, under --client-id followed by its shard (updraft-bridge-1of2).
///
/// Kafka's own settings go through --kafka-config, for example
/// security.protocol=ssl,ssl.ca.location=/etc/kafka/ca.pem or linger.ms=5.
///
/// Exit codes: 64 for a bad setting, 1 when it cannot start, 0 after an orderly stop.
#[derive(Debug, Clone, Parser)]
#[command(name = "bridge")]
pub struct Config {
    /// What to do; without a command it runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub bridge: BridgeOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub shell: ShellOptions,
}

/// What to do instead of running.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the running bridge on its admin port whether it is ready, and print the answer in one line. Exit codes: 0 ready,
    /// 1 not ready, 2 not reachable.
    Health,
    /// Change what the running bridge logs, until its next start, by its admin port; print the answer in one line. Exit codes:
    /// 0 changed, 1 refused, 2 not reachable.
    Log {
        /// The filter, as for --log: `info,bridge=debug` for details, `info` to end them.
        filter: String,
    },
}

/// The bridge's own options.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "MQTT")]
pub struct BridgeOptions {
    /// URL of the MQTT broker: mqtt://host:port or mqtts://host:port.
    #[arg(long, env = "UPDRAFT_MQTT_URL", value_name = "URL", default_value = "mqtt://localhost:1883", value_parser = parse_url)]
    pub mqtt_url: url::Url,
    /// User name at the broker.
    #[arg(long, env = "UPDRAFT_MQTT_USER", value_name = "NAME")]
    pub mqtt_user: Option<String>,
    /// Password at the broker.
    #[arg(long, env = "UPDRAFT_MQTT_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub mqtt_password: Option<Redacted>,
    /// For mqtts: file with the certificates to trust instead of the system's (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_CA", value_name = "FILE")]
    pub mqtt_ca: Option<PathBuf>,
    /// For mqtts: file with this client's certificate (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_CERTIFICATE", value_name = "FILE", requires = "mqtt_key")]
    pub mqtt_certificate: Option<PathBuf>,
    /// For mqtts: file with the key of this client's certificate (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_KEY", value_name = "FILE", requires = "mqtt_certificate")]
    pub mqtt_key: Option<PathBuf>,
    /// Prefixes of receivers' topics, separated by commas.
    #[arg(long, env = "UPDRAFT_BRIDGE_TOPICS", value_name = "PREFIX", default_value = envelope::DEFAULT_PREFIX, value_delimiter = ',', value_parser = parse_prefix)]
    pub topics: Vec<String>,
    /// Share of the receivers of this bridge, where several bridges run: 2/4 is the second of four. Exactly one bridge
    /// forwards each frame; all bridges write ticks.
    #[arg(long, env = "UPDRAFT_BRIDGE_SHARD", value_name = "N/M", default_value_t = Shard::ALL)]
    pub shard: Shard,
    /// MQTT client id of this bridge, without its shard. Keep it the same over restarts, or the broker drops the queued
    /// messages. Two bridges must not share one.
    #[arg(long, env = "UPDRAFT_BRIDGE_CLIENT_ID", value_name = "ID", default_value = "updraft-bridge")]
    pub client_id: String,
    /// How long the broker queues frames for this bridge while it is disconnected, with the unit. A longer time
    /// survives longer outages and takes more memory of the broker.
    #[arg(long, env = "UPDRAFT_BRIDGE_SESSION_EXPIRY", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub session_expiry: Duration,
    /// Maximum number of frames between receipt and acknowledgement, 1 to 65535. A larger value gives more throughput
    /// over slow links,
    /// more memory use and more duplicates after a crash.
    #[arg(long, env = "UPDRAFT_BRIDGE_WINDOW", value_name = "FRAMES", default_value_t = 8192, value_parser = clap::value_parser!(u16).range(1..))]
    pub window: u16,
    /// Maximum frames per second of one receiver on average; further frames are dropped, acknowledged and counted. 0:
    /// no limit. With
    /// a larger value one receiver can take more capacity of the bridge and the processors from the others.
    #[arg(long, env = "UPDRAFT_BRIDGE_RECEIVER_RATE", value_name = "FRAMES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub receiver_rate: u32,
    /// Maximum frames of one receiver at once, after a pause. A larger value accepts longer backlogs of a receiver that
    /// was offline, and longer bursts of a broken one.
    #[arg(long, env = "UPDRAFT_BRIDGE_RECEIVER_BURST", value_name = "FRAMES", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub receiver_burst: u32,
    /// Maximum number of receivers whose limits are remembered, 100 or more; beyond it the least recently heard one is
    /// evicted. A larger value takes more memory under a flood of made-up receivers, some 300 bytes each.
    #[arg(long, env = "UPDRAFT_BRIDGE_MAX_RECEIVERS", value_name = "RECEIVERS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub max_receivers: u32,
    /// Time between two ticks to every raw partition, 1s to 60s. States downstream expire by these ticks: a longer
    /// interval delays the expiry, a shorter one writes more records.
    #[arg(long, env = "UPDRAFT_BRIDGE_TICK_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = parse_tick)]
    pub tick_interval: Duration,
}

impl BridgeOptions {
    /// The complete client id of this bridge, its shard included.
    pub fn client_id(&self) -> String {
        format!("{}{}", self.client_id, self.shard.suffix())
    }

    /// Exports when the certificates for the broker expire.
    #[cfg(feature = "services")]
    pub(crate) fn watch_certificates(&self, certificates: &CertificateFiles) {
        let own = self.mqtt_certificate.as_deref().map(|file| (file, CertificateUse::Own));
        let trusted = self.mqtt_ca.as_deref().map(|file| (file, CertificateUse::Trusted));
        own.into_iter().chain(trusted).for_each(|(file, purpose)| certificates.watch(file, purpose));
    }
}

impl Default for BridgeOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl Program for Config {
    fn service(&self) -> &'static str {
        "bridge"
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        Some(9101)
    }

    fn asks(&self) -> Option<(u16, AdminRequest)> {
        let request = match self.command.as_ref()? {
            Command::Health => AdminRequest::Health,
            Command::Log { filter } => AdminRequest::LogFilter(filter.clone()),
        };
        Some((self.admin_port()?, request))
    }

    fn check(&self) -> Result<(), String> {
        let tls = self.bridge.mqtt_ca.is_some() || self.bridge.mqtt_certificate.is_some();
        if tls && self.bridge.mqtt_url.scheme() != "mqtts" {
            return Err(format!("--mqtt-ca and --mqtt-certificate need an mqtts:// URL, not {}", self.bridge.mqtt_url));
        }
        // Not `requires` of clap: a value from a file is a default to it, which it would overlook.
        if self.bridge.mqtt_password.is_some() && self.bridge.mqtt_user.is_none() {
            let line = "--mqtt-password needs a user name, and none is set: set --mqtt-user, or remove the password";
            return Err(line.to_owned());
        }
        Ok(())
    }
}

fn parse_url(text: &str) -> Result<url::Url, String> {
    let expected = || "expected mqtt://host:port or mqtts://host:port".to_owned();
    let url = url::Url::parse(text).map_err(|_| expected())?;
    let known = ["mqtt", "mqtts"].contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty());
    if !known {
        return Err(expected());
    }
    if !url.username().is_empty() || url.password().is_some() {
        let line =
            "expected a URL without user name and password, since logs show it: use --mqtt-user and --mqtt-password";
        return Err(line.to_owned());
    }
    Ok(url)
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let prefix = envelope::prefix_of(text).ok_or("expected a topic without wildcards, for example fb/b")?;
    Ok(prefix.to_owned())
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text)?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
    if allowed.contains(&interval) {
        Ok(interval)
    } else {
        Err("expected a duration from 1s to 60s, for example 5s".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, FromArgMatches as _};

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        let config = Config::try_parse_from(std::iter::once("bridge").chain(arguments.iter().copied()));
        let config = config.map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    #[test]
    fn the_options_are_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn defaults_work_on_one_machine() {
        let config = parse(&[]).expect("good");
        assert_eq!(config.bridge.mqtt_url.as_str(), "mqtt://localhost:1883");
        assert_eq!((config.bridge.topics, config.bridge.window), (vec!["fb/b".to_owned()], 8192));
    }

    #[test]
    fn requests_go_to_the_port_of_the_bridge() {
        let asks = |arguments: &[&str]| parse(arguments).expect("good").asks();
        assert_eq!(asks(&[]), None);
        assert_eq!(asks(&["health"]), Some((9101, AdminRequest::Health)));
        assert_eq!(asks(&["log", "debug"]), Some((9101, AdminRequest::LogFilter("debug".into()))));
    }

    #[test]
    fn default_is_what_the_options_declare() {
        let (ours, parsed) = (BridgeOptions::default(), parse(&[]).expect("good").bridge);
        assert_eq!(format!("{ours:?}"), format!("{parsed:?}"));
    }

    #[test]
    fn each_shard_has_a_session_of_its_own() {
        let client_id = |shard| parse(&["--client-id", "b", "--shard", shard]).expect("good").bridge.client_id();
        assert_eq!((client_id("1/1"), client_id("2/4")), ("b".to_owned(), "b-2of4".to_owned()));
    }

    /// With the value of one setting from a file, as `runtime::settings::read` gives it to clap.
    fn parse_with_file(id: &str, arguments: &[&str]) -> Result<(), String> {
        let command = Config::command().mut_arg(id, |arg| arg.default_value("from a file"));
        let matches = command.try_get_matches_from(std::iter::once("bridge").chain(arguments.iter().copied()));
        let config = matches.and_then(|matches| Config::from_arg_matches(&matches));
        config.map_err(|error| error.to_string())?.check()
    }

    #[test]
    fn a_password_needs_a_user_wherever_they_come_from() {
        assert!(parse(&["--mqtt-user", "u"]).is_ok());
        assert!(parse(&["--mqtt-user", "u", "--mqtt-password", "p"]).is_ok());
        assert_eq!(parse_with_file("mqtt_password", &["--mqtt-user", "u"]), Ok(()));
        assert_eq!(parse_with_file("mqtt_user", &["--mqtt-password", "p"]), Ok(()));
        let error = parse_with_file("mqtt_password", &[]).expect_err("no user");
        assert!(error.contains("--mqtt-user"), "{error}");
    }

    #[test]
    fn bad_settings_are_refused_with_an_example() {
        let cases = [
            (["--mqtt-url", "http://x"], "mqtt://host:port"),
            (["--mqtt-url", "mqtt://u:p@x"], "--mqtt-password"),
            (["--mqtt-url", "mqtts://alice@broker"], "--mqtt-user"),
            (["--mqtt-password", "p"], "--mqtt-user"),
            (["--topics", "fb/+/x"], "without wildcards"),
            (["--window", "0"], "1..=65535"),
            (["--tick-interval", "5m"], "1s to 60s"),
            (["--receiver-burst", "0"], "1..=1000000"),
            (["--max-receivers", "5"], "100..=10000000"),
            (["--shard", "5/4"], "2/4"),
            (["--mqtt-ca", "/ca.pem"], "mqtts://"),
        ];
        for (arguments, expected) in cases {
            let error = parse(&arguments).expect_err(arguments[0]);
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
