//! The fields of each packet type. An exhaustive table: one short function per type.

use fanet::packet::{
    GroundTracking, HwAnswer, HwInfo, HwInfoDeprecated, HwRequest, Message, Name, RemoteConfig, Service, Thermal,
    Tracking,
};
use fanet::{Address, BuildDate, Frame, Packet, names};

use super::fields::{position, text};
use super::layout::{Kind, Layout};
use super::lists;

/// Explains the payload up to its last known field.
pub(super) fn explain(layout: &mut Layout<'_>, frame: &Frame<'_>) {
    layout.kind(Kind::Payload);
    let manufacturer = frame.header.source.manufacturer();
    match &frame.packet {
        Packet::Ack(_) => {}
        Packet::Tracking(packet) => tracking(layout, packet),
        Packet::Name(packet) => name(layout, packet),
        Packet::Message(packet) => message(layout, packet),
        Packet::Service(packet) => service(layout, packet),
        Packet::Landmark(packet) => lists::landmark(layout, packet),
        Packet::RemoteConfig(packet) => remote_config(layout, packet),
        Packet::GroundTracking(packet) => ground_tracking(layout, packet),
        Packet::HwInfoDeprecated(packet) => hw_info_deprecated(layout, packet, manufacturer),
        Packet::Thermal(packet) => thermal(layout, packet),
        Packet::HwInfo(HwInfo::Request(request)) => hw_request(layout, request),
        Packet::HwInfo(HwInfo::Answer(answer)) => hw_answer(layout, answer, manufacturer),
        Packet::Other { .. } => layout.rest("payload_hex", "of a type that is not assigned"),
    }
}

fn tracking(layout: &mut Layout<'_>, packet: &Tracking) {
    position(layout, packet.position);
    layout.put(2, "", "");
    layout.bits("15", "online_tracking", packet.online_tracking.to_string());
    layout.bits("12-14", "aircraft_type", format!("{}, {}", packet.aircraft_type.code(), packet.aircraft_type.name()));
    layout.bits("0-11", "altitude_m", format!("{} m", packet.altitude_m));
    layout.put(1, "speed_kmh", format!("{} km/h", packet.speed_kmh));
    layout.put(1, "climb_mps", format!("{:+} m/s", packet.climb_mps));
    layout.put(1, "heading_deg", format!("{} deg", packet.heading_deg));
    if let Some(rate) = packet.turn_rate_dps {
        layout.put(1, "turn_rate_dps", format!("{rate:+} deg/s, clockwise positive"));
    }
    if let Some(offset) = packet.qne_offset_m {
        layout.put(1, "qne_offset_m", format!("{offset:+} m, pressure altitude (QNE) minus GPS altitude"));
    }
}

fn name(layout: &mut Layout<'_>, packet: &Name<'_>) {
    text(layout, "name", packet.name);
}

fn message(layout: &mut Layout<'_>, packet: &Message<'_>) {
    let kind = if packet.subtype == 0 { "normal" } else { "not assigned" };
    layout.put(1, "subtype", format!("{}, {kind}", packet.subtype));
    text(layout, "message", packet.message);
}

fn service(layout: &mut Layout<'_>, packet: &Service) {
    layout.put(1, "", "");
    layout.bits("7", "internet_gateway", packet.internet_gateway.to_string());
    layout.bits("6", "", follows("temperature", packet.temperature_c.is_some()));
    layout.bits("5", "", follows("wind", packet.wind.is_some()));
    layout.bits("4", "", follows("humidity", packet.humidity_pct.is_some()));
    layout.bits("3", "", follows("pressure", packet.pressure_hpa.is_some()));
    layout.bits("2", "remote_config_support", packet.remote_config_support.to_string());
    layout.bits("1", "", follows("state of charge", packet.state_of_charge_pct.is_some()));
    layout.bits("0", "", follows("extended header", packet.extended_header.is_some()));
    if packet.extended_header.is_some() {
        layout.put(1, "extended_header", "no meaning assigned yet");
    }
    if let Some(at) = packet.position {
        position(layout, at);
    }
    if let Some(celsius) = packet.temperature_c {
        layout.put(1, "temperature_c", format!("{celsius} °C"));
    }
    if let Some(wind) = packet.wind {
        layout.put(1, "wind_heading_deg", format!("from {} deg", wind.from_deg));
        layout.put(1, "wind_speed_kmh", format!("{} km/h", wind.speed_kmh));
        layout.put(1, "wind_gust_kmh", format!("{} km/h", wind.gust_kmh));
    }
    if let Some(percent) = packet.humidity_pct {
        layout.put(1, "humidity_pct", format!("{percent} %"));
    }
    if let Some(hectopascal) = packet.pressure_hpa {
        layout.put(2, "pressure_hpa", format!("{hectopascal} hPa"));
    }
    if let Some(percent) = packet.state_of_charge_pct {
        layout.put(1, "state_of_charge_pct", format!("{percent:.0} %"));
    }
}

fn follows(what: &str, follows: bool) -> String {
    format!("{what}: {}", if follows { "follows" } else { "absent" })
}

fn remote_config(layout: &mut Layout<'_>, packet: &RemoteConfig<'_>) {
    let subtype = packet.subtype();
    let meaning = match packet {
        RemoteConfig::Remove { .. } => "alone: removes this feature",
        other => other.subtype_name().unwrap_or("not assigned"),
    };
    layout.put(1, "subtype", format!("{subtype}, {meaning}"));
    match packet {
        RemoteConfig::Acknowledge { subtype } => layout.put(1, "acknowledged_subtype", subtype.to_string()),
        RemoteConfig::Request { subtype } => layout.put(1, "requested_subtype", subtype.to_string()),
        RemoteConfig::Position { position: at, altitude_m, heading_deg } => {
            position(layout, *at);
            layout.put(1, "altitude_m", format!("{altitude_m} m"));
            layout.put(1, "heading_deg", format!("{heading_deg} deg"));
        }
        RemoteConfig::Geofence { altitude_bottom_m, altitude_top_m, points, .. } => {
            lists::limits(layout, *altitude_bottom_m, *altitude_top_m);
            lists::positions(layout, points.iter());
        }
        RemoteConfig::BroadcastReply { wind_sectors, reply_type, reply_forward, .. } => {
            layout.put(1, "wind_sectors", lists::sectors(*wind_sectors));
            layout.put(1, "", "");
            layout.bits("6", "reply_forward", reply_forward.to_string());
            layout.bits("0-5", "reply_type", reply_type.to_string());
            layout.rest("reply_payload_hex", "sent as it is");
        }
        RemoteConfig::Remove { .. } => {}
        RemoteConfig::Unassigned { .. } => layout.rest("body_hex", "of a subtype that is not assigned"),
    }
}

fn ground_tracking(layout: &mut Layout<'_>, packet: &GroundTracking) {
    position(layout, packet.position);
    layout.put(1, "", "");
    layout.bits("4-7", "ground_type", format!("{}, {}", packet.ground_type.code(), packet.ground_type.name()));
    layout.bits("1-3", "", "reserved");
    layout.bits("0", "online_tracking", packet.online_tracking.to_string());
}

fn device(layout: &mut Layout<'_>, manufacturer: u8, device_type: u8, build: BuildDate) {
    let known = names::device_type(manufacturer, device_type).unwrap_or("not in the register");
    layout.put(1, "device_type", format!("{device_type}, {known}"));
    layout.put(2, "", "");
    layout.bits("15", "firmware_experimental", build.experimental.to_string());
    layout.bits("9-14", "firmware_year", build.year.to_string());
    layout.bits("5-8", "firmware_month", build.month.to_string());
    layout.bits("0-4", "firmware_day", build.day.to_string());
}

fn hw_info_deprecated(layout: &mut Layout<'_>, packet: &HwInfoDeprecated<'_>, manufacturer: u8) {
    match packet {
        HwInfoDeprecated::PullRequest => layout.put(1, "pull_request", "asks the destination"),
        HwInfoDeprecated::Answer { device_type, build, .. } => {
            device(layout, manufacturer, *device_type, *build);
            let convention =
                packet.uptime_s().map_or(String::new(), |seconds| format!(", by convention uptime_s {seconds}"));
            layout.rest("extra_hex", format!("the manufacturer's own{convention}"));
        }
    }
}

fn thermal(layout: &mut Layout<'_>, packet: &Thermal) {
    position(layout, packet.position);
    layout.put(2, "", "");
    layout.bits("15", "", "reserved");
    layout.bits("12-14", "confidence", format!("{}, {:.0} %", packet.confidence, packet.confidence_pct()));
    layout.bits("0-11", "altitude_m", format!("{} m", packet.altitude_m));
    layout.put(1, "climb_mps", format!("{:+} m/s, of the air", packet.climb_mps));
    layout.put(1, "wind_speed_kmh", format!("{} km/h", packet.wind_speed_kmh));
    layout.put(1, "wind_heading_deg", format!("from {} deg", packet.wind_from_deg));
}

fn hw_flags(layout: &mut Layout<'_>, is_request: bool, flags: [(&'static str, bool); 5]) {
    let presence = |present: bool| match (is_request, present) {
        (true, true) => "asked for",
        (true, false) => "not requested",
        (false, true) => "follows",
        (false, false) => "absent",
    };
    let [device, icao, uptime, rssi, extended] = flags;
    layout.put(1, "", "");
    layout.bits("7", "ping_pong_request", is_request.to_string());
    layout.bits("6", device.0, presence(device.1));
    layout.bits("5", icao.0, presence(icao.1));
    layout.bits("4", uptime.0, presence(uptime.1));
    layout.bits("3", rssi.0, presence(rssi.1));
    layout.bits("1-2", "", "reserved");
    layout.bits("0", "", follows("extended header", extended.1));
    if extended.1 {
        layout.put(1, "extended_header", "no meaning assigned yet");
    }
}

fn hw_request(layout: &mut Layout<'_>, request: &HwRequest) {
    let flags = [
        ("requested_hardware", request.hardware),
        ("requested_icao_address", request.icao_address),
        ("requested_uptime", request.uptime),
        ("requested_rx_rssi", request.rx_rssi),
        ("extended_header", request.extended_header.is_some()),
    ];
    hw_flags(layout, true, flags);
}

fn hw_answer(layout: &mut Layout<'_>, answer: &HwAnswer, manufacturer: u8) {
    let flags = [
        ("device_type", answer.device.is_some()),
        ("icao_address_hex", answer.icao_address.is_some()),
        ("uptime_min", answer.uptime_min.is_some()),
        ("rx_rssi_dbm", answer.rx_rssi.is_some()),
        ("extended_header", answer.extended_header.is_some()),
    ];
    hw_flags(layout, false, flags);
    if let Some(found) = answer.device {
        device(layout, manufacturer, found.device_type, found.build);
    }
    if answer.icao_address.is_some() {
        layout.put(3, "icao_address_hex", "as received, the order is not specified");
    }
    if let Some(minutes) = answer.uptime_min {
        layout.put(2, "uptime_min", format!("{minutes} min"));
    }
    if let Some(heard) = answer.rx_rssi {
        layout.put(1, "rx_rssi_dbm", format!("{} dBm", heard.rssi_dbm));
        layout.put(3, "rx_rssi_address", heard_address(heard.address));
    }
}

fn heard_address(address: Address) -> String {
    format!("heard {}", super::address(address))
}
