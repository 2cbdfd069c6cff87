//! rumqttd on two ports of its own, on this machine only.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;
use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};
use runtime::Clock;
use tokio::net::TcpStream;

use super::connect::Version;

/// The most clients at once.
pub(super) const MOST_CLIENTS: usize = 1_000;
/// Messages that wait for a subscriber that does not keep up: in segments of this many bytes, the oldest goes first.
const SEGMENT_BYTES: usize = 1 << 20;
const SEGMENTS: usize = 16;
/// The largest message, bytes.
const LARGEST_MESSAGE: usize = 1 << 20;
/// How long the start may take.
const START: Duration = Duration::from_secs(5);

/// A running broker. It ends with the process: rumqttd has no other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broker {
    v4: SocketAddr,
    v5: SocketAddr,
}

impl Broker {
    /// Starts the broker and waits until it takes connections.
    ///
    /// # Errors
    /// This machine has no free port, or the broker does not come up.
    pub(crate) async fn start(clock: &Clock) -> anyhow::Result<Self> {
        let broker = Self { v4: free_address()?, v5: free_address()? };
        let mut inner = rumqttd::Broker::new(broker.config());
        let run = move || {
            // Ends only where a port cannot be had, which `wait_for` notices.
            if let Err(error) = inner.start() {
                tracing::error!(%error, "the MQTT broker has stopped");
            }
        };
        std::thread::Builder::new().name("mqtt-broker".to_owned()).spawn(run).context("cannot start a thread")?;
        wait_for(broker.v4, clock).await?;
        wait_for(broker.v5, clock).await?;
        Ok(broker)
    }

    /// Where clients of a version are served.
    pub(super) fn address(&self, version: Version) -> SocketAddr {
        match version {
            Version::V4 => self.v4,
            Version::V5 => self.v5,
        }
    }

    fn config(&self) -> Config {
        let router = RouterConfig {
            max_connections: MOST_CLIENTS + 10,
            max_outgoing_packet_count: 200,
            max_segment_size: SEGMENT_BYTES,
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        };
        Config { router, v4: Some(server("v4", self.v4)), v5: Some(server("v5", self.v5)), ..Config::default() }
    }
}

fn server(name: &str, listen: SocketAddr) -> HashMap<String, ServerSettings> {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: LARGEST_MESSAGE,
        max_inflight_count: 200,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let settings =
        ServerSettings { name: name.to_owned(), listen, tls: None, next_connection_delay_ms: 0, connections };
    HashMap::from([(name.to_owned(), settings)])
}

/// A port that is free now. Between this look and the broker's own bind somebody else may take it; then the start fails.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on this machine")?;
    listener.local_addr().context("no address for a free port")
}

async fn wait_for(address: SocketAddr, clock: &Clock) -> anyhow::Result<()> {
    let until = clock.monotonic() + START;
    loop {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(error) if clock.monotonic() > until => {
                return Err(error).context("the MQTT broker inside does not come up");
            }
            Err(_) => clock.sleep(Duration::from_millis(5)).await,
        }
    }
}
