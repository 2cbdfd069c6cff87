use super::*;
use crate::frame::Frame;
use crate::packet::Packet;
use crate::testing::{broadcast, packet, refusal, sent};
use alloc::vec::Vec;

/// Latitude and longitude 0, then steps of nothing.
const A: [u8; 6] = [0; 6];

#[test]
fn every_lifetime_comes_back() {
    for byte in (0..=u8::MAX).step_by(16) {
        let minutes = decode_ttl(byte);
        assert_eq!(decode_ttl(encode_ttl(minutes)), minutes, "{byte:02X}");
    }
}

#[test]
fn lifetimes_round_to_the_nearest_and_saturate() {
    for (minutes, sent) in
        [(0, 10), (14, 10), (15, 20), (80, 80), (99, 80), (100, 120), (150, 180), (480, 480), (u16::MAX, 480)]
    {
        assert_eq!(decode_ttl(encode_ttl(minutes)), sent, "{minutes}");
    }
}

#[test]
fn the_body_leaves_lifetime_layer_and_wind_out() {
    assert_eq!(body(&[0x01, 0x0F, 1, 2]), Some(&[1, 2][..]));
    assert_eq!(body(&[0x71, 0x12, 0xFF, 1, 2]), Some(&[1, 2][..]));
    assert_eq!(body(&[0x71, 0x12]), None);
    assert_eq!(body(&[0x71]), None);
}

/// Calls `check` with the landmark that `payload` decodes to.
fn landmark(payload: &[u8], check: impl FnOnce(&Landmark<'_>)) {
    match packet(&broadcast(5, payload)) {
        Packet::Landmark(landmark) => check(&landmark),
        other => panic!("{other:?}"),
    }
}

/// How many points a shape has.
fn count(shape: &Shape<'_>) -> usize {
    match shape {
        Shape::Text { .. } => 1,
        Shape::Line(points) | Shape::Arrow(points) | Shape::Area(points) | Shape::AreaFilled(points) => points.len(),
        Shape::Circle(circles) | Shape::CircleFilled(circles) | Shape::Cylinder3d { circles, .. } => circles.len(),
        Shape::Line3d(points) => points.len(),
        Shape::Area3d { points, .. } => points.len(),
        Shape::Unassigned { .. } => 0,
    }
}

/// Bytes before and after the list, bytes after each position, and fewest points, by subtype.
const SHAPES: [(u8, usize, usize, usize, usize); 9] = [
    (1, 0, 0, 0, 2),
    (2, 0, 0, 0, 2),
    (3, 0, 0, 0, 3),
    (4, 0, 0, 0, 3),
    (5, 0, 0, 1, 1),
    (6, 0, 0, 1, 1),
    (7, 0, 0, 1, 1),
    (8, 2, 0, 0, 1),
    (9, 0, 2, 1, 1),
];

#[test]
fn every_body_length_of_every_shape() {
    for (subtype, before, after, extra, fewest) in SHAPES {
        for length in 0..40 {
            let payload = [&[subtype, 0][..], &[0_u8; 40][..length]].concat();
            let bytes = broadcast(5, &payload);
            let list = length.checked_sub(before + after + 6 + extra);
            match list {
                Some(later) if later % (4 + extra) == 0 => {
                    let points = 1 + later / (4 + extra);
                    if points < fewest {
                        assert_eq!(refusal(&bytes).0, "too_few_elements", "{subtype} {length}");
                        continue;
                    }
                    landmark(&payload, |landmark| {
                        assert_eq!(landmark.shape.subtype(), subtype);
                        assert_eq!(count(&landmark.shape), points, "{subtype} {length}");
                        assert_eq!(sent(Packet::Landmark(*landmark)).unwrap(), payload);
                    });
                }
                _ => assert_eq!(refusal(&bytes).0, "truncated_payload", "{subtype} {length}"),
            }
        }
    }
}

#[test]
fn each_cut_of_the_head_names_the_missing_field() {
    for (payload, field) in
        [(&[][..], "subtype"), (&[0], "layer"), (&[0, 0x10], "wind_sectors"), (&[0, 0], "latitude_deg")]
    {
        assert_eq!(refusal(&broadcast(5, payload)), ("truncated_payload", field, 4 + payload.len()));
    }
}

#[test]
fn reserved_bits_are_reported_and_sent_as_zero() {
    let payload = [&[0x00, 0xFF, 0xA5][..], &A, b"LZ"].concat();
    landmark(&payload, |landmark| {
        assert_eq!((landmark.reserved, landmark.layer), (7, Layer::DontCare));
        assert_eq!(landmark.wind_sectors, Some(WindSectors(0xA5)));
        assert_eq!(sent(Packet::Landmark(*landmark)).unwrap()[1], 0x1F);
    });
    let bytes = broadcast(5, &payload);
    assert_eq!(Frame::decode(&bytes).unwrap().encode_as_received().unwrap(), bytes);
}

#[test]
fn a_text_ends_at_a_nul_and_may_be_empty() {
    for (after, text) in [(&b""[..], ""), (b"\0", ""), (b"Wire!\0\0", "Wire!"), (b"a\0b", "a")] {
        landmark(&[&[0, 0][..], &A, after].concat(), |landmark| {
            let position = Position::new(0.0, 0.0);
            assert_eq!(landmark.shape, Shape::Text { position, text: Text::new(text) });
        });
    }
}

#[test]
fn subtypes_that_are_not_assigned_keep_their_body() {
    for subtype in 10..16 {
        for body in [&[][..], &[1, 2, 3]] {
            let payload = [&[subtype, 0][..], body].concat();
            landmark(&payload, |landmark| {
                assert_eq!(landmark.shape, Shape::Unassigned { subtype, body });
                assert_eq!(sent(Packet::Landmark(*landmark)).unwrap(), payload);
            });
        }
    }
}

#[test]
fn a_point_beyond_the_pole_is_refused_at_its_offset() {
    // 90 degrees north, then half a degree more: parity even, offset 16383.
    let north = 8_388_540_i32.to_le_bytes();
    let payload = [&[1, 0][..], &north[..3], &[0, 0, 0], &[0xFF, 0x3F, 0, 0]].concat();
    assert_eq!(refusal(&broadcast(5, &payload)), ("latitude_out_of_range", "latitude_deg", 12));
}

#[test]
fn points_too_far_apart_or_too_few_are_not_sent() {
    let send = |points: &[Position]| {
        let shape = Shape::Line(Elements::new(points));
        let landmark = Landmark { ttl_min: 60, layer: Layer::Info, reserved: 0, wind_sectors: None, shape };
        sent(Packet::Landmark(landmark)).map(|bytes| bytes.len())
    };
    let at = |longitude| Position::new(46.0, longitude);
    assert_eq!(send(&[at(13.0)]), Err(EncodeError::TooFewElements));
    assert_eq!(send(&[at(13.0), at(13.5), at(14.6)]), Err(EncodeError::TooFar { index: 2 }));
    assert_eq!(send(&[at(179.8), at(-179.8)]), Ok(12));
    let many: Vec<Position> = (0..63).map(|_| at(13.0)).collect();
    assert_eq!(send(&many), Err(EncodeError::TooLong { length: 4 + 2 + 6 + 62 * 4 }));
}

#[test]
fn layers_come_back() {
    for code in 0..16 {
        assert_eq!(Layer::from_code(code).code(), code);
    }
}
