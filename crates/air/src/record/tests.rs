use super::*;
use fanet::Frame;

fn body_of(hex: &str) -> Body {
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    body(&Frame::decode(&bytes).expect("a good frame").packet)
}

// The frames are the worked examples of the protocol text.

#[test]
fn tracking_becomes_a_position() {
    let Body::Position(position) = body_of("0111900B4CAF411BC209A690030000") else { panic!("not a position") };
    let at = position.position.expect("present");
    assert!((at.latitude_deg - 46.184_966_633).abs() < 1e-9 && (at.longitude_deg - 13.722_614_424).abs() < 1e-9);
    assert_eq!(at.altitude_m, Some(166.0));
    assert_eq!(position.aircraft_kind(), AircraftKind::Paraglider);
    assert!(position.online_tracking);
    assert_eq!((position.speed_kmh, position.climb_mps, position.course_deg), (1.5, 0.0, Some(0.0)));
    assert_eq!((position.turn_rate_dps, position.qne_offset_m), (None, None));
}

#[test]
fn service_becomes_weather() {
    let Body::Weather(weather) = body_of("4406937360ECB741A9A5092E800E24") else { panic!("not weather") };
    assert_eq!(weather.temperature_c, Some(23.0));
    assert_eq!((weather.wind_from_deg, weather.humidity_pct), (Some(180.0), None));
    assert!((weather.wind_speed_kmh.expect("present") - 2.8).abs() < 1e-9);
    assert!((weather.wind_gust_kmh.expect("present") - 7.2).abs() < 1e-9);
}

#[test]
fn ground_tracking_keeps_the_protocols_number() {
    let Body::GroundPosition(ground) = body_of("0711900B49AF411DC20991") else { panic!("not a ground position") };
    assert_eq!(ground.ground_kind(), GroundKind::LandedWell);
    assert_eq!((ground.ground_type, ground.online_tracking), (9, true));
    // Type 6 is not assigned: its number is kept although it has no name.
    let Body::GroundPosition(ground) = body_of("0711900B49AF411DC20960") else { panic!("not a ground position") };
    assert_eq!((ground.ground_type, GroundKind::try_from(ground.ground_kind).is_ok()), (6, false));
}

#[test]
fn thermal_and_hardware() {
    let Body::Thermal(thermal) = body_of("0911900B21B34156BF09A8720815AC") else { panic!("not a thermal") };
    assert_eq!((thermal.confidence_pct, thermal.climb_mps), (100.0, 0.8));
    assert_eq!((thermal.wind_speed_kmh, thermal.wind_from_deg), (10.5, 241.875));
    let Body::Hardware(hardware) = body_of("08110D0001DE062014") else { panic!("not hardware") };
    assert_eq!((hardware.device_type, hardware.firmware_year, hardware.uptime_s), (Some(1), Some(2022), Some(9660)));
    let Body::Hardware(hardware) = body_of("0A0A93045012670A0A00") else { panic!("not hardware") };
    assert_eq!((hardware.device_type, hardware.firmware_year, hardware.uptime_s), (Some(18), Some(2024), Some(600)));
}

#[test]
fn each_type_has_a_body_unknown_ones_keep_their_bytes() {
    let Body::Name(name) = body_of("02065E6E536B794E65743A204D6174616A7572") else { panic!("not a name") };
    assert_eq!(name.name, "SkyNet: Matajur");
    assert!(matches!(body_of("0311900B0068656C6C6F"), Body::Message(message) if message.text == "hello"));
    assert!(matches!(body_of("0C11900BAABB"), Body::Other(other) if other.payload[..] == [0xAA, 0xBB]));
}
