//! Publishes a simulation to an MQTT broker in step with the clock, each message with QoS 1.
//!
//! Between the simulation and the socket there is one bounded queue. A broker that is slow or unreachable stops the
//! publishing, and messages that are late by then are skipped and counted:
//! receivers, too, send only current frames.

use std::time::Duration;

use anyhow::Context as _;
use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use runtime::{Clock, Shutdown};
use tokio::sync::watch;

use super::MqttTarget;
use super::connection::{connect, options};
use super::pace::{Outlet, Pace, Published, in_step};
use crate::generate::{Reception, Simulation};

/// Messages between simulation and socket; when full, the simulation waits.
const QUEUE: usize = 1_024;
/// A broker closes a connection that is silent for one and a half times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long the last acknowledgements may take.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs a simulation into a broker until its end or until asked to stop.
///
/// Message times follow the clock from the call on: at other speeds than 1 the receivers' stamps are
/// shifted, so that they stay plausible next to the time of arrival.
///
/// # Errors
/// The broker refuses this client or a message. A broker that cannot be reached is tried again for ever.
pub async fn publish(
    simulation: &mut Simulation,
    target: &MqttTarget,
    pace: Pace,
    clock: &Clock,
    shutdown: &Shutdown,
) -> anyhow::Result<Published> {
    let (client, events) = AsyncClient::new(options(target, "generate", KEEP_ALIVE, clock), QUEUE);
    let (acknowledged, mut seen) = watch::channel(0);
    let feed = async {
        let mut published = in_step(simulation, pace, clock, shutdown, &mut &client).await?;
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
        refused = connect(events, target, &acknowledged, clock) => Err(refused),
    }
}

impl Outlet for &AsyncClient {
    async fn send(&mut self, message: Reception) -> anyhow::Result<()> {
        let sent = self.publish(message.topic, QoS::AtLeastOnce, false, message.payload).await;
        sent.context("the MQTT client has ended")
    }
}
