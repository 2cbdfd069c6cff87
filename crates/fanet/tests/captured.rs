//! Each captured frame of the vectors explained: its bytes, what they mean, what they decode to.
//!
//! The expected values are those of the vectors, which come from an independent decoder; positions
//! are written as the counts on the air over their divisors.

use fanet::packet::{
    AircraftType, Device, GroundTracking, GroundType, HwAnswer, HwInfo, HwInfoDeprecated, Name, Service, Thermal,
    Tracking, Wind,
};
use fanet::{Address, BuildDate, Frame, Header, Packet, Position, Text, Wrapped};

/// Puts the explained parts together.
fn bytes(parts: &[(&str, &str)]) -> Vec<u8> {
    parts.iter().flat_map(|(digits, _meaning)| hex::decode(digits).expect("hex")).collect()
}

/// The frame in a base-station message, received as `(timestamp_s, rssi_dbm, snr_db)`.
fn received(message: &[u8], (timestamp_s, rssi_dbm, snr_db): (u32, i16, i16)) -> Frame<'_> {
    let wrapped = Wrapped::decode(message).expect("complete");
    assert_eq!(wrapped, Wrapped { timestamp_s, rssi_dbm, snr_db, frame: wrapped.frame });
    decoded(wrapped.frame)
}

/// The frame, which our encoder gives back byte by byte.
fn decoded(bytes: &[u8]) -> Frame<'_> {
    let frame = Frame::decode(bytes).expect("decodes");
    assert_eq!(frame.encode().as_deref(), Ok(bytes), "captured frames are in their canonical form");
    frame
}

/// Paraglider standing at 166 m, still tracking as in the air.
#[test]
fn a_paraglider_waits_at_take_off() {
    let bytes = bytes(&[
        ("89864468", "received at Unix time 1749321353"),
        ("88ff", "at -120 dBm"),
        ("feff", "with -2 dB"),
        ("01", "type 1, tracking; not to be relayed"),
        ("11900b", "from 110B90, FANET+"),
        ("4caf41", "latitude 4304716 / 93206"),
        ("1bc209", "longitude 639515 / 46603"),
        ("a690", "online, a paraglider, 166 m"),
        ("03", "1.5 km/h"),
        ("00", "0.0 m/s"),
        ("00", "heading 0.0 degrees"),
    ]);
    let frame = received(&bytes, (1749321353, -120, -2));
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x0B90)),
            Packet::Tracking(Tracking {
                position: Position::new(4304716.0 / 93206.0, 639515.0 / 46603.0),
                online_tracking: true,
                aircraft_type: AircraftType::Paraglider,
                altitude_m: 166,
                speed_kmh: 1.5,
                climb_mps: 0.0,
                heading_deg: 0.0,
                turn_rate_dps: None,
                qne_offset_m: None
            })
        )
    );
}

/// Name of a weather station on Matajur; may be relayed.
#[test]
fn the_name_of_a_weather_station() {
    let bytes = bytes(&[
        ("20894468", "received at Unix time 1749322016"),
        ("bfff", "at -65 dBm"),
        ("0a00", "with 10 dB"),
        ("42", "type 2, name; may be relayed"),
        ("065e6e", "from 066E5E, Burnair.ch"),
        ("536b794e65743a204d6174616a7572", "SkyNet: Matajur"),
    ]);
    let frame = received(&bytes, (1749322016, -65, 10));
    assert_eq!(
        frame,
        Frame::new(
            Header { forward: true, ..Header::broadcast(Address::new(0x06, 0x6E5E)) },
            Packet::Name(Name { name: Text::new("SkyNet: Matajur") })
        )
    );
}

/// Weather station: temperature and wind, no humidity, pressure or battery.
#[test]
fn temperature_and_wind_on_a_mountain() {
    let bytes = bytes(&[
        ("1e894468", "received at Unix time 1749322014"),
        ("beff", "at -66 dBm"),
        ("0900", "with 9 dB"),
        ("44", "type 4, service; may be relayed"),
        ("069373", "from 067393, Burnair.ch"),
        ("60", "has temperature, wind"),
        ("ecb741", "latitude 4306924 / 93206"),
        ("a9a509", "longitude 632233 / 46603"),
        ("2e", "23.0 °C"),
        ("80", "wind from 180.0 degrees"),
        ("0e", "at 2.8 km/h"),
        ("24", "gusts of 7.2 km/h"),
    ]);
    let frame = received(&bytes, (1749322014, -66, 9));
    assert_eq!(
        frame,
        Frame::new(
            Header { forward: true, ..Header::broadcast(Address::new(0x06, 0x7393)) },
            Packet::Service(Service {
                remote_config_support: false,
                position: Some(Position::new(4306924.0 / 93206.0, 632233.0 / 46603.0)),
                temperature_c: Some(23.0),
                wind: Some(Wind { from_deg: 180.0, speed_kmh: 2.8, gust_kmh: 7.2 }),
                state_of_charge_pct: None,
                ..Service::default()
            })
        )
    );
}

/// Paraglider pilot after landing, on the ground and well.
#[test]
fn a_pilot_has_landed_well() {
    let bytes = bytes(&[
        ("c5864468", "received at Unix time 1749321413"),
        ("86ff", "at -122 dBm"),
        ("fbff", "with -5 dB"),
        ("07", "type 7, ground tracking; not to be relayed"),
        ("11900b", "from 110B90, FANET+"),
        ("49af41", "latitude 4304713 / 93206"),
        ("1dc209", "longitude 639517 / 46603"),
        ("91", "landed well, online"),
    ]);
    let frame = received(&bytes, (1749321413, -122, -5));
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x0B90)),
            Packet::GroundTracking(GroundTracking {
                position: Position::new(4304713.0 / 93206.0, 639517.0 / 46603.0),
                ground_type: GroundType::LandedWell,
                online_tracking: true
            })
        )
    );
}

/// Thermal as a paraglider left it: weak, the sender quite sure.
#[test]
fn a_thermal_at_680_m() {
    let bytes = bytes(&[
        ("75834468", "received at Unix time 1749320565"),
        ("93ff", "at -109 dBm"),
        ("0200", "with 2 dB"),
        ("09", "type 9, thermal; not to be relayed"),
        ("11900b", "from 110B90, FANET+"),
        ("21b341", "latitude 4305697 / 93206"),
        ("56bf09", "longitude 638806 / 46603"),
        ("a872", "confidence 7 of 7, 680 m"),
        ("08", "air climbs at 0.8 m/s"),
        ("15", "wind of 10.5 km/h"),
        ("ac", "from 241.875 degrees"),
    ]);
    let frame = received(&bytes, (1749320565, -109, 2));
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x0B90)),
            Packet::Thermal(Thermal {
                position: Position::new(4305697.0 / 93206.0, 638806.0 / 46603.0),
                confidence: 7,
                altitude_m: 680,
                climb_mps: 0.8,
                wind_speed_kmh: 10.5,
                wind_from_deg: 241.875
            })
        )
    );
}

/// Paraglider on the ground that does not want to be shown on the internet.
#[test]
fn an_offline_paraglider_at_441_m() {
    let bytes = bytes(&[
        ("01", "type 1, tracking; not to be relayed"),
        ("209e0c", "from 200C9E, XC Tracer"),
        ("601a43", "latitude 4397664 / 93206"),
        ("330f06", "longitude 397107 / 46603"),
        ("b911", "offline, a paraglider, 441 m"),
        ("00", "0.0 km/h"),
        ("00", "0.0 m/s"),
        ("8c", "heading 196.875 degrees"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x20, 0x0C9E)),
            Packet::Tracking(Tracking {
                position: Position::new(4397664.0 / 93206.0, 397107.0 / 46603.0),
                online_tracking: false,
                aircraft_type: AircraftType::Paraglider,
                altitude_m: 441,
                speed_kmh: 0.0,
                climb_mps: 0.0,
                heading_deg: 196.875,
                turn_rate_dps: None,
                qne_offset_m: None
            })
        )
    );
}

/// Default name of an instrument.
#[test]
fn the_name_of_a_skytraxx_3() {
    let bytes = bytes(&[
        ("02", "type 2, name; not to be relayed"),
        ("110d00", "from 11000D, FANET+"),
        ("536b79747261787820332e30", "Skytraxx 3.0"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x000D)),
            Packet::Name(Name { name: Text::new("Skytraxx 3.0") })
        )
    );
}

/// Default name of another instrument.
#[test]
fn the_name_of_a_skytraxx_2() {
    let bytes = bytes(&[
        ("02", "type 2, name; not to be relayed"),
        ("11e31f", "from 111FE3, FANET+"),
        ("536b79747261787820322e31", "Skytraxx 2.1"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x1FE3)),
            Packet::Name(Name { name: Text::new("Skytraxx 2.1") })
        )
    );
}

/// Pilot walking near Wald.
#[test]
fn a_walking_pilot() {
    let bytes = bytes(&[
        ("07", "type 7, ground tracking; not to be relayed"),
        ("11e31f", "from 111FE3, FANET+"),
        ("8b1a43", "latitude 4397707 / 93206"),
        ("2b0f06", "longitude 397099 / 46603"),
        ("11", "walking, online"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x1FE3)),
            Packet::GroundTracking(GroundTracking {
                position: Position::new(4397707.0 / 93206.0, 397099.0 / 46603.0),
                ground_type: GroundType::Walking,
                online_tracking: true
            })
        )
    );
}

/// The same position, a device of another manufacturer.
#[test]
fn a_walking_pilot_with_a_flarm() {
    let bytes = bytes(&[
        ("07", "type 7, ground tracking; not to be relayed"),
        ("0a9304", "from 0A0493, FLARM"),
        ("841a43", "latitude 4397700 / 93206"),
        ("310f06", "longitude 397105 / 46603"),
        ("11", "walking, online"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x0A, 0x0493)),
            Packet::GroundTracking(GroundTracking {
                position: Position::new(4397700.0 / 93206.0, 397105.0 / 46603.0),
                ground_type: GroundType::Walking,
                online_tracking: true
            })
        )
    );
}

/// The first walker a few metres on.
#[test]
fn the_first_one_walks_on() {
    let bytes = bytes(&[
        ("07", "type 7, ground tracking; not to be relayed"),
        ("11e31f", "from 111FE3, FANET+"),
        ("861a43", "latitude 4397702 / 93206"),
        ("310f06", "longitude 397105 / 46603"),
        ("11", "walking, online"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x1FE3)),
            Packet::GroundTracking(GroundTracking {
                position: Position::new(4397702.0 / 93206.0, 397105.0 / 46603.0),
                ground_type: GroundType::Walking,
                online_tracking: true
            })
        )
    );
}

/// A third device, twelve metres to the east.
#[test]
fn a_third_one_walks() {
    let bytes = bytes(&[
        ("07", "type 7, ground tracking; not to be relayed"),
        ("110d00", "from 11000D, FANET+"),
        ("861a43", "latitude 4397702 / 93206"),
        ("360f06", "longitude 397110 / 46603"),
        ("11", "walking, online"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x000D)),
            Packet::GroundTracking(GroundTracking {
                position: Position::new(4397702.0 / 93206.0, 397110.0 / 46603.0),
                ground_type: GroundType::Walking,
                online_tracking: true
            })
        )
    );
}

/// Hardware information of the old form, with the uptime that is a habit only.
#[test]
fn an_instrument_reports_its_firmware_in_the_old_form() {
    let bytes = bytes(&[
        ("08", "type 8, hardware information, old form; not to be relayed"),
        ("110d00", "from 11000D, FANET+"),
        ("01", "device type 1, a Skytraxx 3.0"),
        ("de06", "released firmware of 2022-06-30"),
        ("2014", "by habit 9660 s since it started"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x000D)),
            Packet::HwInfoDeprecated(HwInfoDeprecated::Answer {
                device_type: 1,
                build: BuildDate { experimental: false, year: 2022, month: 6, day: 30 },
                extra: &[0x20, 0x14]
            })
        )
    );
}

/// Hardware information; manufacturer 0A with device type 12 hex is in no register.
#[test]
fn a_device_reports_its_firmware_and_uptime() {
    let bytes = bytes(&[
        ("0a", "type 10, hardware information; not to be relayed"),
        ("0a9304", "from 0A0493, FLARM"),
        ("50", "answer with device type, date and uptime"),
        ("12", "device type 12"),
        ("670a", "released firmware of 2024-03-07"),
        ("0a00", "started 10 min ago"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x0A, 0x0493)),
            Packet::HwInfo(HwInfo::Answer(HwAnswer {
                device: Some(Device {
                    device_type: 18,
                    build: BuildDate { experimental: false, year: 2024, month: 3, day: 7 }
                }),
                uptime_min: Some(10),
                ..HwAnswer::default()
            }))
        )
    );
}

/// The same device, a minute and a build day later.
#[test]
fn a_minute_later_with_the_next_firmware_date() {
    let bytes = bytes(&[
        ("0a", "type 10, hardware information; not to be relayed"),
        ("0a9304", "from 0A0493, FLARM"),
        ("50", "answer with device type, date and uptime"),
        ("12", "device type 12"),
        ("680a", "released firmware of 2024-03-08"),
        ("0b00", "started 11 min ago"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x0A, 0x0493)),
            Packet::HwInfo(HwInfo::Answer(HwAnswer {
                device: Some(Device {
                    device_type: 18,
                    build: BuildDate { experimental: false, year: 2024, month: 3, day: 8 }
                }),
                uptime_min: Some(11),
                ..HwAnswer::default()
            }))
        )
    );
}

/// A filled area whose body ends within its second point.
#[test]
fn a_broken_landmark_is_refused() {
    let bytes = bytes(&[
        ("05", "type 5, landmark; not to be relayed"),
        ("e81214", "from E81412"),
        ("c4", "lives 5 * 60 min; subtype 4, filled area"),
        ("d7", "layer 7, not assigned; wind dependent; reserved bits set"),
        ("fc", "in winds from east to north-west"),
        ("5cc522", "latitude 2278748 / 93206"),
        ("7b9b0c", "longitude 826235 / 46603"),
        ("22dc", "half a compressed position"),
    ]);
    let error = Frame::decode(&bytes).expect_err("it is broken");
    assert_eq!((error.reason(), error.field, error.offset), ("truncated_payload", "points", 13));
}

/// Hardware information of a registered pair.
#[test]
fn a_skytraxx_5mini_started_four_minutes_ago() {
    let bytes = bytes(&[
        ("0a", "type 10, hardware information; not to be relayed"),
        ("110b5c", "from 115C0B, FANET+"),
        ("50", "answer with device type, date and uptime"),
        ("06", "device type 06"),
        ("fc0a", "released firmware of 2024-07-28"),
        ("0400", "started 4 min ago"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x11, 0x5C0B)),
            Packet::HwInfo(HwInfo::Answer(HwAnswer {
                device: Some(Device {
                    device_type: 6,
                    build: BuildDate { experimental: false, year: 2024, month: 7, day: 28 }
                }),
                uptime_min: Some(4),
                ..HwAnswer::default()
            }))
        )
    );
}

/// Weather station: wind (calm, vane at 268 degrees) and battery, no temperature.
#[test]
fn a_station_with_wind_and_battery() {
    let bytes = bytes(&[
        ("04", "type 4, service; not to be relayed"),
        ("012801", "from 010128, Skytraxx"),
        ("26", "has wind, remote configuration, battery"),
        ("3e0046", "latitude 4587582 / 93206"),
        ("8bf405", "longitude 390283 / 46603"),
        ("bf", "wind from 268.59375 degrees"),
        ("00", "at 0.0 km/h"),
        ("00", "gusts of 0.0 km/h"),
        ("04", "battery 4 of 15"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x01, 0x0128)),
            Packet::Service(Service {
                remote_config_support: true,
                position: Some(Position::new(4587582.0 / 93206.0, 390283.0 / 46603.0)),
                temperature_c: None,
                wind: Some(Wind { from_deg: 268.59375, speed_kmh: 0.0, gust_kmh: 0.0 }),
                state_of_charge_pct: Some(400.0 / 15.0),
                ..Service::default()
            })
        )
    );
}

/// Another of the same make.
#[test]
fn the_station_urmiberg() {
    let bytes = bytes(&[
        ("04", "type 4, service; not to be relayed"),
        ("011001", "from 010110, Skytraxx"),
        ("26", "has wind, remote configuration, battery"),
        ("5bda42", "latitude 4381275 / 93206"),
        ("b61b06", "longitude 400310 / 46603"),
        ("a9", "wind from 237.65625 degrees"),
        ("00", "at 0.0 km/h"),
        ("00", "gusts of 0.0 km/h"),
        ("04", "battery 4 of 15"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x01, 0x0110)),
            Packet::Service(Service {
                remote_config_support: true,
                position: Some(Position::new(4381275.0 / 93206.0, 400310.0 / 46603.0)),
                temperature_c: None,
                wind: Some(Wind { from_deg: 237.65625, speed_kmh: 0.0, gust_kmh: 0.0 }),
                state_of_charge_pct: Some(400.0 / 15.0),
                ..Service::default()
            })
        )
    );
}

/// Its name, in a frame of its own.
#[test]
fn the_name_of_the_station_urmiberg() {
    let bytes = bytes(&[
        ("02", "type 2, name; not to be relayed"),
        ("011001", "from 010110, Skytraxx"),
        ("55726d696265726748616e67", "UrmibergHang"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header::broadcast(Address::new(0x01, 0x0110)),
            Packet::Name(Name { name: Text::new("UrmibergHang") })
        )
    );
}

/// Frame of a SoftRF device: with a turn rate, without a QNE offset.
#[test]
fn a_hang_glider_seen_from_softrf() {
    let bytes = bytes(&[
        ("41", "type 1, tracking; may be relayed"),
        ("07353d", "from 073D35, SoftRF"),
        ("a33e35", "latitude 3489443 / 93206"),
        ("b922a9", "longitude -5692743 / 46603"),
        ("10a0", "online, a hang glider, 16 m"),
        ("00", "0.0 km/h"),
        ("02", "0.2 m/s"),
        ("25", "heading 52.03125 degrees"),
        ("00", "turning at 0.0 degrees per second"),
    ]);
    let frame = decoded(&bytes);
    assert_eq!(
        frame,
        Frame::new(
            Header { forward: true, ..Header::broadcast(Address::new(0x07, 0x3D35)) },
            Packet::Tracking(Tracking {
                position: Position::new(3489443.0 / 93206.0, -5692743.0 / 46603.0),
                online_tracking: true,
                aircraft_type: AircraftType::Hangglider,
                altitude_m: 16,
                speed_kmh: 0.0,
                climb_mps: 0.2,
                heading_deg: 52.03125,
                turn_rate_dps: Some(0.0),
                qne_offset_m: None
            })
        )
    );
}
