//! A hand-moved clock, and frames as receivers publish them.

use fanet::packet::{
    AircraftType, GroundTracking, GroundType, Landmark, Layer, Message, Name, Service, Shape, Thermal, Tracking, Wind,
};
use fanet::{Address, Frame, Header, Packet, Text, Wrapped};
use schemas::object::Kind;
use schemas::v1::command::Action;
use schemas::v1::raw_record::Input;
use schemas::v1::{Audience, Command, RawRecord, Tick};

use crate::core::{Core, Outputs, RawInput, Settings, StateChange};

pub(super) const START_S: u64 = 1_750_000_000;

/// A pilot over the Soča valley.
pub(super) const PILOT: u32 = 0x11_0B90;

/// Where pilots of these tests fly, degrees.
pub(super) const HOME: (f64, f64) = (46.2, 13.6);

pub(super) fn home() -> fanet::Position {
    at(HOME.0, HOME.1)
}

pub(super) fn at(latitude_deg: f64, longitude_deg: f64) -> fanet::Position {
    fanet::Position::new(latitude_deg, longitude_deg)
}

pub(super) fn tracking(position: fanet::Position) -> Tracking {
    Tracking {
        position,
        online_tracking: true,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_500,
        speed_kmh: 36.0,
        climb_mps: 0.5,
        heading_deg: 90.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    }
}

pub(super) fn ground(position: fanet::Position, ground_type: GroundType) -> GroundTracking {
    GroundTracking { position, ground_type, online_tracking: true }
}

pub(super) fn station(position: fanet::Position) -> Service {
    Service {
        position: Some(position),
        temperature_c: Some(12.5),
        wind: Some(Wind { from_deg: 90.0, speed_kmh: 10.0, gust_kmh: 14.0 }),
        ..Service::default()
    }
}

pub(super) fn thermal(position: fanet::Position) -> Thermal {
    Thermal { position, confidence: 7, altitude_m: 1_600, climb_mps: 2.5, wind_speed_kmh: 10.0, wind_from_deg: 270.0 }
}

/// A text mark at a position, for 20 minutes.
pub(super) fn mark(position: fanet::Position, layer: Layer) -> Packet<'static> {
    let shape = Shape::Text { position, text: Text::new("Wires!") };
    Packet::Landmark(Landmark { ttl_min: 20, layer, reserved: 0, wind_sectors: None, shape })
}

pub(super) fn message(subtype: u8, text: &str) -> Packet<'_> {
    Packet::Message(Message { subtype, message: Text::new(text) })
}

pub(super) fn name(text: &str) -> Packet<'_> {
    Packet::Name(Name { name: Text::new(text) })
}

/// A core, and the time and offset of its next record.
pub(super) struct Story {
    pub(super) core: Core,
    pub(super) offset: u64,
    pub(super) now_us: u64,
    /// By how much the clock of the bridge is ahead, seconds.
    pub(super) bridge_ahead_s: i64,
    /// Records are replayed ones.
    pub(super) origin_id: Option<u64>,
}

impl Story {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            core: Core::new(3, settings),
            offset: 100,
            now_us: START_S * 1_000_000,
            bridge_ahead_s: 0,
            origin_id: None,
        }
    }

    pub(super) fn pass(&mut self, seconds: f64) -> &mut Self {
        self.now_us += (seconds * 1e6) as u64;
        self
    }

    /// Hands in one record, at the time as it is.
    pub(super) fn record(&mut self, receiver: Option<&str>, input: Input) -> Outputs {
        let record = RawRecord {
            ingested_at_us: self.now_us.wrapping_add_signed(self.bridge_ahead_s * 1_000_000),
            receiver_id: receiver.map(str::to_owned),
            origin_id: self.origin_id,
            input: Some(input),
        };
        let mut out = Outputs::default();
        self.core.apply(&RawInput { offset: self.offset, record: &record }, &mut out);
        self.offset += 1;
        out
    }

    pub(super) fn tick(&mut self) -> Outputs {
        self.tick_of("b")
    }

    pub(super) fn tick_of(&mut self, bridge: &str) -> Outputs {
        self.record(None, Input::Tick(Tick { bridge_id: bridge.into(), interval_s: 5 }))
    }

    /// A frame that receiver `r` stamps with the time as it is.
    pub(super) fn frame(&mut self, device: u32, packet: Packet<'_>) -> Outputs {
        self.heard("r", 0, &frame_of(device, packet))
    }

    /// A frame whose receiver stamps it `behind_s` seconds ago.
    pub(super) fn heard(&mut self, receiver: &str, behind_s: i64, frame: &Frame<'_>) -> Outputs {
        let stamp = (self.now_us / 1_000_000).cast_signed() - behind_s;
        let bytes = frame.encode_as_received().expect("a frame");
        let wrapped = Wrapped { timestamp_s: stamp as u32, rssi_dbm: -90, snr_db: 5, frame: &bytes };
        self.record(Some(receiver), Input::MqttFrame(wrapped.encode().into()))
    }

    /// A frame as bytes, in hex, that receiver `r` stamps with the time as it is.
    pub(super) fn bytes(&mut self, hex: &str) -> Outputs {
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        let frame: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        let stamp = (self.now_us / 1_000_000) as u32;
        let wrapped = Wrapped { timestamp_s: stamp, rssi_dbm: -90, snr_db: 5, frame: &frame };
        self.record(Some("r"), Input::MqttFrame(wrapped.encode().into()))
    }

    pub(super) fn command(&mut self, device: u32, id: &str, action: Action) -> Outputs {
        let command = Command {
            command_id: id.into(),
            device,
            issued_by: "operator".into(),
            issued_at_us: self.now_us,
            action: Some(action),
        };
        self.record(None, Input::Command(command))
    }

    /// Two frames, after which the pilot is trusted and shown.
    pub(super) fn introduce(&mut self, device: u32, position: fanet::Position) {
        for _ in 0..2 {
            self.frame(device, Packet::Tracking(tracking(position)));
            self.pass(5.0);
        }
    }
}

pub(super) fn frame_of(device: u32, packet: Packet<'_>) -> Frame<'_> {
    Frame::new(Header::broadcast(Address::from_u32(device).expect("an address")), packet)
}

/// What is said of the states of a device, in order.
pub(super) fn kinds(out: &Outputs) -> Vec<(Audience, &'static str)> {
    let kind_of = |change: &StateChange| match (change.kind, change.state.is_some()) {
        (Kind::Aircraft, true) => "aircraft",
        (Kind::Ground, true) => "ground",
        (Kind::Station, true) => "station",
        (Kind::Alert, true) => "alert",
        (Kind::Aircraft, false) => "no aircraft",
        (Kind::Ground, false) => "no ground",
        (Kind::Station, false) => "no station",
        (Kind::Alert, false) => "no alert",
        (Kind::Landmark, true) => "landmark",
        (Kind::Landmark, false) => "no landmark",
        (Kind::Thermal | Kind::Receiver, _) => "not of a device",
    };
    out.states.iter().map(|change| (change.audience, kind_of(change))).collect()
}
