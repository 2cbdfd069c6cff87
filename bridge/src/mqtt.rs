//! MQTT as the bridge needs it: a subscriber that acknowledges by hand, many at once, and decides itself when to read.
//!
//! The packets are rumqttc's; the connection is our own. rumqttc's event loop sends each acknowledgement in a write of its
//! own, keeps messages of a broken connection and returns them on the next one, and cannot stop reading.

mod broker;
mod connection;
mod monitor;
mod tls;

use std::time::Duration;

use envelope::{frames_filter, hardware_filter};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, Filter, Login, Packet, RetainForwardRule, Subscribe,
};
use runtime::{Clock, Redacted};
use tokio::net::TcpStream;

use crate::config::BridgeOptions;

pub(crate) use broker::{Asked, is_brokers_own, subscription_problem};
pub(crate) use connection::{Connection, ConnectionError};
pub(crate) use monitor::BrokerMonitor;

/// Larger than any message that a receiver should send, so that longer ones become dead letters. Beyond this the broker
/// discards a message by itself (MQTT 5, section 3.1.2.11.4).
pub(crate) const MAX_PACKET_BYTES: u32 = 1 << 20;
/// After this time of silence the bridge pings the broker, and closes the connection after the same time again.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The packet id of our subscription; the broker's messages count on their own.
pub(crate) const RECEIVERS: u16 = 1;

/// Checks the settings before the first connection.
///
/// # Errors
/// A certificate or key that cannot be read or used.
pub(crate) fn check(options: &BridgeOptions) -> anyhow::Result<()> {
    if is_tls(options) { tls::configuration(options).map(|_| ()) } else { Ok(()) }
}

/// Connects, and opens this bridge's session.
pub(crate) async fn open(options: &BridgeOptions, clock: &Clock) -> Result<(Connection, ConnAck), ConnectionError> {
    open_with(options, &connect_packet(options), clock).await
}

/// Connects with a CONNECT packet of the caller's.
async fn open_with(
    options: &BridgeOptions,
    connect: &Packet,
    clock: &Clock,
) -> Result<(Connection, ConnAck), ConnectionError> {
    tokio::select! {
        opened = try_open(options, connect, clock) => opened,
        () = clock.sleep(CONNECT_WITHIN) => Err(ConnectionError::Timeout(CONNECT_WITHIN)),
    }
}

async fn try_open(
    options: &BridgeOptions,
    connect: &Packet,
    clock: &Clock,
) -> Result<(Connection, ConnAck), ConnectionError> {
    let host = options.mqtt_url.host_str().unwrap_or("localhost").trim_matches(['[', ']']);
    let port = options.mqtt_url.port().unwrap_or(if is_tls(options) { 8883 } else { 1883 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let mut connection = if is_tls(options) {
        Connection::new(tls::connect(stream, host, options).await?, clock.clone(), KEEP_ALIVE)
    } else {
        Connection::new(stream, clock.clone(), KEEP_ALIVE)
    };
    connection.send(connect)?;
    let connected = connection.receive_connack().await?;
    Ok((connection, connected))
}

fn is_tls(options: &BridgeOptions) -> bool {
    options.mqtt_url.scheme() == "mqtts"
}

fn connect_packet(options: &BridgeOptions) -> Packet {
    let properties = ConnectProperties {
        session_expiry_interval: Some(Asked::of(options).session_expiry_s),
        receive_maximum: Some(options.window),
        max_packet_size: Some(MAX_PACKET_BYTES),
        ..ConnectProperties::new()
    };
    let connect = Connect {
        keep_alive: u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX),
        client_id: options.client_id(),
        clean_start: false,
        properties: Some(properties),
    };
    Packet::Connect(connect, None, login(options))
}

fn login(options: &BridgeOptions) -> Option<Login> {
    let user = options.mqtt_user.as_ref()?;
    let password = options.mqtt_password.as_ref().map(Redacted::current).unwrap_or_default();
    Some(Login::new(user.clone(), password.reveal()))
}

/// The receivers' topics, at QoS 1 and without retained messages: they are old. Brokers that do not know this option
/// send them with the retain flag, by which they are dropped.
pub(crate) fn receivers(options: &BridgeOptions) -> Packet {
    let filters = options.topics.iter().flat_map(|prefix| [frames_filter(prefix), hardware_filter(prefix)]);
    let live = |path| Filter { retain_forward_rule: RetainForwardRule::Never, ..Filter::new(path, QoS::AtLeastOnce) };
    subscribe(RECEIVERS, filters.map(live).collect())
}

fn subscribe(packet_id: u16, filters: Vec<Filter>) -> Packet {
    Packet::Subscribe(Subscribe { pkid: packet_id, filters, properties: None })
}
