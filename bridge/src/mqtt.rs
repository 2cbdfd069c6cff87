//! How this bridge connects to the broker.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Filter;
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};

use crate::config::BridgeOptions;
use crate::topic;

/// Larger than anything a receiver should send, so that what is too long becomes a dead letter. Beyond this the broker
/// discards a message by itself (MQTT 5, section 3.1.2.11.4).
const MAX_PACKET_BYTES: u32 = 1 << 20;

/// A client that is not connected yet, and its event loop.
pub(crate) fn client(options: &BridgeOptions) -> anyhow::Result<(AsyncClient, EventLoop)> {
    // Room for every acknowledgement of a full window and for the subscription: the polling task never waits for it.
    let requests = usize::from(options.window) * 2 + 64;
    Ok(AsyncClient::new(mqtt_options(options)?, requests))
}

/// The subscription of this bridge, at QoS 1.
pub(crate) fn subscription(options: &BridgeOptions) -> Vec<Filter> {
    topic::filters(&options.topics).into_iter().map(|filter| Filter::new(filter, QoS::AtLeastOnce)).collect()
}

fn mqtt_options(options: &BridgeOptions) -> anyhow::Result<MqttOptions> {
    let tls = options.mqtt_url.scheme() == "mqtts";
    let host = options.mqtt_url.host_str().unwrap_or("localhost");
    let port = options.mqtt_url.port().unwrap_or(if tls { 8883 } else { 1883 });
    let mut mqtt = MqttOptions::new(&options.client_id, host, port);
    let expiry_s = u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX);
    mqtt.set_clean_start(false)
        .set_manual_acks(true)
        .set_keep_alive(std::time::Duration::from_secs(10))
        .set_connection_timeout(5)
        .set_session_expiry_interval(Some(expiry_s))
        .set_receive_maximum(Some(options.window))
        .set_max_packet_size(Some(MAX_PACKET_BYTES));
    let mut network = mqtt.network_options();
    network.set_tcp_nodelay(true);
    mqtt.set_network_options(network);
    if let Some(user) = &options.mqtt_user {
        let password = options.mqtt_password.as_ref().map_or("", |password| password.reveal());
        mqtt.set_credentials(user, password);
    }
    if tls {
        mqtt.set_transport(Transport::Tls(tls_configuration(options)?));
    }
    Ok(mqtt)
}

fn tls_configuration(options: &BridgeOptions) -> anyhow::Result<TlsConfiguration> {
    let client_auth = match (&options.mqtt_certificate, &options.mqtt_key) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        _ => None,
    };
    match &options.mqtt_ca {
        Some(ca) => Ok(TlsConfiguration::Simple { ca: read(ca)?, alpn: None, client_auth }),
        None if client_auth.is_some() => anyhow::bail!("--mqtt-certificate needs --mqtt-ca"),
        None => Ok(TlsConfiguration::default()),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
