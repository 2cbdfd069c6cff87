//! Publishes frames at QoS 1 as receivers do; two receivers publish each frame.

use std::time::Duration;

use anyhow::{Context, Result};
use harness::Stage;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;
use crate::fleet::Fleet;
use crate::listener::Listener;

const TOPICS: [&str; 2] = ["fb/b/8896672/f/1", "fb/b/8896673/f/1"];
const SEND_INTERVAL: Duration = Duration::from_millis(10);
const IN_FLIGHT: u16 = 1_000;

pub(crate) struct Publisher {
    client: AsyncClient,
    acknowledged: watch::Receiver<u64>,
}

impl Publisher {
    pub(crate) async fn connect(stage: &Stage) -> Result<Self> {
        let (host, port) = stage.mqtt();
        let mut options = MqttOptions::new("bench-receiver", host, port);
        options.set_outgoing_inflight_upper_limit(IN_FLIGHT);
        let (client, mut event_loop) = AsyncClient::new(options, usize::from(IN_FLIGHT));
        let (count, acknowledged) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                match event_loop.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(_))) => count.send_modify(|count| *count += 1),
                    Ok(_) => {}
                    // The watch closes, and waits for an acknowledgement fail.
                    Err(_) => return,
                }
            }
        });
        Ok(Self { client, acknowledged })
    }

    /// Publishes this number of frames a second for this time, each to both topics.
    pub(crate) async fn fly(&self, fleet: &mut Fleet, rate_hz: u32, time: Duration, listener: &Listener) -> Result<()> {
        let per_interval = rate_hz / 100 / TOPICS.len() as u32;
        let mut sends = interval(SEND_INTERVAL);
        sends.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..time.as_millis() / SEND_INTERVAL.as_millis() {
            sends.tick().await;
            for _ in 0..per_interval {
                let (mark, frame) = fleet.next_frame();
                listener.sent(mark);
                for topic in TOPICS {
                    self.publish(topic, &frame).await?;
                }
            }
        }
        Ok(())
    }

    /// Publishes as fast as the broker acknowledges, each frame once.
    pub(crate) async fn burst(&self, fleet: &mut Fleet, frames: u32) -> Result<()> {
        let mut acknowledged = self.acknowledged.clone();
        let until = *acknowledged.borrow() + u64::from(frames);
        for _ in 0..frames {
            let (_, frame) = fleet.next_frame();
            self.publish(TOPICS[0], &frame).await?;
        }
        acknowledged.wait_for(|count| *count >= until).await.context("the broker closed the connection")?;
        Ok(())
    }

    async fn publish(&self, topic: &str, frame: &[u8]) -> Result<()> {
        let mut payload = clock::unix_s().to_le_bytes().to_vec();
        payload.extend((-80_i16).to_le_bytes());
        payload.extend(7_i16.to_le_bytes());
        payload.extend(frame);
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.context("publish")
    }
}
