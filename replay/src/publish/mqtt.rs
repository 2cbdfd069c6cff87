//! Publishes a simulation to an MQTT broker in step with the clock, each message with QoS 1.
//!
//! Between the simulation and the socket there is one bounded queue. A broker that is slow or gone stops the publishing,
//! and what has grown stale meanwhile is skipped and counted: receivers, too, send what they hear now.

use std::time::Duration;

use anyhow::Context as _;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming, MqttOptions};
use runtime::{Backoff, Clock, Shutdown};
use tokio::sync::watch;

use super::MqttTarget;
use crate::generate::{Reception, Simulation};

/// Messages between simulation and socket; when full, the simulation waits.
const QUEUE: usize = 1_024;
/// Messages on their way without an acknowledgement; the broker may ask for fewer.
const WINDOW: u16 = 4_096;
/// Pause between two looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// The longest stretch of simulated time that is made at once, microseconds.
const CHUNK_US: u64 = 1_000_000;
/// A message later than this is skipped, microseconds.
const STALE_US: u64 = 3_000_000;
/// How long the last acknowledgements may take.
const DRAIN: Duration = Duration::from_secs(10);
/// The largest packet taken from a broker, bytes.
const LARGEST_PACKET: u32 = 1 << 20;

/// How fast, and how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Simulated seconds per second, above 0.
    pub speed: f64,
    /// End of the run in simulated time, microseconds since the Unix epoch; `None`: until asked to stop.
    pub until_us: Option<u64>,
}

/// What became of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Handed to the connection.
    pub sent: u64,
    /// Of these, acknowledged by the broker.
    pub acknowledged: u64,
    /// Too late to send.
    pub skipped: u64,
}

/// Runs a simulation into a broker until its end or until asked to stop.
///
/// Message times follow the clock from the moment of the call on: at other speeds than 1 the receivers' stamps are
/// shifted, so that they stay plausible next to the time of arrival.
///
/// # Errors
/// The client has ended, which is a fault in it: a broker that cannot be reached is tried again for ever.
pub async fn publish(
    simulation: &mut Simulation,
    target: &MqttTarget,
    pace: Pace,
    clock: &Clock,
    shutdown: &Shutdown,
) -> anyhow::Result<Published> {
    let (client, events) = AsyncClient::new(options(target, clock), QUEUE);
    let (acknowledged, mut seen) = watch::channel(0);
    let feed = async {
        let mut published = feed(simulation, &client, pace, clock, shutdown).await?;
        let all = seen.wait_for(|count| *count >= published.sent);
        tokio::select! {
            _ = all => {}
            () = clock.sleep(DRAIN) => {}
        }
        published.acknowledged = *seen.borrow();
        client.disconnect().await.context("cannot end the connection")?;
        anyhow::Ok(published)
    };
    tokio::select! {
        published = feed => published,
        () = connect(events, target, &acknowledged, clock) => unreachable!("the connection is kept up for ever"),
    }
}

fn options(target: &MqttTarget, clock: &Clock) -> MqttOptions {
    let mut options = MqttOptions::new(format!("updraft-generate-{:x}", clock.now_us()), &target.host, target.port);
    options.set_keep_alive(Duration::from_secs(20));
    options.set_max_packet_size(Some(LARGEST_PACKET));
    options.set_outgoing_inflight_upper_limit(WINDOW);
    // A session that outlives the connection: what was not acknowledged is sent again after a break.
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(60));
    if let Some((user, password)) = &target.credentials {
        options.set_credentials(user, password.reveal());
    }
    options
}

async fn feed(
    simulation: &mut Simulation,
    client: &AsyncClient,
    pace: Pace,
    clock: &Clock,
    shutdown: &Shutdown,
) -> anyhow::Result<Published> {
    let mut published = Published::default();
    let (began, began_us, start_us) = (clock.monotonic(), clock.now_us(), simulation.start_us());
    let mut reached_us = start_us;
    while !shutdown.is_requested() && pace.until_us.is_none_or(|until_us| reached_us < until_us) {
        let elapsed = clock.monotonic().saturating_sub(began);
        let due_us = start_us + (elapsed.as_secs_f64() * pace.speed * 1e6) as u64;
        let due_us = due_us.min(pace.until_us.unwrap_or(u64::MAX));
        if due_us <= reached_us {
            shutdown.or(clock.sleep(TICK)).await;
            continue;
        }
        reached_us = due_us.min(reached_us + CHUNK_US);
        for reception in simulation.run_to(reached_us) {
            let at_us = began_us + ((reception.at_us.saturating_sub(start_us)) as f64 / pace.speed) as u64;
            if at_us + STALE_US < clock.now_us() {
                published.skipped += 1;
                continue;
            }
            let message = stamped(reception, at_us);
            let sent = client.publish(message.topic, QoS::AtLeastOnce, false, message.payload);
            let Some(outcome) = shutdown.or(sent).await else {
                return Ok(published);
            };
            outcome.context("the MQTT client has ended")?;
            published.sent += 1;
        }
    }
    Ok(published)
}

/// Keeps the connection up and counts acknowledgements; never ends.
async fn connect(mut events: EventLoop, target: &MqttTarget, acknowledged: &watch::Sender<u64>, clock: &Clock) {
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

/// The message as it would be if it had been received at another time.
fn stamped(mut reception: Reception, at_us: u64) -> Reception {
    let shift_s = (at_us as i64 - reception.at_us as i64) / 1_000_000;
    let is_frame = matches!(fanet::Topic::parse(&reception.topic), Some(fanet::Topic::Frame { .. }));
    if shift_s != 0
        && is_frame
        && let Some(stamp) = reception.payload.first_chunk_mut::<4>()
    {
        let shifted = i64::from(u32::from_le_bytes(*stamp)) + shift_s;
        *stamp = u32::try_from(shifted.max(0)).unwrap_or(u32::MAX).to_le_bytes();
    }
    reception.at_us = at_us;
    reception
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_move_with_the_message_and_hardware_stays() {
        let reception = |topic: &str| Reception {
            at_us: 5_000_000,
            receiver_id: 1,
            topic: topic.to_owned(),
            payload: vec![10, 0, 0, 0, 1, 2],
        };
        assert_eq!(stamped(reception("fb/b/1/f/1"), 9_900_000).payload, [14, 0, 0, 0, 1, 2]);
        assert_eq!(stamped(reception("fb/b/1/f/1"), 3_000_000).payload, [8, 0, 0, 0, 1, 2]);
        assert_eq!(stamped(reception("fb/b/1/hw"), 9_900_000).payload, [10, 0, 0, 0, 1, 2]);
    }
}
