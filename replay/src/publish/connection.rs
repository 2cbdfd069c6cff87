//! The connection to a broker that messages are published over.

use std::time::Duration;

use anyhow::anyhow;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason};
use rumqttc::v5::{ConnectionError, Event, EventLoop, Incoming, MqttOptions};
use runtime::{Backoff, Clock};
use tokio::sync::watch;

use super::MqttTarget;

/// Messages in flight without an acknowledgement; the broker may ask for fewer.
const WINDOW: u16 = 4_096;
/// The largest packet taken from a broker, bytes.
const LARGEST_PACKET: u32 = 1 << 20;

/// How to connect. `purpose` names the client in the broker's log.
pub(crate) fn options(target: &MqttTarget, purpose: &str, keep_alive: Duration, clock: &Clock) -> MqttOptions {
    let mut options = MqttOptions::new(format!("updraft-{purpose}-{:x}", clock.now_us()), &target.host, target.port);
    options.set_keep_alive(keep_alive);
    options.set_max_packet_size(Some(LARGEST_PACKET));
    options.set_outgoing_inflight_upper_limit(WINDOW);
    // A session that outlives the connection: unacknowledged messages are sent again after a break.
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(60));
    if let Some((user, password)) = &target.credentials {
        options.set_credentials(user, password.reveal());
    }
    options
}

/// Keeps the connection up and counts acknowledgements. Ends only where trying again cannot help: returns why.
pub(crate) async fn connect(
    mut events: EventLoop,
    target: &MqttTarget,
    acknowledged: &watch::Sender<u64>,
    clock: &Clock,
) -> anyhow::Error {
    let mut backoff = Backoff::for_services();
    let mut is_lost = false;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::PubAck(ack))) => match ack.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                    acknowledged.send_modify(|count| *count += 1);
                }
                reason => {
                    let (host, port) = (&target.host, target.port);
                    return anyhow!("the broker at {host}:{port} refuses a message ({reason:?}): check its rights");
                }
            },
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                tracing::info!(host = target.host, port = target.port, "publishing to the broker");
                backoff.reset();
                is_lost = false;
            }
            Ok(_) => {}
            Err(error) => {
                if let Some(refusal) = refusal(&error, target) {
                    return refusal;
                }
                if !is_lost {
                    tracing::warn!(host = target.host, port = target.port, %error, "cannot reach the broker, trying on");
                }
                is_lost = true;
                clock.sleep(backoff.next_delay()).await;
            }
        }
    }
}

/// The error of a broker that will never take this client.
pub(crate) fn refusal(error: &ConnectionError, target: &MqttTarget) -> Option<anyhow::Error> {
    use ConnectReturnCode::{
        BadAuthenticationMethod, BadUserNamePassword, Banned, NotAuthorized, RefusedProtocolVersion,
        UnsupportedProtocolVersion,
    };
    let ConnectionError::ConnectionRefused(code) = error else { return None };
    let what = match code {
        BadAuthenticationMethod | BadUserNamePassword | Banned | NotAuthorized => "check user and password in its URL",
        RefusedProtocolVersion | UnsupportedProtocolVersion => "expected a broker that speaks MQTT 5",
        _ => return None,
    };
    Some(anyhow!("the broker at {}:{} refuses this client ({code:?}): {what}", target.host, target.port))
}
