//! MQTT as the bridge needs it: a subscriber that acknowledges by hand, many at once, and decides itself when to read.
//!
//! The packets are rumqttc's; the connection is our own. rumqttc's event loop sends each acknowledgement in a write of its
//! own, keeps what it read from a connection that broke and hands it out on the next one, and cannot stop reading.

mod broker;
mod connection;
mod tls;

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, Filter, Login, Packet, RetainForwardRule, Subscribe,
};
use runtime::Clock;
use tokio::net::TcpStream;

use crate::config::BridgeOptions;
use crate::topic;

pub(crate) use broker::{Asked, News, Told, against_subscription, is_brokers_own};
pub(crate) use connection::{Connection, Lost};

/// Larger than anything a receiver should send, so that what is too long becomes a dead letter. Beyond this the broker
/// discards a message by itself (MQTT 5, section 3.1.2.11.4).
pub(crate) const MAX_PACKET_BYTES: u32 = 1 << 20;
/// A broker that is silent for this long is asked to show that it lives, and given up after as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The packet ids of our two subscriptions; the broker's messages count on their own.
pub(crate) const RECEIVERS: u16 = 1;
pub(crate) const ABOUT_BROKER: u16 = 2;

/// That the settings can work at all, before the first connection.
///
/// # Errors
/// A certificate or key that cannot be read or used.
pub(crate) fn check(options: &BridgeOptions) -> anyhow::Result<()> {
    if is_tls(options) { tls::configuration(options).map(|_| ()) } else { Ok(()) }
}

/// Connects, and has the broker accept this bridge's session.
pub(crate) async fn open(options: &BridgeOptions, clock: &Clock) -> Result<(Connection, ConnAck), Lost> {
    tokio::select! {
        opened = try_open(options, clock) => opened,
        () = clock.sleep(CONNECT_WITHIN) => Err(Lost::Silent(CONNECT_WITHIN)),
    }
}

async fn try_open(options: &BridgeOptions, clock: &Clock) -> Result<(Connection, ConnAck), Lost> {
    let host = options.mqtt_url.host_str().unwrap_or("localhost").trim_matches(['[', ']']);
    let port = options.mqtt_url.port().unwrap_or(if is_tls(options) { 8883 } else { 1883 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let mut connection = if is_tls(options) {
        Connection::new(tls::connect(stream, host, options).await?, clock.clone(), KEEP_ALIVE)
    } else {
        Connection::new(stream, clock.clone(), KEEP_ALIVE)
    };
    connection.send(&connect_packet(options))?;
    let connected = connection.greeting().await?;
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
    let login = options.mqtt_user.as_ref().map(|user| {
        let password = options.mqtt_password.as_ref().map_or("", |password| password.reveal());
        Login::new(user.clone(), password)
    });
    Packet::Connect(connect, None, login)
}

/// The receivers' topics, at QoS 1. A retained frame is an old one, which was taken when it was published; what a receiver
/// says of its hardware is worth hearing late.
pub(crate) fn receivers(options: &BridgeOptions) -> Packet {
    let frames = options.topics.iter().map(|prefix| Filter {
        retain_forward_rule: RetainForwardRule::Never,
        ..Filter::new(topic::frames(prefix), QoS::AtLeastOnce)
    });
    let hardware = options.topics.iter().map(|prefix| Filter {
        retain_forward_rule: RetainForwardRule::OnNewSubscribe,
        ..Filter::new(topic::hardware(prefix), QoS::AtLeastOnce)
    });
    subscribe(RECEIVERS, frames.chain(hardware).collect())
}

/// What some brokers tell of themselves.
pub(crate) fn about_broker() -> Packet {
    subscribe(ABOUT_BROKER, broker::TOPICS.map(|topic| Filter::new(topic, QoS::AtMostOnce)).into())
}

fn subscribe(packet_id: u16, filters: Vec<Filter>) -> Packet {
    Packet::Subscribe(Subscribe { pkid: packet_id, filters, properties: None })
}
