//! A stranger who publishes as fast as the broker takes it.

use anyhow::{Context, Result};
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};
use harness::traffic::publisher::{Other, Publisher};
use harness::{Stage, wait_until};

use crate::SOON;

pub(crate) struct Sender {
    publisher: Publisher,
    sent: usize,
}

impl Sender {
    pub(crate) fn start(stage: &Stage, name: &str) -> Self {
        let (host, port) = stage.mqtt();
        // No frames of its own, only what is asked for.
        Self { publisher: Publisher::start_with(format!("{host}:{port}"), name, 100, 1, 0), sent: 0 }
    }

    /// Publishes under a receiver's id, at QoS 1.
    pub(crate) async fn send(&mut self, receiver: &str, payload: Vec<u8>) -> Result<()> {
        self.sent += 1;
        let topic = format!("fb/b/{receiver}/f/1").into_bytes();
        self.publisher.also(Other { topic, payload, qos: 1 }).await
    }

    /// Waits until the broker has all of it.
    pub(crate) async fn all_taken(&self) -> Result<()> {
        let taken = async || self.publisher.look(|published| published.others_acknowledged >= self.sent).then_some(());
        wait_until(SOON, "the broker to take all messages", taken).await
    }
}

/// A tracking frame of any address, as a receiver wraps it.
pub(crate) fn tracking(device: u32, latitude_deg: f64) -> Result<Vec<u8>> {
    let packet = Packet::Tracking(Tracking {
        position: Position { latitude_deg, longitude_deg: 13.6 },
        online_tracking: true,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_500,
        speed_kmh: 36.0,
        climb_ms: 1.0,
        heading_deg: 0.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    });
    let source = Address::from_u32(device).context("an address")?;
    let mut payload = vec![0; 8];
    payload.extend(Frame::new(Header::broadcast(source), packet).encode()?);
    Ok(payload)
}
