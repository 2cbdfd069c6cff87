//! The connection to a broker that messages are published over.

use std::time::Duration;

use rumqttc::v5::{Event, EventLoop, Incoming, MqttOptions};
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

/// Keeps the connection up and counts acknowledgements; never ends.
pub(crate) async fn connect(
    mut events: EventLoop,
    target: &MqttTarget,
    acknowledged: &watch::Sender<u64>,
    clock: &Clock,
) {
    let mut backoff = Backoff::for_services();
    let mut is_lost = false;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::PubAck(_))) => acknowledged.send_modify(|count| *count += 1),
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                tracing::info!(host = target.host, port = target.port, "publishing to the broker");
                backoff.reset();
                is_lost = false;
            }
            Ok(_) => {}
            Err(error) => {
                if !is_lost {
                    tracing::warn!(host = target.host, port = target.port, %error, "cannot reach the broker, trying on");
                }
                is_lost = true;
                clock.sleep(backoff.next_delay()).await;
            }
        }
    }
}
