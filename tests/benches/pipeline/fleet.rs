//! Many simulated paragliders over the Alps, each on a straight course, and the regions of the maps.

use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};

/// South-west corner and size of the flown area, degrees.
const CORNER: (f64, f64) = (44.5, 5.5);
const SIZE: (f64, f64) = (3.5, 9.0);
const MANUFACTURER: u8 = 0x11;
/// 10 m to the north with each frame.
const STEP_DEG: f64 = 10.0 / 111_195.0;

/// Identifies a frame on the map: device and latitude (1e-7 degrees).
pub(crate) type Mark = (u32, i32);

pub(crate) struct Fleet {
    devices: u32,
    sent: u32,
}

/// A pseudo-random number in 0..1.
fn spread(number: u32, step: f64) -> f64 {
    f64::from(number) * step % 1.0
}

/// The query of map `number`: 50 km around a position.
pub(crate) fn region(number: u32) -> String {
    let lat = CORNER.0 + SIZE.0 * spread(number, 0.381_966);
    let lon = CORNER.1 + SIZE.1 * spread(number, 0.267_949);
    format!("lat={lat:.4}&lon={lon:.4}&radius=50")
}

/// The query for the complete area.
pub(crate) fn everywhere() -> String {
    format!("bounds={},{},{},{}", CORNER.0 - 0.1, CORNER.1 - 0.1, CORNER.0 + SIZE.0 + 0.5, CORNER.1 + SIZE.1 + 0.1)
}

impl Fleet {
    pub(crate) fn new(devices: u32) -> Self {
        Self { devices, sent: 0 }
    }

    /// The next frame and its mark, of each device in turn.
    pub(crate) fn next_frame(&mut self) -> (Mark, Vec<u8>) {
        let (index, round) = (self.sent % self.devices, self.sent / self.devices);
        self.sent += 1;
        let position = Position {
            latitude_deg: CORNER.0 + SIZE.0 * spread(index, 0.618_034) + STEP_DEG * f64::from(round),
            longitude_deg: CORNER.1 + SIZE.1 * spread(index, 0.754_878),
        };
        let packet = Packet::Tracking(Tracking {
            position,
            online_tracking: true,
            aircraft_type: AircraftType::Paraglider,
            altitude_m: 2000,
            speed_kmh: 36.0,
            climb_mps: 0.5,
            heading_deg: 0.0,
            turn_rate_dps: None,
            qne_offset_m: None,
        });
        let id = 1 + index as u16;
        let frame = Frame::new(Header::broadcast(Address::new(MANUFACTURER, id)), packet).encode().expect("encodable");
        let Packet::Tracking(sent) = Frame::decode(&frame).expect("our own frame").packet else {
            unreachable!("a tracking frame")
        };
        let mark = (u32::from(MANUFACTURER) << 16 | u32::from(id), (sent.position.latitude_deg * 1e7).round() as i32);
        (mark, frame.to_vec())
    }
}
