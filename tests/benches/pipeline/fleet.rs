//! Many paragliders over one valley, each flying straight on.

use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position};

const CENTRE: (f64, f64) = (46.5, 8.0);
const MANUFACTURER: u8 = 0x11;
/// 10 m/s to the north at one frame a second.
const STEP_DEG: f64 = 10.0 / 111_195.0;

/// What a frame is recognised by when it comes out on the map: device and latitude (1e-7 degrees).
pub(crate) type Mark = (u32, i32);

pub(crate) struct Fleet {
    devices: u32,
    sent: u32,
}

impl Fleet {
    pub(crate) fn new(devices: u32) -> Self {
        Self { devices, sent: 0 }
    }

    /// What the map looks at.
    pub(crate) fn region(&self) -> String {
        format!("lat={}&lon={}&radius=50", CENTRE.0, CENTRE.1)
    }

    /// The next frame, of each device in turn, and its mark.
    pub(crate) fn next_frame(&mut self) -> (Mark, Vec<u8>) {
        let (index, round) = (self.sent % self.devices, self.sent / self.devices);
        self.sent += 1;
        let side = f64::from(self.devices).sqrt().ceil() as u32;
        let position = Position {
            latitude_deg: CENTRE.0 - 0.15
                + f64::from(index / side) * 0.3 / f64::from(side)
                + STEP_DEG * f64::from(round),
            longitude_deg: CENTRE.1 - 0.15 + f64::from(index % side) * 0.3 / f64::from(side),
        };
        let packet = Packet::Tracking(Tracking {
            position,
            online_tracking: true,
            aircraft_type: AircraftType::Paraglider,
            altitude_m: 2000,
            speed_kmh: 36.0,
            climb_ms: 0.5,
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
