//! An attacker that publishes as fast as the broker accepts.

use anyhow::{Context, Result};
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};
use harness::traffic::publisher::{Other, Publisher};
use harness::{Stage, wait_until};

use crate::TIMEOUT;

pub(crate) struct Sender {
    publisher: Publisher,
    sent: usize,
}

impl Sender {
    pub(crate) fn start(stage: &Stage, name: &str) -> Self {
        let (host, port) = stage.mqtt();
        // No frames of its own, only requested ones.
        Self { publisher: Publisher::start_with(format!("{host}:{port}"), name, 100, 1, 0), sent: 0 }
    }

    /// Publishes with a receiver's id at QoS 1.
    pub(crate) async fn send(&mut self, receiver: &str, payload: Vec<u8>) -> Result<()> {
        self.sent += 1;
        let topic = format!("fb/b/{receiver}/f/1").into_bytes();
        self.publisher.also(Other { topic, payload, qos: 1 }).await
    }

    /// Waits until the broker has acknowledged all messages.
    pub(crate) async fn wait_for_acknowledgements(&self) -> Result<()> {
        let acknowledged = async || {
            self.publisher.with_published(|published| published.others_acknowledged >= self.sent).then_some(())
        };
        wait_until(TIMEOUT, "the broker to acknowledge all messages", acknowledged).await
    }
}

/// The MQTT payload of a tracking frame of any address.
pub(crate) fn tracking(device: u32, latitude_deg: f64) -> Result<Vec<u8>> {
    let packet = Packet::Tracking(Tracking {
        position: Position { latitude_deg, longitude_deg: 13.6 },
        online_tracking: true,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_500,
        speed_kmh: 36.0,
        climb_mps: 1.0,
        heading_deg: 0.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    });
    let source = Address::from_u32(device).context("an address")?;
    let mut payload = vec![0; 8];
    payload.extend(Frame::new(Header::broadcast(source), packet).encode()?);
    Ok(payload)
}
