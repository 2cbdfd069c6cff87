//! Settings of the pusher.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use runtime::ShellOptions;
use runtime::program::Program;
use runtime::settings::parse_duration;
use streams::LogOptions;

use crate::session::SessionLimits;
use crate::socket::AdmissionLimits;

/// Shows the air picture: WebSocket by cell, REST, and the map page.
#[derive(Debug, Clone, Parser)]
#[command(name = "pusher")]
pub struct Config {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pusher: PusherOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub shell: ShellOptions,
}

/// What the pusher alone is told.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "WebSocket, REST and map")]
pub struct PusherOptions {
    /// Address of map, REST and WebSocket.
    #[arg(long, env = "UPDRAFT_HTTP_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8090")]
    pub http_listen: SocketAddr,
    /// Threads that own WebSockets; 0: one per two processors. More: more clients, and each reads every change.
    #[arg(long, env = "UPDRAFT_PUSHER_SHARDS", value_name = "THREADS", default_value_t = 0)]
    pub shards: usize,
    /// Shortest time between two flushes of a shard. Longer: less work, later news.
    #[arg(long, env = "UPDRAFT_PUSHER_TICK", value_name = "DURATION", default_value = "25ms", value_parser = parse_tick)]
    pub tick: Duration,
    /// A client that is silent for twice this time is closed.
    #[arg(long, env = "UPDRAFT_PUSHER_HEARTBEAT", value_name = "DURATION", default_value = "30s", value_parser = parse_seconds)]
    pub heartbeat: Duration,
    /// Without a record from the log for so long, clients are told that the picture is stale.
    #[arg(long, env = "UPDRAFT_PUSHER_STALE_AFTER", value_name = "DURATION", default_value = "15s", value_parser = parse_seconds)]
    pub stale_after: Duration,
    /// Compress WebSocket messages for clients that offer it.
    #[arg(long, env = "UPDRAFT_PUSHER_COMPRESSION", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub compression: bool,
    /// Open WebSockets; more are refused with 503.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 50_000)]
    pub max_connections: usize,
    /// Open WebSockets from one address; 0: no bound of its own (right behind a load balancer).
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = 0)]
    pub max_connections_per_address: usize,
    /// New WebSockets per second; more are refused with 503 and told when to come back.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_HANDSHAKES", value_name = "PER_SECOND", default_value_t = 2_000)]
    pub max_handshakes_per_second: u32,
    /// The largest radius of a WebSocket subscription, km.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_RADIUS_KM", value_name = "KM", default_value_t = 200.0)]
    pub max_radius_km: f64,
    /// The largest height or width of the bounds of a WebSocket subscription, km.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_BOUNDS_KM", value_name = "KM", default_value_t = 2_000.0)]
    pub max_bounds_km: f64,
    /// Devices that one client may follow.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_FOLLOWED_DEVICES", value_name = "COUNT", default_value_t = 100)]
    pub max_followed_devices: usize,
    /// Changes of its subscription that one client may make per minute.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_SUBSCRIBES_PER_MINUTE", value_name = "COUNT", default_value_t = 120)]
    pub max_subscribes_per_minute: u32,
    /// The largest message of a client, bytes.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value_t = 4096)]
    pub max_message_bytes: usize,
    /// Serve the map page from this folder instead of the built-in one.
    #[arg(long, env = "UPDRAFT_PUSHER_WEB_DIR", value_name = "DIR")]
    pub web_dir: Option<PathBuf>,
    /// Where the map begins: latitude,longitude,zoom.
    #[arg(long, env = "UPDRAFT_PUSHER_MAP_START", value_name = "LAT,LON,ZOOM", default_value = "46.6,8.4,8", value_parser = parse_map_start, allow_hyphen_values = true)]
    pub map_start: MapStart,
    /// URL of a MapLibre style for the base map; without it the built-in offline map is shown.
    #[arg(long, env = "UPDRAFT_PUSHER_MAP_STYLE", value_name = "URL")]
    pub map_style: Option<String>,
}

/// Where the map begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapStart {
    /// Degrees.
    pub latitude_deg: f64,
    /// Degrees.
    pub longitude_deg: f64,
    /// As MapLibre counts it, 0 to 22.
    pub zoom: f64,
}

impl PusherOptions {
    pub(crate) fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            max_radius_km: self.max_radius_km,
            max_bounds_km: self.max_bounds_km,
            max_followed_devices: self.max_followed_devices,
            max_subscribes_per_minute: self.max_subscribes_per_minute,
            max_message_bytes: self.max_message_bytes,
            ..SessionLimits::default()
        }
    }

    pub(crate) fn admission_limits(&self) -> AdmissionLimits {
        AdmissionLimits {
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            max_handshakes_per_second: self.max_handshakes_per_second,
        }
    }

    pub(crate) fn shard_count(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if self.shards > 0 { self.shards } else { (processors / 2).max(1) }
    }
}

impl Program for Config {
    fn service(&self) -> &'static str {
        "pusher"
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        Some(9104)
    }
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    let tick = parse_duration(text)?;
    let allowed = Duration::from_millis(1)..=Duration::from_secs(1);
    if allowed.contains(&tick) { Ok(tick) } else { Err("1ms to 1s is".to_owned()) }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration >= Duration::from_secs(1) { Ok(duration) } else { Err("1s or more is".to_owned()) }
}

fn parse_map_start(text: &str) -> Result<MapStart, String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match numbers[..] {
        [latitude_deg, longitude_deg, zoom]
            if latitude_deg.abs() <= 90.0 && longitude_deg.abs() <= 180.0 && (0.0..=22.0).contains(&zoom) =>
        {
            Ok(MapStart { latitude_deg, longitude_deg, zoom })
        }
        _ => Err("latitude,longitude,zoom is, for example 46.6,8.4,8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        let arguments = std::iter::once("pusher").chain(arguments.iter().copied());
        Config::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_options_are_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn defaults_work_on_one_machine() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.pusher.http_listen.port(), 8090);
        assert_eq!(config.pusher.tick, Duration::from_millis(25));
        assert!(config.pusher.compression);
        assert_eq!(config.pusher.session_limits(), SessionLimits::default(), "one set of defaults");
    }

    #[test]
    fn bad_settings_are_refused_with_what_is_allowed() {
        let cases = [
            (["--tick", "2s"], "1ms to 1s"),
            (["--heartbeat", "1ms"], "1s or more"),
            (["--map-start", "99,0,1"], "latitude,longitude,zoom"),
            (["--compression", "maybe"], "true, false"),
        ];
        for (arguments, expected) in cases {
            let error = parse(&arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
        assert_eq!(parse(&["--map-start", "-33.9,151.2,7"]).unwrap().pusher.map_start.longitude_deg, 151.2);
    }
}
