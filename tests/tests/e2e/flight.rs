//! A simulated flight with a position each second, and its radio frames.

use std::time::Duration;

use fanet::packet::{AircraftType, GroundTracking, GroundType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};
use harness::wait_until;

/// 10 m/s to the north: plausible for a paraglider.
const STEP_DEG: f64 = 10.0 / 111_195.0;

pub(crate) struct Flight {
    device: u32,
    start: (f64, f64),
    positions: usize,
    online_tracking: bool,
    next_at: std::time::SystemTime,
}

impl Flight {
    pub(crate) fn new(device: u32, start: (f64, f64)) -> Self {
        Self { device, start, positions: 0, online_tracking: true, next_at: now() }
    }

    /// Whether the pilot agrees to be shown, in the frames from now on.
    pub(crate) fn set_online_tracking(&mut self, agrees: bool) {
        self.online_tracking = agrees;
    }

    /// Waits until the next position is due, and returns its index.
    pub(crate) async fn advance(&mut self) -> usize {
        let due = self.next_at;
        let reached = async || (now() >= due).then_some(());
        wait_until(Duration::from_secs(5), "the next second", reached).await.expect("time passes");
        self.next_at = due.max(now() - Duration::from_millis(500)) + Duration::from_millis(1200);
        self.positions += 1;
        self.positions - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.positions
    }

    pub(crate) fn address(&self) -> String {
        format!("{:06X}", self.device)
    }

    pub(crate) fn altitude_m(&self) -> i32 {
        1500
    }

    /// The newest position with the precision of the radio frame.
    pub(crate) fn newest(&self) -> (f64, f64) {
        self.on_air(self.positions - 1)
    }

    /// All latitudes with the precision of the radio frames, in millionths of a degree.
    pub(crate) fn latitudes_e6(&self) -> Vec<i64> {
        (0..self.positions).map(|index| (self.on_air(index).0 * 1e6).round() as i64).collect()
    }

    /// A position with the precision of the radio frame.
    pub(crate) fn on_air(&self, index: usize) -> (f64, f64) {
        let frame = self.frame(index);
        let Packet::Tracking(tracking) = Frame::decode(&frame).expect("our own frame").packet else {
            unreachable!("a tracking frame")
        };
        (tracking.position.latitude_deg, tracking.position.longitude_deg)
    }

    fn frame(&self, index: usize) -> Vec<u8> {
        let packet = Packet::Tracking(Tracking {
            position: Position {
                latitude_deg: self.start.0 + STEP_DEG * 1.2 * index as f64,
                longitude_deg: self.start.1,
            },
            online_tracking: self.online_tracking,
            aircraft_type: AircraftType::Paraglider,
            altitude_m: self.altitude_m(),
            speed_kmh: 36.0,
            climb_mps: 1.0,
            heading_deg: 0.0,
            turn_rate_dps: None,
            qne_offset_m: None,
        });
        self.encode(packet)
    }

    /// The MQTT payload of a receiver with a correct clock.
    pub(crate) fn payload(&self, index: usize) -> Vec<u8> {
        received(&self.frame(index))
    }

    /// The same of any packet of the device.
    pub(crate) fn payload_of(&self, packet: Packet<'_>) -> Vec<u8> {
        received(&self.encode(packet))
    }

    /// The same of a call for help, from where it was last.
    pub(crate) fn distress_payload(&self) -> Vec<u8> {
        let (latitude_deg, longitude_deg) = self.newest();
        let packet = Packet::GroundTracking(GroundTracking {
            position: Position { latitude_deg, longitude_deg },
            ground_type: GroundType::Distress,
            online_tracking: self.online_tracking,
        });
        self.payload_of(packet)
    }

    fn encode(&self, packet: Packet<'_>) -> Vec<u8> {
        let source = Address::new((self.device >> 16) as u8, (self.device & 0xFFFF) as u16);
        Frame::new(Header::broadcast(source), packet).encode().expect("encodable").to_vec()
    }
}

/// A frame as a receiver with a correct clock publishes it.
fn received(frame: &[u8]) -> Vec<u8> {
    let stamp = now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() as u32;
    let mut payload = stamp.to_le_bytes().to_vec();
    payload.extend((-80_i16).to_le_bytes());
    payload.extend(7_i16.to_le_bytes());
    payload.extend(frame);
    payload
}

#[allow(clippy::disallowed_methods, reason = "the flight runs in real time")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
