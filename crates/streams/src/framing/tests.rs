use proptest::prelude::*;

use super::*;

/// Golden bytes, from the format's description: id 0x01020304, then the indexes.
const GOLDEN: [(&[u32], &[u8]); 7] = [
    (&[0], &[0, 1, 2, 3, 4, 0]),
    (&[1], &[0, 1, 2, 3, 4, 2, 2]),
    (&[2], &[0, 1, 2, 3, 4, 2, 4]),
    (&[0, 0], &[0, 1, 2, 3, 4, 4, 0, 0]),
    (&[3, 0], &[0, 1, 2, 3, 4, 4, 6, 0]),
    (&[63], &[0, 1, 2, 3, 4, 2, 0x7e]),
    (&[64], &[0, 1, 2, 3, 4, 2, 0x80, 1]),
];

#[test]
fn headers_are_the_golden_bytes() {
    for (indexes, golden) in GOLDEN {
        assert_eq!(header(0x0102_0304, indexes), golden, "{indexes:?}");
    }
}

#[test]
fn golden_bytes_are_decoded() {
    for (indexes, golden) in GOLDEN {
        let value = [golden, b"message"].concat();
        let framed = decode(&value.into()).expect("well-formed");
        assert_eq!(framed, Framed { schema_id: 0x0102_0304, indexes: indexes.to_vec(), payload: "message".into() });
    }
}

#[test]
fn the_long_form_of_the_first_message_is_decoded() {
    let framed = decode(&Bytes::from_static(&[0, 0, 0, 0, 7, 2, 0])).expect("well-formed");
    assert_eq!((framed.schema_id, framed.indexes), (7, vec![0]));
}

#[test]
fn a_complete_value_is_the_golden_bytes() {
    // A Timestamp of 1 s 2 ns: field 1 varint 1, field 2 varint 2.
    let value = encode(5, &[0], &prost_types::Timestamp { seconds: 1, nanos: 2 });
    assert_eq!(value, [0, 0, 0, 0, 5, 0, 0x08, 1, 0x10, 2].as_slice());
}

#[test]
fn malformed_values_are_rejected_by_name() {
    let cases: [(&[u8], FramingError); 7] = [
        (&[], FramingError::Truncated { length: 0 }),
        (b"{}", FramingError::Magic { found: b'{' }),
        (&[0, 0, 0], FramingError::Truncated { length: 3 }),
        (&[0, 0, 0, 0, 1], FramingError::Truncated { length: 5 }),
        (&[0, 0, 0, 0, 1, 4, 0], FramingError::Truncated { length: 7 }),
        (&[0, 0, 0, 0, 1, 1], FramingError::Indexes),
        (&[0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], FramingError::Indexes),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(&Bytes::copy_from_slice(bytes)), Err(expected), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn encode_and_decode_are_inverse(id: u32, indexes in proptest::collection::vec(0..100_000_u32, 1..6), seconds: i64) {
        let message = prost_types::Timestamp { seconds, nanos: 3 };
        let framed = decode(&encode(id, &indexes, &message)).expect("our own");
        prop_assert_eq!(framed.schema_id, id);
        prop_assert_eq!(framed.indexes, indexes);
        prop_assert_eq!(prost_types::Timestamp::decode(framed.payload).expect("our own"), message);
    }

    #[test]
    fn any_bytes_are_decoded_or_rejected(bytes: Vec<u8>) {
        let _ = decode(&bytes.into());
    }
}
