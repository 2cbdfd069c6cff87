//! Frames and values to try.

use fanet::packet::{
    AircraftType, GroundTracking, GroundType, Landmark, Layer, RemoteConfig, Service, Shape, Thermal, Tracking, Wind,
};
use fanet::{AltitudePoint, Circle, Elements, Packet, Position, WindSectors};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Bytes with a complete header, of every type that is assigned and one that is not.
pub(crate) fn any_frame_bytes() -> impl Strategy<Value = Vec<u8>> {
    let first = (0_u8..12, any::<bool>(), any::<bool>())
        .prop_map(|(code, extended, forward)| code | u8::from(extended) << 7 | u8::from(forward) << 6);
    (first, vec(any::<u8>(), 3), vec(any::<u8>(), 0..64)).prop_map(|(first, source, rest)| {
        let mut bytes = vec![first];
        bytes.extend(source);
        bytes.extend(rest);
        bytes
    })
}

/// Landmarks and geofences whose bodies have the length that their shape needs.
pub(crate) fn landmark_bytes() -> impl Strategy<Value = Vec<u8>> {
    let geofence = (4_u8..=8).prop_map(|subtype| (vec![6, 0x11, 0x90, 0x0B, subtype], 2, 0, 0));
    let landmark = (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(first, second, wind)| {
        let mut head = vec![5, 0x11, 0x90, 0x0B, first, second];
        if second & 0x10 != 0 {
            head.push(wind);
        }
        // Bytes before the list, bytes after it, bytes after each position.
        let (before, after, extra) = match first & 0x0F {
            5..=7 => (0, 0, 1),
            8 => (2, 0, 0),
            9 => (0, 2, 1),
            _ => (0, 0, 0),
        };
        (head, before, after, extra)
    });
    let count = 1_usize..12;
    (prop_oneof![landmark, geofence], count, absolute_bytes(), vec(any::<u8>(), 64)).prop_map(
        |((mut bytes, before, after, extra), count, absolute, noise)| {
            let mut noise = noise.into_iter().cycle();
            bytes.extend(noise.by_ref().take(before));
            bytes.extend(absolute);
            bytes.extend(noise.take(extra + (count - 1) * (4 + extra) + after));
            bytes
        },
    )
}

/// Six bytes of a position on earth, often near a pole or the date line.
fn absolute_bytes() -> impl Strategy<Value = Vec<u8>> {
    const LIMIT: i32 = 8_388_540;
    let raw = || {
        prop_oneof![
            -LIMIT..=LIMIT,
            LIMIT - 93206..=LIMIT,
            -LIMIT..=-LIMIT + 93206,
            (-180..=180).prop_map(|degree: i32| degree * 46603)
        ]
    };
    (raw(), raw()).prop_map(|(latitude, longitude)| {
        let [a, b, c, _] = latitude.to_le_bytes();
        let [d, e, f, _] = longitude.to_le_bytes();
        vec![a, b, c, d, e, f]
    })
}

/// Values to send; lists own their points.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Tracking(Tracking),
    Ground(GroundTracking),
    Service(Service),
    Thermal(Thermal),
    Position { position: Position, altitude_m: i32, heading_deg: f64 },
    Line(Vec<Position>),
    Circles(Vec<Circle>),
    InSpace(Vec<AltitudePoint>),
}

impl Values {
    pub(crate) fn packet(&self) -> Packet<'_> {
        let landmark = |shape| {
            let wind_sectors = Some(WindSectors(0xA5));
            Packet::Landmark(Landmark { ttl_min: 60, layer: Layer::Info, reserved: 0, wind_sectors, shape })
        };
        match self {
            Self::Tracking(packet) => Packet::Tracking(*packet),
            Self::Ground(packet) => Packet::GroundTracking(*packet),
            Self::Service(packet) => Packet::Service(*packet),
            Self::Thermal(packet) => Packet::Thermal(*packet),
            &Self::Position { position, altitude_m, heading_deg } => {
                Packet::RemoteConfig(RemoteConfig::Position { position, altitude_m, heading_deg })
            }
            Self::Line(points) => landmark(Shape::Line(Elements::new(points))),
            Self::Circles(circles) => landmark(Shape::CircleFilled(Elements::new(circles))),
            Self::InSpace(points) => landmark(Shape::Line3d(Elements::new(points))),
        }
    }
}

fn position() -> impl Strategy<Value = Position> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(latitude, longitude)| Position::new(latitude, longitude))
}

/// Two points or more, each less than a degree from the one before it.
fn chain() -> impl Strategy<Value = Vec<Position>> {
    (-80.0..=80.0, -180.0..=180.0, vec((-0.99..0.99, -0.99..0.99), 1..9)).prop_map(|(latitude, longitude, steps)| {
        let mut points = vec![Position::new(latitude, longitude)];
        for (north, east) in steps {
            let before = points[points.len() - 1];
            let east: f64 = before.longitude_deg + east;
            let longitude = if east.abs() > 180.0 { east - 360.0_f64.copysign(east) } else { east };
            points.push(Position::new(before.latitude_deg + north, longitude));
        }
        points
    })
}

fn tracking() -> impl Strategy<Value = Tracking> {
    let numbers = (-100_i32..12_000, -10.0..500.0, -50.0..50.0, -720.0..720.0);
    let rest = (option::of(-100.0..100.0), option::of(-400..400), any::<bool>(), any::<u8>());
    (position(), numbers, rest).prop_map(|(position, (altitude_m, speed_kmh, climb_mps, heading_deg), rest)| {
        let (turn_rate_dps, qne_offset_m, online_tracking, code) = rest;
        let aircraft_type = AircraftType::from_code(code);
        Tracking {
            position,
            online_tracking,
            aircraft_type,
            altitude_m,
            speed_kmh,
            climb_mps,
            heading_deg,
            turn_rate_dps,
            qne_offset_m,
        }
    })
}

fn service() -> impl Strategy<Value = Service> {
    let wind = (-360.0..720.0, -5.0..200.0, -5.0..200.0).prop_map(|(from_deg, speed_kmh, gust_kmh)| Wind {
        from_deg,
        speed_kmh,
        gust_kmh,
    });
    let data = (option::of(-100.0..100.0), option::of(wind), option::of(-10.0..120.0));
    let more = (option::of(300.0..1200.0), option::of(-10.0..120.0), option::of(any::<u8>()), any::<bool>());
    (position(), data, more).prop_map(|(position, (temperature_c, wind, humidity_pct), more)| {
        let (pressure_hpa, state_of_charge_pct, extended_header, flag) = more;
        Service {
            internet_gateway: flag,
            remote_config_support: !flag,
            extended_header,
            position: Some(position),
            temperature_c,
            wind,
            humidity_pct,
            pressure_hpa,
            state_of_charge_pct,
        }
    })
}

fn thermal() -> impl Strategy<Value = Thermal> {
    (position(), 0_u8..8, -100_i32..12_000, -50.0..50.0, -10.0..500.0, -720.0..720.0).prop_map(
        |(position, confidence, altitude_m, climb_mps, wind_speed_kmh, wind_from_deg)| Thermal {
            position,
            confidence,
            altitude_m,
            climb_mps,
            wind_speed_kmh,
            wind_from_deg,
        },
    )
}

pub(crate) fn any_values() -> impl Strategy<Value = Values> {
    let ground = (position(), any::<u8>(), any::<bool>()).prop_map(|(position, code, online_tracking)| {
        GroundTracking { position, ground_type: GroundType::from_code(code), online_tracking }
    });
    let position_config = (position(), -1000..8000, -720.0..720.0)
        .prop_map(|(position, altitude_m, heading_deg)| Values::Position { position, altitude_m, heading_deg });
    let circles = (chain(), 0_u32..60_000).prop_map(|(points, radius_m)| {
        Values::Circles(points.into_iter().map(|position| Circle { position, radius_m }).collect())
    });
    let in_space = (chain(), -1000..8000).prop_map(|(points, altitude_m)| {
        Values::InSpace(points.into_iter().map(|position| AltitudePoint { position, altitude_m }).collect())
    });
    prop_oneof![
        tracking().prop_map(Values::Tracking),
        ground.prop_map(Values::Ground),
        service().prop_map(Values::Service),
        thermal().prop_map(Values::Thermal),
        position_config,
        chain().prop_map(Values::Line),
        circles,
        in_space,
    ]
}
