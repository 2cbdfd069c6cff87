//! The `payload` object, by packet type.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::text::{Hex, Shown};
use crate::field::date::BuildDate;
use crate::field::elements::{AltitudePoint, Circle, Element, Elements};
use crate::field::position::Position;
use crate::field::text::Text;
use crate::packet::{
    GroundTracking, HwAnswer, HwInfo, HwInfoDeprecated, HwRequest, Landmark, Packet, RemoteConfig, Service, Shape,
    Thermal, Tracking,
};

/// Vertical speed in metres per second. The key does not follow the name of the field: the test vectors and programs that
/// read this form know it.
const CLIMB_KEY: &str = "climb_ms";

/// The content of a frame as an object; for unassigned packet types an empty one.
pub(super) struct Payload<'a>(pub(super) &'a Packet<'a>);

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Packet::Ack(_) | Packet::Other { .. } => {}
            Packet::Tracking(packet) => tracking(packet, &mut map)?,
            Packet::Name(packet) => text(("name_hex", "name"), packet.name, &mut map)?,
            Packet::Message(packet) => {
                map.serialize_entry("subtype", &packet.subtype)?;
                text(("message_hex", "message"), packet.message, &mut map)?;
            }
            Packet::Service(packet) => service(packet, &mut map)?,
            Packet::Landmark(packet) => landmark(packet, &mut map)?,
            Packet::RemoteConfig(packet) => remote_config(packet, &mut map)?,
            Packet::GroundTracking(packet) => ground_tracking(packet, &mut map)?,
            Packet::HwInfoDeprecated(packet) => hw_info_deprecated(packet, &mut map)?,
            Packet::Thermal(packet) => thermal(packet, &mut map)?,
            Packet::HwInfo(HwInfo::Request(request)) => hw_request(request, &mut map)?,
            Packet::HwInfo(HwInfo::Answer(answer)) => hw_answer(answer, &mut map)?,
        }
        map.end()
    }
}

/// Writes a value that was transmitted, and nothing for one that was not.
fn optional<M: SerializeMap, T: Serialize>(key: &'static str, value: Option<T>, map: &mut M) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

fn position<M: SerializeMap>(position: Position, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("latitude_deg", &position.latitude_deg)?;
    map.serialize_entry("longitude_deg", &position.longitude_deg)
}

fn text<M: SerializeMap>(keys: (&'static str, &'static str), text: Text<'_>, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry(keys.0, &Hex(text.as_bytes()))?;
    optional(keys.1, text.as_str(), map)
}

fn tracking<M: SerializeMap>(packet: &Tracking, map: &mut M) -> Result<(), M::Error> {
    position(packet.position, map)?;
    map.serialize_entry("online_tracking", &packet.online_tracking)?;
    map.serialize_entry("aircraft_type", &packet.aircraft_type.code())?;
    map.serialize_entry("altitude_m", &packet.altitude_m)?;
    map.serialize_entry("speed_kmh", &packet.speed_kmh)?;
    map.serialize_entry(CLIMB_KEY, &packet.climb_mps)?;
    map.serialize_entry("heading_deg", &packet.heading_deg)?;
    optional("turn_rate_dps", packet.turn_rate_dps, map)?;
    optional("qne_offset_m", packet.qne_offset_m, map)
}

fn service<M: SerializeMap>(packet: &Service, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("internet_gateway", &packet.internet_gateway)?;
    map.serialize_entry("remote_config_support", &packet.remote_config_support)?;
    optional("extended_header", packet.extended_header, map)?;
    if let Some(at) = packet.position {
        position(at, map)?;
    }
    optional("temperature_c", packet.temperature_c, map)?;
    if let Some(wind) = packet.wind {
        map.serialize_entry("wind_heading_deg", &wind.from_deg)?;
        map.serialize_entry("wind_speed_kmh", &wind.speed_kmh)?;
        map.serialize_entry("wind_gust_kmh", &wind.gust_kmh)?;
    }
    optional("humidity_pct", packet.humidity_pct, map)?;
    optional("pressure_hpa", packet.pressure_hpa, map)?;
    optional("state_of_charge_pct", packet.state_of_charge_pct, map)
}

fn landmark<M: SerializeMap>(packet: &Landmark<'_>, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("ttl_min", &packet.ttl_min)?;
    map.serialize_entry("subtype", &packet.shape.subtype())?;
    optional("subtype_name", packet.shape.name(), map)?;
    map.serialize_entry("layer", &packet.layer.code())?;
    map.serialize_entry("reserved", &packet.reserved)?;
    map.serialize_entry("wind_dependent", &packet.wind_sectors.is_some())?;
    optional("wind_sectors", packet.wind_sectors.map(|sectors| sectors.0), map)?;
    shape(&packet.shape, map)
}

fn shape<M: SerializeMap>(shape: &Shape<'_>, map: &mut M) -> Result<(), M::Error> {
    match shape {
        Shape::Text { position, text: content } => {
            map.serialize_entry("points", &[PointObject(*position)])?;
            text(("text_hex", "text"), *content, map)
        }
        Shape::Line(points) | Shape::Arrow(points) | Shape::Area(points) | Shape::AreaFilled(points) => {
            map.serialize_entry("points", &Points(points))
        }
        Shape::Circle(circles) | Shape::CircleFilled(circles) => map.serialize_entry("points", &Points(circles)),
        Shape::Line3d(points) => map.serialize_entry("points", &Points(points)),
        Shape::Area3d { altitude_bottom_m, altitude_top_m, points } => {
            limits(*altitude_bottom_m, *altitude_top_m, map)?;
            map.serialize_entry("points", &Points(points))
        }
        Shape::Cylinder3d { circles, altitude_bottom_m, altitude_top_m } => {
            map.serialize_entry("points", &Points(circles))?;
            limits(*altitude_bottom_m, *altitude_top_m, map)
        }
        Shape::Unassigned { body, .. } => map.serialize_entry("body_hex", &Hex(body)),
    }
}

fn limits<M: SerializeMap>(bottom_m: i32, top_m: i32, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("altitude_bottom_m", &bottom_m)?;
    map.serialize_entry("altitude_top_m", &top_m)
}

fn remote_config<M: SerializeMap>(packet: &RemoteConfig<'_>, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("subtype", &packet.subtype())?;
    optional("subtype_name", packet.subtype_name(), map)?;
    match packet {
        RemoteConfig::Acknowledge { subtype } => map.serialize_entry("acknowledged_subtype", subtype),
        RemoteConfig::Request { subtype } => map.serialize_entry("requested_subtype", subtype),
        RemoteConfig::Position { position: at, altitude_m, heading_deg } => {
            position(*at, map)?;
            map.serialize_entry("altitude_m", altitude_m)?;
            map.serialize_entry("heading_deg", heading_deg)
        }
        RemoteConfig::Geofence { altitude_bottom_m, altitude_top_m, points, .. } => {
            limits(*altitude_bottom_m, *altitude_top_m, map)?;
            map.serialize_entry("points", &Points(points))
        }
        RemoteConfig::BroadcastReply { wind_sectors, reply_type, reply_forward, payload, .. } => {
            map.serialize_entry("wind_sectors", &wind_sectors.0)?;
            map.serialize_entry("reply_type", reply_type)?;
            map.serialize_entry("reply_forward", reply_forward)?;
            map.serialize_entry("reply_payload_hex", &Hex(payload))
        }
        RemoteConfig::Remove { .. } => map.serialize_entry("remove", &true),
        RemoteConfig::Unassigned { body, .. } => map.serialize_entry("body_hex", &Hex(body)),
    }
}

fn ground_tracking<M: SerializeMap>(packet: &GroundTracking, map: &mut M) -> Result<(), M::Error> {
    position(packet.position, map)?;
    map.serialize_entry("ground_type", &packet.ground_type.code())?;
    map.serialize_entry("online_tracking", &packet.online_tracking)
}

fn build_date<M: SerializeMap>(date: BuildDate, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("firmware_experimental", &date.experimental)?;
    map.serialize_entry("firmware_year", &date.year)?;
    map.serialize_entry("firmware_month", &date.month)?;
    map.serialize_entry("firmware_day", &date.day)
}

fn hw_info_deprecated<M: SerializeMap>(packet: &HwInfoDeprecated<'_>, map: &mut M) -> Result<(), M::Error> {
    match packet {
        HwInfoDeprecated::PullRequest => map.serialize_entry("pull_request", &true),
        HwInfoDeprecated::Answer { device_type, build, extra } => {
            map.serialize_entry("pull_request", &false)?;
            map.serialize_entry("device_type", device_type)?;
            build_date(*build, map)?;
            optional("extra_hex", (!extra.is_empty()).then_some(Hex(extra)), map)?;
            optional("uptime_s", packet.uptime_s(), map)
        }
    }
}

fn thermal<M: SerializeMap>(packet: &Thermal, map: &mut M) -> Result<(), M::Error> {
    position(packet.position, map)?;
    map.serialize_entry("confidence", &packet.confidence)?;
    map.serialize_entry("confidence_pct", &packet.confidence_pct())?;
    map.serialize_entry("altitude_m", &packet.altitude_m)?;
    map.serialize_entry(CLIMB_KEY, &packet.climb_mps)?;
    map.serialize_entry("wind_speed_kmh", &packet.wind_speed_kmh)?;
    map.serialize_entry("wind_heading_deg", &packet.wind_from_deg)
}

fn hw_request<M: SerializeMap>(request: &HwRequest, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("ping_pong_request", &true)?;
    optional("extended_header", request.extended_header, map)?;
    map.serialize_entry("requested_hardware", &request.hardware)?;
    map.serialize_entry("requested_icao_address", &request.icao_address)?;
    map.serialize_entry("requested_uptime", &request.uptime)?;
    map.serialize_entry("requested_rx_rssi", &request.rx_rssi)
}

fn hw_answer<M: SerializeMap>(answer: &HwAnswer, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("ping_pong_request", &false)?;
    optional("extended_header", answer.extended_header, map)?;
    if let Some(device) = answer.device {
        map.serialize_entry("device_type", &device.device_type)?;
        build_date(device.build, map)?;
    }
    optional("icao_address_hex", answer.icao_address.as_ref().map(|bytes| Hex(bytes)), map)?;
    optional("uptime_min", answer.uptime_min, map)?;
    optional("rx_rssi_dbm", answer.rx_rssi.map(|heard| heard.rssi_dbm), map)?;
    optional("rx_rssi_address", answer.rx_rssi.map(|heard| Shown(heard.address)), map)
}

/// The elements of a list as an array of objects.
struct Points<'a, E>(&'a Elements<'a, E>);

impl<E: Element> Serialize for Points<'_, E>
where
    PointObject<E>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(PointObject))
    }
}

/// One point as an object.
struct PointObject<E>(E);

impl Serialize for PointObject<Position> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        position(self.0, &mut map)?;
        map.end()
    }
}

impl Serialize for PointObject<Circle> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        position(self.0.position, &mut map)?;
        map.serialize_entry("radius_m", &self.0.radius_m)?;
        map.end()
    }
}

impl Serialize for PointObject<AltitudePoint> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        position(self.0.position, &mut map)?;
        map.serialize_entry("altitude_m", &self.0.altitude_m)?;
        map.end()
    }
}
