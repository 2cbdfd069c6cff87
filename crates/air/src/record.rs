//! Decoded packets into the wire types: plain functions, nothing judged, nothing left out.

use bytes::Bytes;
use fanet::packet::{GroundType, HwAnswer, HwInfo, HwInfoDeprecated, Landmark, Layer, RemoteConfig, Service, Shape};
use fanet::packet::{Thermal, Tracking};
use fanet::{BuildDate, Elements, Packet};

use crate::name::{clean_name, clean_text};
use schemas::v1::observation::Body;
use schemas::v1::{
    Acknowledgement, AircraftKind, AircraftPosition, DeviceName, GroundKind, GroundPosition, HardwareReport,
    LandmarkPoint, LandmarkReport, OtherPacket, Position, RemoteConfiguration, TextMessage, ThermalReading,
    WeatherReading,
};

/// The observation's body of a packet.
pub fn body(packet: &Packet<'_>) -> Body {
    match packet {
        Packet::Ack(_) => Body::Acknowledgement(Acknowledgement {}),
        Packet::Tracking(tracking) => Body::Position(aircraft_position(tracking)),
        Packet::Name(name) => Body::Name(DeviceName { name: clean_name(&name.name.display()) }),
        Packet::Message(message) => {
            Body::Message(TextMessage { subtype: message.subtype.into(), text: clean_text(&message.message.display()) })
        }
        Packet::Service(service) => Body::Weather(weather(service)),
        Packet::Landmark(landmark) => Body::Landmark(landmark_report(landmark)),
        Packet::RemoteConfig(config) => Body::RemoteConfiguration(remote_configuration(config)),
        Packet::GroundTracking(ground) => Body::GroundPosition(GroundPosition {
            position: Some(position(ground.position, None)),
            online_tracking: ground.online_tracking,
            ground_kind: ground_kind(ground.ground_type),
            ground_type: ground.ground_type.code().into(),
        }),
        Packet::HwInfoDeprecated(hardware) => Body::Hardware(deprecated_hardware(hardware)),
        Packet::Thermal(thermal) => Body::Thermal(thermal_reading(thermal)),
        Packet::HwInfo(hardware) => Body::Hardware(hardware_report(hardware)),
        Packet::Other { payload, .. } => Body::Other(OtherPacket { payload: Bytes::copy_from_slice(payload) }),
    }
}

/// Where the sender says that it is. `None`: it does not say.
pub fn sender_position(packet: &Packet<'_>) -> Option<Position> {
    match packet {
        Packet::Tracking(tracking) => Some(position(tracking.position, Some(tracking.altitude_m))),
        Packet::GroundTracking(ground) => Some(position(ground.position, None)),
        Packet::Service(service) => service.position.map(|at| position(at, None)),
        _ => None,
    }
}

/// The wire's number of a ground type: the protocol's plus one, so that 0 stays "not stated".
pub fn ground_kind(ground: GroundType) -> i32 {
    i32::from(ground.code()) + 1
}

/// The protocol's number of a ground kind, 0 (other) where nothing is stated.
pub fn ground_type(kind: i32) -> u32 {
    u32::try_from(kind.saturating_sub(1)).unwrap_or(GroundKind::Unspecified as u32)
}

fn position(at: fanet::Position, altitude_m: Option<i32>) -> Position {
    Position { latitude_deg: at.latitude_deg, longitude_deg: at.longitude_deg, altitude_m: altitude_m.map(f64::from) }
}

fn aircraft_position(tracking: &Tracking) -> AircraftPosition {
    let kind = AircraftKind::try_from(i32::from(tracking.aircraft_type.code()) + 1).unwrap_or_default();
    AircraftPosition {
        position: Some(position(tracking.position, Some(tracking.altitude_m))),
        online_tracking: tracking.online_tracking,
        aircraft_kind: kind.into(),
        speed_kmh: tracking.speed_kmh,
        climb_mps: tracking.climb_mps,
        course_deg: Some(tracking.heading_deg),
        turn_rate_dps: tracking.turn_rate_dps,
        qne_offset_m: tracking.qne_offset_m.map(f64::from),
    }
}

fn weather(service: &Service) -> WeatherReading {
    WeatherReading {
        position: service.position.map(|at| position(at, None)),
        internet_gateway: service.internet_gateway,
        remote_config_support: service.remote_config_support,
        temperature_c: service.temperature_c,
        wind_from_deg: service.wind.map(|wind| wind.from_deg),
        wind_speed_kmh: service.wind.map(|wind| wind.speed_kmh),
        wind_gust_kmh: service.wind.map(|wind| wind.gust_kmh),
        humidity_pct: service.humidity_pct,
        pressure_hpa: service.pressure_hpa,
        state_of_charge_pct: service.state_of_charge_pct,
    }
}

fn thermal_reading(thermal: &Thermal) -> ThermalReading {
    ThermalReading {
        position: Some(position(thermal.position, Some(thermal.altitude_m))),
        confidence_pct: thermal.confidence_pct(),
        climb_mps: thermal.climb_mps,
        wind_from_deg: thermal.wind_from_deg,
        wind_speed_kmh: thermal.wind_speed_kmh,
    }
}

fn with_build(report: HardwareReport, device_type: u8, build: BuildDate) -> HardwareReport {
    HardwareReport {
        device_type: Some(device_type.into()),
        firmware_experimental: Some(build.experimental),
        firmware_year: Some(build.year.into()),
        firmware_month: Some(build.month.into()),
        firmware_day: Some(build.day.into()),
        ..report
    }
}

fn deprecated_hardware(hardware: &HwInfoDeprecated<'_>) -> HardwareReport {
    match hardware {
        HwInfoDeprecated::PullRequest => HardwareReport { request: true, ..HardwareReport::default() },
        HwInfoDeprecated::Answer { device_type, build, extra } => {
            let report = HardwareReport {
                uptime_s: hardware.uptime_s().map(u64::from),
                extra: (!extra.is_empty()).then(|| Bytes::copy_from_slice(extra)),
                ..HardwareReport::default()
            };
            with_build(report, *device_type, *build)
        }
    }
}

fn hardware_report(hardware: &HwInfo) -> HardwareReport {
    match hardware {
        HwInfo::Request(_) => HardwareReport { request: true, ..HardwareReport::default() },
        HwInfo::Answer(answer) => hardware_answer(answer),
    }
}

fn hardware_answer(answer: &HwAnswer) -> HardwareReport {
    let report = HardwareReport {
        uptime_s: answer.uptime_min.map(|minutes| u64::from(minutes) * 60),
        icao_address: answer.icao_address.map(|address| Bytes::copy_from_slice(&address)),
        rx_rssi_dbm: answer.rx_rssi.map(|heard| heard.rssi_dbm.into()),
        rx_device: answer.rx_rssi.map(|heard| heard.address.as_u32()),
        ..HardwareReport::default()
    };
    match answer.device {
        Some(device) => with_build(report, device.device_type, device.build),
        None => report,
    }
}

fn points(elements: &Elements<'_, fanet::Position>) -> Vec<LandmarkPoint> {
    elements.iter().map(|at| LandmarkPoint { position: Some(position(at, None)), radius_m: None }).collect()
}

fn circles(elements: &Elements<'_, fanet::Circle>) -> Vec<LandmarkPoint> {
    let point = |circle: fanet::Circle| LandmarkPoint {
        position: Some(position(circle.position, None)),
        radius_m: Some(circle.radius_m.into()),
    };
    elements.iter().map(point).collect()
}

fn landmark_report(landmark: &Landmark<'_>) -> LandmarkReport {
    let report = LandmarkReport {
        ttl_min: landmark.ttl_min.into(),
        layer: landmark_layer(landmark.layer),
        wind_sectors: landmark.wind_sectors.map(|sectors| sectors.0.into()),
        ..LandmarkReport::default()
    };
    match &landmark.shape {
        Shape::Text { position: at, text } => LandmarkReport {
            subtype: 0,
            points: vec![LandmarkPoint { position: Some(position(*at, None)), radius_m: None }],
            text: Some(clean_text(&text.display())),
            ..report
        },
        Shape::Line(at) => LandmarkReport { subtype: 1, points: points(at), ..report },
        Shape::Arrow(at) => LandmarkReport { subtype: 2, points: points(at), ..report },
        Shape::Area(at) => LandmarkReport { subtype: 3, points: points(at), ..report },
        Shape::AreaFilled(at) => LandmarkReport { subtype: 4, points: points(at), ..report },
        Shape::Circle(at) => LandmarkReport { subtype: 5, points: circles(at), ..report },
        Shape::CircleFilled(at) => LandmarkReport { subtype: 6, points: circles(at), ..report },
        Shape::Line3d(at) => {
            let point = |point: fanet::AltitudePoint| LandmarkPoint {
                position: Some(position(point.position, Some(point.altitude_m))),
                radius_m: None,
            };
            LandmarkReport { subtype: 7, points: at.iter().map(point).collect(), ..report }
        }
        Shape::Area3d { altitude_bottom_m, altitude_top_m, points: at } => {
            let report = LandmarkReport { subtype: 8, points: points(at), ..report };
            between(report, *altitude_bottom_m, *altitude_top_m)
        }
        Shape::Cylinder3d { circles: at, altitude_bottom_m, altitude_top_m } => {
            let report = LandmarkReport { subtype: 9, points: circles(at), ..report };
            between(report, *altitude_bottom_m, *altitude_top_m)
        }
        Shape::Unassigned { subtype, body } => {
            LandmarkReport { subtype: (*subtype).into(), body: Some(Bytes::copy_from_slice(body)), ..report }
        }
    }
}

fn between(report: LandmarkReport, bottom_m: i32, top_m: i32) -> LandmarkReport {
    LandmarkReport { altitude_bottom_m: Some(bottom_m.into()), altitude_top_m: Some(top_m.into()), ..report }
}

fn landmark_layer(layer: Layer) -> u32 {
    match layer {
        Layer::Info => 0,
        Layer::Warning => 1,
        Layer::KeepOut => 2,
        Layer::TouchDown => 3,
        Layer::NoAirspaceWarning => 4,
        Layer::DontCare => 15,
        Layer::Unassigned(code) => code.into(),
    }
}

fn remote_configuration(config: &RemoteConfig<'_>) -> RemoteConfiguration {
    let empty = RemoteConfiguration::default();
    match config {
        RemoteConfig::Acknowledge { subtype } => {
            RemoteConfiguration { subtype: 0, acknowledged_subtype: Some((*subtype).into()), ..empty }
        }
        RemoteConfig::Request { subtype } => {
            RemoteConfiguration { subtype: 1, requested_subtype: Some((*subtype).into()), ..empty }
        }
        RemoteConfig::Position { position: at, altitude_m, heading_deg } => RemoteConfiguration {
            subtype: 2,
            position: Some(position(*at, Some(*altitude_m))),
            heading_deg: Some(*heading_deg),
            ..empty
        },
        RemoteConfig::Geofence { subtype, altitude_bottom_m, altitude_top_m, points } => RemoteConfiguration {
            subtype: (*subtype).into(),
            geofence_points: points.iter().map(|at| position(at, None)).collect(),
            altitude_bottom_m: Some((*altitude_bottom_m).into()),
            altitude_top_m: Some((*altitude_top_m).into()),
            ..empty
        },
        RemoteConfig::BroadcastReply { subtype, wind_sectors, reply_type, reply_forward, payload } => {
            RemoteConfiguration {
                subtype: (*subtype).into(),
                wind_sectors: Some(wind_sectors.0.into()),
                reply_packet_type: Some((*reply_type).into()),
                reply_forward: Some(*reply_forward),
                reply_payload: Some(Bytes::copy_from_slice(payload)),
                ..empty
            }
        }
        RemoteConfig::Remove { subtype } => RemoteConfiguration { subtype: (*subtype).into(), remove: true, ..empty },
        RemoteConfig::Unassigned { subtype, body } => {
            RemoteConfiguration { subtype: (*subtype).into(), body: Some(Bytes::copy_from_slice(body)), ..empty }
        }
    }
}

#[cfg(test)]
mod tests;
