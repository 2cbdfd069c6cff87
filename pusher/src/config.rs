//! Settings of the pusher.

mod access;
mod map;
mod notify;

use std::net::SocketAddr;
use std::path::PathBuf;
#[cfg(feature = "services")]
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
#[cfg(feature = "services")]
use clap::{Parser, Subcommand};
#[cfg(feature = "services")]
use history::{ClickHouse, ClickHouseOptions, HistoryReader};
use runtime::Redacted;
use runtime::settings::{duration_text, parse_address, parse_duration};
#[cfg(feature = "services")]
use runtime::{AdminRequest, Context, ShellOptions, program::Program};
#[cfg(feature = "services")]
use streams::LogOptions;

pub use self::access::AccessOptions;
pub(crate) use self::access::{Keys, SignInSettings};
pub use self::notify::NotifyOptions;
use crate::http::ConnectionLimits;
#[cfg(feature = "services")]
use crate::keys_command::{KeysAction, NewKeyOptions};
use crate::socket::AdmissionLimits;
#[cfg(feature = "services")]
use crate::{auth, http::tls, notify::check as notify_keys, positions, sessions};
use fanout::session::SessionLimits;
pub use map::{MapOptions, MapStart, TerrainEncoding};

/// One connection may use this fraction of the memory for unread responses: an eighth.
const CONNECTION_SHARE: u64 = 8;

/// Serve the air picture: WebSocket by cell, REST, and the map page.
#[cfg(feature = "services")]
#[derive(Debug, Clone, Parser)]
#[command(name = "pusher")]
pub struct Config {
    /// What to do. Without a command: run.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pusher: PusherOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub log: LogOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub history: HistoryOptions,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub shell: ShellOptions,
}

/// The history store.
#[cfg(feature = "services")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "History")]
pub struct HistoryOptions {
    /// URL of ClickHouse's HTTP interface: http(s)://[user[:password]@]host:port[/database]. With none, tracks, flights
    /// and exports answer 503.
    #[arg(
        long,
        env = "UPDRAFT_CLICKHOUSE_URL",
        value_name = "URL",
        default_value = "http://localhost:8123",
        hide_env_values = true,
        global = true
    )]
    pub clickhouse_url: Redacted,
}

#[cfg(feature = "services")]
impl HistoryOptions {
    /// The store, not connected yet. `None` where the setting is `none`.
    pub(crate) fn open(&self, context: &Context) -> anyhow::Result<Option<Arc<dyn HistoryReader>>> {
        match self.clickhouse_url.reveal() {
            "" | "none" => Ok(None),
            _ => Ok(Some(Arc::new(ClickHouse::new(self.clickhouse_url.clone(), context.clock.clone())?))),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self.clickhouse_url.reveal() {
            "" | "none" => Ok(()),
            _ => ClickHouseOptions { clickhouse_url: self.clickhouse_url.clone() }.check(),
        }
    }
}

/// What to do. Settings may stand before or after it.
#[cfg(feature = "services")]
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve map, REST and WebSocket until stopped. The default.
    Run,
    /// Ask the running pusher on its admin port whether it is ready, and print the answer in one line. Exit codes: 0
    /// ready, 1 not ready, 2 not reachable.
    Health,
    /// Change what the running pusher logs, until its next start, by its admin port; print the answer in one line. Exit codes:
    /// 0 changed, 1 refused, 2 not reachable.
    Log {
        /// The filter, as for --log: `info,pusher=debug` for details, `info` to end them.
        filter: String,
    },
    /// Make an API key: print it, and its entry for the file of --api-keys, which has only the hash.
    Keys {
        /// new: make one.
        #[arg(value_enum)]
        action: KeysAction,
        #[command(flatten)]
        #[allow(missing_docs)]
        new: NewKeyOptions,
    },
}

/// The pusher's own options.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "WebSocket, REST and map")]
pub struct PusherOptions {
    /// Address and port for map, REST and WebSocket.
    #[arg(long, env = "UPDRAFT_HTTP_LISTEN", value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8090", value_parser = parse_address, global = true)]
    pub http_listen: SocketAddr,
    /// Maximum number of objects in the air picture, alerts not counted, 1000 or more. Beyond it, objects without a
    /// position and those heard longest ago are dropped. A larger value takes more memory under a flood of made-up
    /// devices and receivers, some 2 KB each.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_OBJECTS", value_name = "OBJECTS", default_value_t = 500_000, value_parser = parse_max_objects, global = true)]
    pub max_objects: usize,
    /// Threads that own WebSockets; 0: one per two processors. More threads serve more clients; each thread processes
    /// every change of the air picture.
    #[arg(long, env = "UPDRAFT_PUSHER_SHARDS", value_name = "THREADS", default_value_t = 0, global = true)]
    pub shards: usize,
    /// Shortest time between two flushes of a shard, 1ms to 1s. A longer time takes less CPU and delays the updates.
    #[arg(long, env = "UPDRAFT_PUSHER_TICK", value_name = "DURATION", default_value = "10ms", value_parser = parse_tick, global = true)]
    pub tick: Duration,
    /// Heartbeat interval of WebSockets, 1s or more. The server closes a client that sends nothing for twice this time.
    #[arg(long, env = "UPDRAFT_PUSHER_HEARTBEAT", value_name = "DURATION", default_value = "30s", value_parser = parse_seconds, global = true)]
    pub heartbeat: Duration,
    /// Time without a record from the log after which clients are notified that the air picture is stale, 1s or more.
    #[arg(long, env = "UPDRAFT_PUSHER_STALE_AFTER", value_name = "DURATION", default_value = "15s", value_parser = parse_seconds, global = true)]
    pub stale_after: Duration,
    /// Compress WebSocket messages for clients that offer it.
    #[arg(long, env = "UPDRAFT_PUSHER_COMPRESSION", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, global = true)]
    pub compression: bool,
    /// Maximum number of open WebSockets; more are refused with 503. A larger value takes more memory and file
    /// descriptors.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 50_000, global = true)]
    pub max_connections: usize,
    /// Maximum number of open WebSockets from one IP address; 0: no limit, which is right behind a load balancer.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        default_value_t = 0,
        global = true
    )]
    pub max_connections_per_address: usize,
    /// Maximum number of open connections for REST and the map, WebSockets not counted. Beyond it, the server closes
    /// the connection that was idle longest, or the new one where none is idle.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_HTTP_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 8_192,
        value_parser = parse_count,
        global = true
    )]
    pub max_http_connections: usize,
    /// Memory for responses that clients have not read yet, MiB. Beyond it, the server closes the connections that hold
    /// the most memory and read nothing; where all of them read, it answers requests with 503. A larger value serves
    /// more slow clients at a time.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_UNREAD_MIB",
        value_name = "MIB",
        default_value_t = 128,
        value_parser = parse_unread_mib,
        global = true
    )]
    pub max_unread_mib: u64,
    /// Maximum number of new WebSockets per second; more are refused with 503 and Retry-After. A larger value
    /// reconnects all clients sooner after a restart, with more CPU for their snapshots.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_HANDSHAKES",
        value_name = "PER_SECOND",
        default_value_t = 2_000,
        global = true
    )]
    pub max_handshakes_per_second: u32,
    /// Largest radius of a WebSocket subscription, km.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_RADIUS_KM", value_name = "KM", default_value_t = SessionLimits::default().max_radius_km, global = true)]
    pub max_radius_km: f64,
    /// Largest height or width of the bounds of a WebSocket subscription, km.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_BOUNDS_KM", value_name = "KM", default_value_t = SessionLimits::default().max_bounds_km, global = true)]
    pub max_bounds_km: f64,
    /// Maximum number of devices that one client may follow.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_FOLLOWED_DEVICES",
        value_name = "COUNT",
        default_value_t = SessionLimits::default().max_followed_devices,
        global = true
    )]
    pub max_followed_devices: usize,
    /// Maximum number of changes of its subscription that one client may make per minute. A change that loads thousands
    /// of objects counts as several.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_SUBSCRIBES_PER_MINUTE",
        value_name = "COUNT",
        default_value_t = SessionLimits::default().max_subscribes_per_minute,
        global = true
    )]
    pub max_subscribes_per_minute: u32,
    /// Maximum number of messages that one client may send per minute, pings, pongs and fragments included. The server
    /// closes a client that sends more.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_MESSAGES_PER_MINUTE",
        value_name = "COUNT",
        default_value_t = SessionLimits::default().max_messages_per_minute,
        global = true
    )]
    pub max_messages_per_minute: u32,
    /// Time for the first message of a client whose URL has no subscription, 1s or more; then the server closes it.
    #[arg(long, env = "UPDRAFT_PUSHER_FIRST_MESSAGE_WITHIN", value_name = "DURATION", default_value = duration_text(SessionLimits::default().first_message_within), value_parser = parse_seconds, global = true)]
    pub first_message_within: Duration,
    /// Time for the TLS handshake, for the first complete request of a connection, and for the head of each later
    /// request, 1s or more; then the server closes the connection.
    #[arg(long, env = "UPDRAFT_PUSHER_HANDSHAKE_WITHIN", value_name = "DURATION", default_value = "10s", value_parser = parse_seconds, global = true)]
    pub handshake_within: Duration,
    /// Time in which a client has to read one WebSocket frame, or 16 KiB of a response, 1s or more. The server closes
    /// slower clients. A longer time keeps slower clients, which hold their connections longer.
    #[arg(long, env = "UPDRAFT_PUSHER_SLOW_FOR", value_name = "DURATION", default_value = duration_text(SessionLimits::default().slow_for), value_parser = parse_seconds, global = true)]
    pub slow_for: Duration,
    /// Largest message of a client, bytes.
    #[arg(long, env = "UPDRAFT_PUSHER_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value_t = SessionLimits::default().max_message_bytes, global = true)]
    pub max_message_bytes: usize,
    /// Maximum number of rows of one export; a larger one is refused with a problem document. A larger value allows
    /// longer queries and takes no more memory.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_EXPORT_MAX_ROWS",
        value_name = "ROWS",
        default_value_t = 1_000_000,
        global = true
    )]
    pub export_max_rows: u64,
    /// Age beyond which the archive of the raw topic removes hours, as its setting of the same name says; 0s: never. The
    /// answer to an erasure names it. Without it: that the operator knows.
    #[arg(long, env = "UPDRAFT_ARCHIVE_RETENTION", value_name = "DURATION", value_parser = parse_duration, global = true)]
    pub archive_retention: Option<Duration>,
    /// The map page.
    #[command(flatten)]
    pub map: MapOptions,
    /// PEM file with the certificate chain: enables HTTPS and WSS on the same port. It is reloaded when it changes.
    #[arg(long, env = "UPDRAFT_PUSHER_TLS_CERT", value_name = "FILE", requires = "tls_key", global = true)]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate. It is reloaded when it changes.
    #[arg(long, env = "UPDRAFT_PUSHER_TLS_KEY", value_name = "FILE", requires = "tls_cert", global = true)]
    pub tls_key: Option<PathBuf>,
    /// TOML file with a key for each device that may send positions, see docs/rest.md. Access tokens and API keys may send
    /// positions, too. It is reloaded when it changes.
    #[arg(long, env = "UPDRAFT_PUSHER_POSITION_KEYS", value_name = "FILE", global = true)]
    pub position_keys: Option<PathBuf>,
    /// Every client is an operator: reads and resets the scores of devices and changes zones without credentials. For
    /// development. Set it only where operators alone can reach this port.
    #[arg(long, env = "UPDRAFT_PUSHER_OPEN_OPERATOR", global = true)]
    pub open_operator: bool,
    /// Access control.
    #[command(flatten)]
    pub access: AccessOptions,
    /// Notifications.
    #[command(flatten)]
    pub notify: NotifyOptions,
    /// URL of Redis, which answers REST until the air picture is complete: redis://host:port, or rediss://host:port for
    /// TLS; the nodes of a cluster separated by commas; none: no Redis.
    #[arg(
        long,
        env = "UPDRAFT_REDIS_URL",
        value_name = "URL",
        default_value = "redis://localhost:6379",
        hide_env_values = true,
        global = true
    )]
    pub redis_url: Redacted,
}

impl Default for PusherOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl PusherOptions {
    /// The URL; `None` where the setting is `none`.
    pub(crate) fn redis_url(&self) -> Option<&Redacted> {
        Some(&self.redis_url).filter(|url| !matches!(url.reveal(), "" | "none"))
    }

    pub(crate) fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            max_radius_km: self.max_radius_km,
            max_bounds_km: self.max_bounds_km,
            max_followed_devices: self.max_followed_devices,
            max_subscribes_per_minute: self.max_subscribes_per_minute,
            max_message_bytes: self.max_message_bytes,
            max_messages_per_minute: self.max_messages_per_minute,
            first_message_within: self.first_message_within,
            slow_for: self.slow_for,
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

    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        let bytes = self.max_unread_mib << 20;
        ConnectionLimits { connections: self.max_http_connections, bytes, connection_bytes: bytes / CONNECTION_SHARE }
    }

    pub(crate) fn shard_count(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if self.shards > 0 { self.shards } else { (processors / 2).max(1) }
    }
}

#[cfg(feature = "services")]
impl Program for Config {
    fn service(&self) -> &'static str {
        "pusher"
    }

    fn shell(&self) -> &ShellOptions {
        &self.shell
    }

    fn admin_port(&self) -> Option<u16> {
        match self.command {
            None | Some(Command::Run | Command::Health | Command::Log { .. }) => Some(9104),
            Some(Command::Keys { .. }) => None,
        }
    }

    fn asks(&self) -> Option<(u16, AdminRequest)> {
        let request = match self.command.as_ref()? {
            Command::Health => AdminRequest::Health,
            Command::Log { filter } => AdminRequest::LogFilter(filter.clone()),
            Command::Run | Command::Keys { .. } => return None,
        };
        Some((self.admin_port()?, request))
    }

    fn check(&self) -> Result<(), String> {
        // The files of the settings may not be there yet: the first key is for one of them.
        if matches!(self.command, Some(Command::Keys { .. })) {
            return Ok(());
        }
        let options = &self.pusher;
        if let Some(Err(error)) = options.redis_url().map(redis_servers::check) {
            return Err(format!("--redis-url: {error}"));
        }
        if let (Some(cert), Some(key)) = (&options.tls_cert, &options.tls_key) {
            tls::open(cert, key).map_err(|error| format!("{error:#}"))?;
        }
        if let Some(file) = &options.position_keys {
            positions::check(file).map_err(|error| format!("{error:#}"))?;
        }
        if let Some(file) = &options.access.api_keys {
            auth::check_api_keys(file).map_err(|error| format!("{error:#}"))?;
        }
        if let Some(file) = options.access.session_keys() {
            if options.access.api_keys.is_none() {
                return Err("--session-keys needs --api-keys: the keys that open sessions".to_owned());
            }
            sessions::check(file).map_err(|error| format!("{error:#}"))?;
        }
        if let Some((settings, keys)) = options.access.tokens()? {
            let needs_provider = keys == Keys::Discovered || options.access.sign_in().is_some();
            auth::check_token_keys(keys)
                .and_then(|()| if needs_provider { auth::check_issuer(&settings.issuer) } else { Ok(()) })
                .map_err(|error| format!("{error:#}"))?;
        }
        if let Some(file) = options.notify.keys() {
            notify_keys(file).map_err(|error| format!("{error:#}"))?;
        }
        if let Some(url) = options.access.user_endpoint() {
            auth::check_user_endpoint(url).map_err(|error| format!("{error:#}"))?;
        }
        options.map.check()?;
        self.history.check()
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "expected a number of 1 or more, for example 8192".to_owned())
}

fn parse_unread_mib(text: &str) -> Result<u64, String> {
    let mib = text.parse().ok().filter(|mib| (8..=1 << 20).contains(mib));
    mib.ok_or_else(|| "expected a number of MiB from 8 to 1048576, for example 128".to_owned())
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    let tick = parse_duration(text)?;
    let allowed = Duration::from_millis(1)..=Duration::from_secs(1);
    if allowed.contains(&tick) {
        Ok(tick)
    } else {
        Err("expected a duration from 1ms to 1s, for example 10ms".to_owned())
    }
}

fn parse_max_objects(text: &str) -> Result<usize, String> {
    let objects = text.parse().ok().filter(|objects| (1_000..=100_000_000).contains(objects));
    objects.ok_or_else(|| "expected a number from 1000 to 100000000, for example 500000".to_owned())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration >= Duration::from_secs(1) {
        Ok(duration)
    } else {
        Err("expected a duration of 1s or more, for example 30s".to_owned())
    }
}

#[cfg(test)]
mod tests;
