use super::*;
use crate::frame::Frame;
use crate::packet::Packet;
use crate::testing::{assert_cuts, broadcast, packet, refusal, sent};

/// Calls `check` with the packet that `payload` decodes to.
fn config(payload: &[u8], check: impl FnOnce(&RemoteConfig<'_>)) {
    match packet(&broadcast(6, payload)) {
        Packet::RemoteConfig(config) => check(&config),
        other => panic!("{other:?}"),
    }
}

#[test]
fn acknowledge_and_request_name_a_subtype() {
    config(&[0, 9], |config| assert_eq!(*config, RemoteConfig::Acknowledge { subtype: 9 }));
    config(&[1, 2], |config| assert_eq!(*config, RemoteConfig::Request { subtype: 2 }));
    assert_cuts(6, &[0, 9], &["subtype", "acknowledged_subtype"]);
    assert_cuts(6, &[1, 9], &["subtype", "requested_subtype"]);
}

#[test]
fn a_bare_subtype_removes_only_an_existing_feature() {
    for subtype in 0..=u8::MAX {
        let bytes = broadcast(6, &[subtype]);
        match subtype {
            0 | 1 => assert_eq!(refusal(&bytes).0, "truncated_payload"),
            2 | 4..=33 => assert_eq!(packet(&bytes), Packet::RemoteConfig(RemoteConfig::Remove { subtype })),
            _ => {
                let nothing = RemoteConfig::Unassigned { subtype, body: &[] };
                assert_eq!(packet(&bytes), Packet::RemoteConfig(nothing));
            }
        }
        if let Ok(frame) = Frame::decode(&bytes) {
            assert_eq!(frame.encode().unwrap(), bytes);
        }
    }
}

#[test]
fn a_position_is_complete_or_truncated() {
    let payload = [2, 0, 0, 0, 0, 0, 0, 0x80, 0x40];
    config(&payload, |config| {
        let position = Position::new(0.0, 0.0);
        assert_eq!(*config, RemoteConfig::Position { position, altitude_m: -475, heading_deg: 90.0 });
    });
    for (length, field) in (2..9).zip([&["latitude_deg"; 5][..], &["altitude_m", "heading_deg"]].concat()) {
        assert_eq!(refusal(&broadcast(6, &payload[..length])).1, field, "{length}");
    }
}

#[test]
fn a_geofence_has_one_corner_or_more() {
    for corners in 1..6 {
        let mut payload = alloc::vec![4, 0x81, 0x7F, 0, 0, 0, 0, 0, 0];
        payload.extend((1..corners).flat_map(|_| [0, 0, 0, 0]));
        config(&payload, |config| {
            let RemoteConfig::Geofence { subtype: 4, altitude_bottom_m: -450, altitude_top_m: 5900, points } = config
            else {
                panic!("{config:?}")
            };
            assert_eq!(points.len(), corners);
            assert_eq!(sent(Packet::RemoteConfig(*config)).unwrap(), payload);
        });
        for over in 1..4 {
            payload.push(0);
            let (reason, _, offset) = refusal(&broadcast(6, &payload));
            assert_eq!((reason, offset), ("truncated_payload", 4 + payload.len() - over));
        }
    }
    assert_eq!(refusal(&broadcast(6, &[8, 0])).1, "altitude_top_m");
    assert_eq!(refusal(&broadcast(6, &[8, 0, 0])).1, "points");
}

#[test]
fn a_reply_may_be_empty_and_is_not_decoded() {
    config(&[33, 0xA5, 0xC2], |config| {
        let reply = RemoteConfig::BroadcastReply {
            subtype: 33,
            wind_sectors: WindSectors(0xA5),
            reply_type: 2,
            reply_forward: true,
            payload: &[],
        };
        assert_eq!(*config, reply);
        assert_eq!(sent(Packet::RemoteConfig(reply)).unwrap(), [33, 0xA5, 0x42]);
    });
    assert_eq!(refusal(&broadcast(6, &[9, 0])).1, "reply_type");
}

#[test]
fn only_the_first_three_subtypes_have_trailing_bytes() {
    for payload in [&[0, 9, 1][..], &[1, 9, 1], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
        let bytes = broadcast(6, payload);
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!(frame.trailing, [1]);
        assert_eq!(frame.encode().unwrap(), bytes);
    }
}

#[test]
fn numbers_that_mean_something_else_are_not_sent() {
    let wrong = [
        RemoteConfig::Remove { subtype: 3 },
        RemoteConfig::Remove { subtype: 34 },
        RemoteConfig::Unassigned { subtype: 2, body: &[] },
        RemoteConfig::BroadcastReply {
            subtype: 8,
            wind_sectors: WindSectors(0),
            reply_type: 2,
            reply_forward: false,
            payload: &[],
        },
        RemoteConfig::BroadcastReply {
            subtype: 9,
            wind_sectors: WindSectors(0),
            reply_type: 64,
            reply_forward: false,
            payload: &[],
        },
    ];
    for config in wrong {
        assert_eq!(sent(Packet::RemoteConfig(config)), Err(EncodeError::CodeOutOfRange { field: "subtype" }));
    }
}
