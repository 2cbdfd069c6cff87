use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::mqtt::version::Version;

const ANNOUNCED: Announced = Announced { packet_bytes: 64 << 10, receive_maximum: 256 };
const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

fn take(version: Version, bytes: &[u8]) -> Result<Option<Incoming>, Fault> {
    Codec::new(version, ANNOUNCED).take(&mut BytesMut::from(bytes))
}

fn put(version: Version, packet: Outgoing) -> Vec<u8> {
    let mut outbox = BytesMut::new();
    Codec::new(version, ANNOUNCED).put(packet, &mut outbox).expect("encodable");
    outbox.to_vec()
}

/// After the tables of the three specifications.
#[test]
fn connect_of_each_version() {
    let connect = |version, bytes: &[u8]| match take(version, bytes) {
        Ok(Some(Incoming::Connect(connect))) => connect,
        other => panic!("{version:?}: {other:?}"),
    };
    let plain = |keep_alive_s, session_expiry_s| Connect {
        client_id: "r/+#$".to_owned(),
        is_clean: false,
        keep_alive_s,
        session_expiry_s,
        largest_packet: u32::MAX,
        has_will: false,
        user: None,
        password: None,
        wants_auth: false,
    };
    let v31 = connect(Version::V31, b"\x10\x13\x00\x06MQIsdp\x03\x00\x00\x0a\x00\x05r/+#$");
    assert_eq!(v31, plain(10, u32::MAX));
    let v311 = connect(Version::V311, b"\x10\x11\x00\x04MQTT\x04\x00\x00\x00\x00\x05r/+#$");
    assert_eq!(v311, plain(0, u32::MAX));
    let v5 = connect(Version::V5, b"\x10\x17\x00\x04MQTT\x05\x00\x01\x00\x05\x11\x00\x00\x0e\x10\x00\x05r/+#$");
    assert_eq!(v5, plain(256, 3_600));
    let will = connect(Version::V311, b"\x10\x13\x00\x04MQTT\x04\x06\x00\x0a\x00\x00\x00\x01t\x00\x02hi");
    assert!(will.has_will && will.is_clean && will.client_id.is_empty());
}

#[test]
fn publish_of_each_version() {
    let expected = |qos, packet_id| {
        let (topic, payload) = (Bytes::from_static(b"fb/b/1/f"), Bytes::from_static(b"xy"));
        Ok(Some(Incoming::Publish(Publish { qos, packet_id, topic, payload, has_alias: false })))
    };
    for version in [Version::V31, Version::V311] {
        assert_eq!(take(version, b"\x30\x0c\x00\x08fb/b/1/fxy"), expected(types::QoS::AtMostOnce, 0));
        // Repeated and retained: both change nothing here.
        assert_eq!(take(version, b"\x3d\x0e\x00\x08fb/b/1/f\x01\x02xy"), expected(types::QoS::ExactlyOnce, 258));
    }
    let v5 = take(Version::V5, b"\x32\x16\x00\x08fb/b/1/f\x00\x07\x07\x26\x00\x01k\x00\x01vxy");
    assert_eq!(v5, expected(types::QoS::AtLeastOnce, 7), "user properties are left out");
    let alias = take(Version::V5, b"\x30\x06\x00\x00\x03\x23\x00\x01");
    assert!(matches!(alias, Ok(Some(Incoming::Publish(Publish { has_alias: true, .. })))), "{alias:?}");
}

#[test]
fn packets_of_servers_are_refused() {
    for (bytes, name) in [
        (&b"\x20\x03\x00\x00\x00"[..], "CONNACK"),
        (b"\x90\x04\x00\x01\x00\x00", "SUBACK"),
        (b"\xb0\x04\x00\x01\x00\x00", "UNSUBACK"),
        (b"\xd0\x00", "PINGRESP"),
    ] {
        assert_eq!(take(Version::V5, bytes), Err(Fault::Unexpected(name)));
    }
    assert!(take(Version::V5, b"\xf0\x02\x18\x00").is_err(), "AUTH was not offered");
    assert_eq!(take(Version::V311, b"\x20\x02\x00\x00"), Err(Fault::Unexpected("CONNACK")));
    assert_eq!(take(Version::V311, b"\x40\x02\x00\x01"), Ok(Some(Incoming::Ignored)));
}

#[test]
fn a_packet_is_bounded_before_it_has_arrived() {
    for version in VERSIONS {
        assert_eq!(take(version, b"\x30\xff\xff\xff\x7f"), Err(Fault::TooLong(268_435_460)));
        assert_eq!(take(version, b"\x30\xfd\xff\x03"), Err(Fault::TooLong(65_537)), "one byte too long");
        assert_eq!(take(version, b"\x30\xfc\xff\x03"), Ok(None), "the longest");
        assert!(matches!(take(version, b"\x30\xff\xff\xff\xff"), Err(Fault::Malformed(_))));
        for begun in [&b""[..], b"\x30", b"\x30\xff", b"\x30\xff\xff\x03"] {
            assert!(matches!(take(version, begun), Ok(None) | Err(Fault::TooLong(_))), "{begun:?}");
        }
    }
}

#[test]
fn repeated_packets_of_3_1_are_accepted() {
    assert_eq!(take(Version::V31, b"\x6a\x02\x00\x09"), Ok(Some(Incoming::Release { packet_id: 9 })));
    assert!(matches!(take(Version::V311, b"\x6a\x02\x00\x09"), Err(Fault::Malformed(_))));
}

#[test]
fn every_filter_is_refused_with_its_reason() {
    let subscribe = b"\x82\x15\x00\x05\x00\x00\x01#\x01\x00\x0b$share/g/+x\x00";
    let Ok(Some(Incoming::Subscribe { packet_id, shared })) = take(Version::V5, subscribe) else {
        panic!("no SUBSCRIBE")
    };
    assert_eq!((packet_id, shared.as_slice()), (5, &[false, true][..]));
    assert_eq!(
        put(Version::V5, Outgoing::SubAck { packet_id, shared: shared.clone() }),
        b"\x90\x05\x00\x05\x00\x87\x9e"
    );
    for version in [Version::V31, Version::V311] {
        assert_eq!(put(version, Outgoing::SubAck { packet_id, shared: shared.clone() }), b"\x90\x04\x00\x05\x80\x80");
    }
}

#[test]
fn answers_have_the_form_of_the_version() {
    let accepted = || Outgoing::Accepted { session_present: true, assigned_id: None, session_expiry_s: 0 };
    assert_eq!(put(Version::V31, accepted()), b"\x20\x02\x00\x00", "3.1 has no such flag");
    assert_eq!(put(Version::V311, accepted()), b"\x20\x02\x01\x00");
    assert_eq!(put(Version::V5, accepted())[..5], *b"\x20\x16\x01\x00\x13", "with properties");
    assert_eq!(put(Version::V311, Outgoing::Refused(Refusal::Version)), b"\x20\x02\x00\x01");
    assert_eq!(put(Version::V311, Outgoing::Refused(Refusal::ClientId)), b"\x20\x02\x00\x02");
    assert_eq!(put(Version::V5, Outgoing::Refused(Refusal::ClientId))[..4], *b"\x20\x03\x00\x85");
    assert_eq!(put(Version::V311, Outgoing::PubAck { packet_id: 258, carried: Carried::Yes }), b"\x40\x02\x01\x02");
    assert_eq!(put(Version::V311, Outgoing::PubComp { packet_id: 258 }), b"\x70\x02\x01\x02");
    assert_eq!(
        put(Version::V5, Outgoing::PubAck { packet_id: 258, carried: Carried::OtherTopic })[..5],
        *b"\x40\x04\x01\x02\x10"
    );
    assert_eq!(put(Version::V311, Outgoing::Goodbye(Refusal::TakenOver)), b"", "3.1.1 has no such packet");
    assert_eq!(put(Version::V5, Outgoing::Goodbye(Refusal::TakenOver))[..3], *b"\xe0\x02\x8e");
    assert_eq!(put(Version::V5, Outgoing::UnsubAck { packet_id: 3, filters: 2 }), b"\xb0\x05\x00\x03\x00\x11\x11");
}

#[test]
fn an_answer_beyond_the_clients_bound_is_a_fault() {
    let mut codec = Codec::new(Version::V5, ANNOUNCED);
    // Maximum Packet Size: 10.
    let connect = b"\x10\x13\x00\x04MQTT\x05\x02\x00\x00\x05\x27\x00\x00\x00\x0a\x00\x01a";
    assert!(matches!(codec.take(&mut BytesMut::from(&connect[..])), Ok(Some(Incoming::Connect(_)))));
    let mut outbox = BytesMut::new();
    let long = Outgoing::SubAck { packet_id: 1, shared: vec![false; 100] };
    assert_eq!(codec.put(long, &mut outbox), Err(Fault::SmallClient { length: 105, most: 10 }));
    assert!(outbox.is_empty() && codec.put(Outgoing::Pong, &mut outbox).is_ok());
}

/// The first bytes of packets, so that arbitrary bytes get beyond them often.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![Just(0x10_u8), Just(0x82), Just(0x62), Just(0xE0), Just(0xA2), 0x30_u8..0x40, any::<u8>()];
    let body = proptest::collection::vec(any::<u8>(), 0..300);
    let begins: Vec<&[u8]> = vec![b"", b"\x00\x04MQTT\x05", b"\x00\x04MQTT\x04", b"\x00\x06MQIsdp\x03"];
    let connect = proptest::sample::select(begins);
    (first, connect, body, any::<bool>()).prop_map(|(first, begin, body, is_framed)| {
        let body = [begin, &body].concat();
        let length = [(body.len() % 128) as u8 | 0x80, (body.len() / 128) as u8];
        if is_framed { [&[first][..], &length, &body].concat() } else { [&[first][..], &body].concat() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// No bytes make the decoder panic or loop; what it takes it takes from the front, and cutting the bytes changes nothing.
    #[test]
    fn any_bytes_are_taken_refused_or_awaited(all in bytes(), cut in 0_usize..300) {
        for version in VERSIONS {
            let decode = |pieces: &[&[u8]]| {
                let mut codec = Codec::new(version, ANNOUNCED);
                let (mut inbox, mut taken) = (BytesMut::new(), Vec::new());
                for piece in pieces {
                    inbox.extend_from_slice(piece);
                    loop {
                        let before = inbox.len();
                        match codec.take(&mut inbox) {
                            Ok(Some(packet)) => {
                                assert!(inbox.len() < before);
                                taken.push(Ok(packet));
                            }
                            Ok(None) => break,
                            Err(fault) => {
                                taken.push(Err(fault));
                                return taken;
                            }
                        }
                    }
                }
                taken
            };
            let (begin, end) = all.split_at(cut.min(all.len()));
            prop_assert_eq!(decode(&[&all]), decode(&[begin, end]));
        }
    }
}
