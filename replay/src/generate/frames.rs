//! Reports into frames: the only part of the model that uses the radio protocol.

use fanet::packet::{
    AircraftType, Device, GroundTracking, GroundType, HwAnswer, HwInfo, Name, Service, Thermal, Tracking, Wind,
};
use fanet::{Address, BuildDate, Frame, Header, Packet, Position, Text};

use super::plane::Position3d;
use super::report::Report;

/// The firmware that all simulated devices run.
const BUILD: BuildDate = BuildDate { experimental: false, year: 2026, month: 3, day: 14 };

/// Encodes a report of a device, as a broadcast that may be relayed.
///
/// # Panics
/// Never for what the model makes: addresses are checked with the scenario and every number is finite.
pub(crate) fn encode(device: u32, report: &Report<'_>) -> Vec<u8> {
    let source = Address::from_u32(device).expect("addresses have 24 bits");
    let header = Header { forward: true, source, extended: None };
    let frame = Frame::new(header, packet(report));
    frame.encode().expect("the model makes only what can be sent")
}

fn packet<'a>(report: &Report<'a>) -> Packet<'a> {
    match report {
        Report::Tracking(tracking) => Packet::Tracking(Tracking {
            position: fanet_position(&tracking.position),
            online_tracking: tracking.is_online,
            aircraft_type: AircraftType::from_code(tracking.kind as u8),
            altitude_m: metres(&tracking.position),
            speed_kmh: tracking.speed_kmh,
            climb_mps: tracking.climb_mps,
            heading_deg: tracking.course_deg,
            turn_rate_dps: Some(tracking.turn_dps),
            qne_offset_m: None,
        }),
        Report::Ground { position, state, is_online } => Packet::GroundTracking(GroundTracking {
            position: fanet_position(position),
            ground_type: GroundType::from_code(*state as u8),
            online_tracking: *is_online,
        }),
        Report::Name(name) => Packet::Name(Name { name: Text::new(name) }),
        Report::Weather(weather) => Packet::Service(Service {
            internet_gateway: false,
            remote_config_support: false,
            extended_header: None,
            position: Some(fanet_position(&weather.position)),
            temperature_c: Some(weather.temperature_c),
            wind: Some(Wind {
                from_deg: weather.wind_from_deg,
                speed_kmh: weather.wind_speed_kmh,
                gust_kmh: weather.wind_gust_kmh,
            }),
            humidity_pct: Some(weather.humidity_pct),
            pressure_hpa: Some(weather.pressure_hpa),
            state_of_charge_pct: Some(weather.charge_pct),
        }),
        Report::Thermal(thermal) => Packet::Thermal(Thermal {
            position: fanet_position(&thermal.position),
            confidence: thermal.confidence,
            altitude_m: metres(&thermal.position),
            climb_mps: thermal.climb_mps,
            wind_speed_kmh: thermal.wind_speed_kmh,
            wind_from_deg: thermal.wind_from_deg,
        }),
        Report::Hardware { device_type, uptime_min } => Packet::HwInfo(HwInfo::Answer(HwAnswer {
            extended_header: None,
            device: Some(Device { device_type: *device_type, build: BUILD }),
            icao_address: None,
            uptime_min: Some(*uptime_min),
            rx_rssi: None,
        })),
    }
}

fn fanet_position(position: &Position3d) -> Position {
    Position::new(position.latitude_deg, position.longitude_deg)
}

fn metres(position: &Position3d) -> i32 {
    position.altitude_m.round() as i32
}
