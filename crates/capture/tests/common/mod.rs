//! Records for the tests.

use bytes::Bytes;
use capture::{FileHeader, Framed, Header, Record, Writer, address_of_frame};
use proptest::prelude::*;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

pub(crate) fn header() -> FileHeader {
    FileHeader {
        topic: "fanet.raw.v1".into(),
        epoch: "abc:1".into(),
        partitions: 4,
        written_by: "tests".into(),
        source: "made up".into(),
    }
}

/// A frame as bridges write it.
pub(crate) fn frame(partition: u32, offset: u64, timestamp_ms: i64, frame: &[u8], receiver: &str) -> Record {
    let mut payload = ((timestamp_ms / 1000) as u32).to_le_bytes().to_vec();
    payload.extend((-87_i16).to_le_bytes());
    payload.extend(6_i16.to_le_bytes());
    payload.extend_from_slice(frame);
    let record = RawRecord {
        ingested_at_us: (timestamp_ms * 1000 + 345) as u64,
        receiver_id: Some(receiver.to_owned()),
        origin_id: None,
        input: Some(Input::MqttFrame(payload.into())),
    };
    let framing = Bytes::from_static(&[0, 0, 0, 0, 7, 0]);
    let key = address_of_frame(frame).map(|address| Bytes::copy_from_slice(&address));
    let value = Some(Framed { framing, record }.to_value());
    Record { partition, offset, timestamp_ms, key, value, headers: Vec::new() }
}

/// Any record: frames as ours, others, broken ones, tombstones, with every kind of key and header.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let bytes = |most: usize| prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from);
    let ours = (any::<u64>(), prop::option::of("[A-Za-z0-9:]{0,12}"), prop::option::of(any::<u64>()), bytes(40))
        .prop_map(|(ingested_at_us, receiver_id, origin_id, payload)| {
            let input = Some(Input::MqttFrame(payload));
            let record = RawRecord { ingested_at_us, receiver_id, origin_id, input };
            Framed { framing: Bytes::from_static(&[0, 0, 0, 0, 1, 0]), record }.to_value()
        });
    let value = prop_oneof![4 => ours.prop_map(Some), 2 => bytes(60).prop_map(Some), 1 => Just(None)];
    let header = ("[a-z]{0,8}", bytes(20)).prop_map(|(name, value)| Header { name, value });
    let time = prop_oneof![1_700_000_000_000_i64..1_800_000_000_000, any::<i64>()];
    let key = prop::option::of(prop_oneof![bytes(8), Just(Bytes::from_static(b"110B90"))]);
    (any::<u32>(), any::<u64>(), time, key, value, prop::collection::vec(header, 0..3)).prop_map(
        |(partition, offset, timestamp_ms, key, value, headers)| Record {
            partition,
            offset,
            timestamp_ms,
            key,
            value,
            headers,
        },
    )
}

/// A capture of them, a block after every so many.
pub(crate) fn written(records: &[Record], block: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).expect("a Vec takes all");
    for some in records.chunks(block) {
        for record in some {
            writer.push(0, record).expect("a Vec takes all");
        }
        writer.flush().expect("a Vec takes all");
    }
    writer.finish().expect("a Vec takes all").0
}
