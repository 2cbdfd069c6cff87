//! Settings of the bridge.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use runtime::program::Program;
use runtime::settings::parse_duration;
use runtime::{Redacted, ShellOptions};
use streams::LogOptions;

use crate::shard::Shard;

/// Carries every frame from MQTT into the raw topic, and acknowledges it to the broker only when Kafka has it.
///
/// The broker must be set to keep what it could not deliver yet. Mosquitto: max_queued_messages 0,
/// max_inflight_messages 0, persistence true. What the broker tells against that is a warning in the log.
///
/// Several bridges share the work where each is told its part: --shard 1/2 and --shard 2/2. Each keeps its own session
/// at the broker, under --client-id with its part behind it (updraft-bridge-1of2).
///
/// Kafka's own settings go through --kafka-config, for example
/// security.protocol=ssl,ssl.ca.location=/etc/kafka/ca.pem or linger.ms=5.
///
/// Exit codes: 64 for a bad setting, 1 when it cannot start, 0 after an orderly stop.
#[derive(Debug, Clone, Parser)]
#[command(name = "bridge")]
pub struct Config {
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

/// What the bridge alone is told.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "MQTT")]
pub struct BridgeOptions {
    /// The MQTT broker: mqtt://host:port or mqtts://host:port.
    #[arg(long, env = "UPDRAFT_MQTT_URL", value_name = "URL", default_value = "mqtt://localhost:1883", value_parser = parse_url)]
    pub mqtt_url: url::Url,
    /// User name at the broker.
    #[arg(long, env = "UPDRAFT_MQTT_USER", value_name = "NAME")]
    pub mqtt_user: Option<String>,
    /// Password at the broker.
    #[arg(long, env = "UPDRAFT_MQTT_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub mqtt_password: Option<Redacted>,
    /// For mqtts: a file with the certificates to trust instead of the system's (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_CA", value_name = "FILE")]
    pub mqtt_ca: Option<PathBuf>,
    /// For mqtts: this client's certificate (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_CERTIFICATE", value_name = "FILE", requires = "mqtt_key")]
    pub mqtt_certificate: Option<PathBuf>,
    /// For mqtts: the key of this client's certificate (PEM).
    #[arg(long, env = "UPDRAFT_MQTT_KEY", value_name = "FILE", requires = "mqtt_certificate")]
    pub mqtt_key: Option<PathBuf>,
    /// What receivers' topics begin with; several are separated by commas.
    #[arg(long, env = "UPDRAFT_BRIDGE_TOPICS", value_name = "PREFIX", default_value = "fb/b", value_delimiter = ',', value_parser = parse_prefix)]
    pub topics: Vec<String>,
    /// This bridge's share of the receivers where several bridges work side by side: 2/4 is the second of four. Every
    /// frame is forwarded by exactly one of them; ticks are written by all.
    #[arg(long, env = "UPDRAFT_BRIDGE_SHARD", value_name = "N/M", default_value_t = Shard::ALL)]
    pub shard: Shard,
    /// This bridge's name at the broker, before its shard. It must stay the same over restarts, or the broker forgets
    /// what it kept for it, and no two bridges may share one.
    #[arg(long, env = "UPDRAFT_BRIDGE_CLIENT_ID", value_name = "ID", default_value = "updraft-bridge")]
    pub client_id: String,
    /// How long the broker keeps frames for this bridge while it is away.
    #[arg(long, env = "UPDRAFT_BRIDGE_SESSION_EXPIRY", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub session_expiry: Duration,
    /// Frames between their receipt and their acknowledgement, 1 to 65535. More: more speed over slow links, more memory,
    /// more duplicates after a crash.
    #[arg(long, env = "UPDRAFT_BRIDGE_WINDOW", value_name = "FRAMES", default_value_t = 8192, value_parser = clap::value_parser!(u16).range(1..))]
    pub window: u16,
    /// Time between two ticks to every raw partition: what expires downstream does so by them.
    #[arg(long, env = "UPDRAFT_BRIDGE_TICK_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = parse_tick)]
    pub tick_interval: Duration,
}

impl BridgeOptions {
    /// The whole name of this bridge at the broker, its shard included.
    pub fn client_id(&self) -> String {
        format!("{}{}", self.client_id, self.shard.suffix())
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

    fn check(&self) -> Result<(), String> {
        let tls = self.bridge.mqtt_ca.is_some() || self.bridge.mqtt_certificate.is_some();
        if tls && self.bridge.mqtt_url.scheme() != "mqtts" {
            return Err(format!("--mqtt-ca and --mqtt-certificate need an mqtts:// URL, not {}", self.bridge.mqtt_url));
        }
        Ok(())
    }
}

fn parse_url(text: &str) -> Result<url::Url, String> {
    let allowed = || "mqtt://host:port or mqtts://host:port is".to_owned();
    let url = url::Url::parse(text).map_err(|_| allowed())?;
    let known = ["mqtt", "mqtts"].contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty());
    if !known {
        return Err(allowed());
    }
    if url.password().is_some() {
        return Err(
            "no password is allowed in the URL, since it would be shown in logs: use --mqtt-password".to_owned()
        );
    }
    Ok(url)
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let prefix = text.trim_end_matches('/');
    if prefix.is_empty() || prefix.contains(['+', '#', '\0']) {
        return Err("a topic without wildcards is, for example fb/b".to_owned());
    }
    Ok(prefix.to_owned())
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text)?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
    if allowed.contains(&interval) { Ok(interval) } else { Err("1s to 60s is".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

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
    fn each_shard_has_a_session_of_its_own() {
        let client_id = |shard| parse(&["--client-id", "b", "--shard", shard]).expect("good").bridge.client_id();
        assert_eq!((client_id("1/1"), client_id("2/4")), ("b".to_owned(), "b-2of4".to_owned()));
    }

    #[test]
    fn bad_settings_are_refused_with_what_is_allowed() {
        let cases = [
            (["--mqtt-url", "http://x"], "mqtt://host:port"),
            (["--mqtt-url", "mqtt://u:p@x"], "--mqtt-password"),
            (["--topics", "fb/+/x"], "without wildcards"),
            (["--window", "0"], "1..=65535"),
            (["--tick-interval", "5m"], "1s to 60s"),
            (["--shard", "5/4"], "1/4, 2/4"),
            (["--mqtt-ca", "/ca.pem"], "mqtts://"),
        ];
        for (arguments, expected) in cases {
            let error = parse(&arguments).expect_err(arguments[0]);
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
