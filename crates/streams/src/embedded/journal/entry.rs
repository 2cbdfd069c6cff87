//! An entry of the journal's file: length and checksum (CRC 32), each 4 bytes little-endian, and a Protobuf message. Pure but
//! for the reader that it is given.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use crate::embedded::partition::Stored;
use crate::{Headers, TopicPartition};

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8; 16] = b"updraft journal\x01";

/// Length and checksum.
const HEAD_BYTES: usize = 8;
/// Memory that a damaged length may cost: more than any record that the log accepts.
const MAX_ENTRY_BYTES: usize = 4 << 20;

#[derive(Clone, PartialEq, prost::Message)]
struct Encoded {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Record(Record),
    #[prost(message, tag = "2")]
    Commit(Position),
    #[prost(message, tag = "3")]
    End(Position),
    #[prost(uint64, tag = "4")]
    Epoch(u64),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(string, tag = "1")]
    topic: String,
    #[prost(uint32, tag = "2")]
    partition: u32,
    #[prost(uint64, tag = "3")]
    offset: u64,
    #[prost(sint64, tag = "4")]
    timestamp_ms: i64,
    #[prost(bytes = "bytes", optional, tag = "5")]
    key: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    value: Option<Bytes>,
    #[prost(message, repeated, tag = "7")]
    headers: Vec<Header>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Header {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Position {
    #[prost(string, tag = "1")]
    group: String,
    #[prost(string, tag = "2")]
    topic: String,
    #[prost(uint32, tag = "3")]
    partition: u32,
    #[prost(uint64, tag = "4")]
    offset: u64,
}

/// A change of the log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A record was appended.
    Record(TopicPartition, Stored),
    /// A group has committed an offset.
    Commit(String, TopicPartition, u64),
    /// The partition had this next offset: no later one may be lower.
    End(TopicPartition, u64),
    /// The log is the continuation of the one that began with this first offset.
    Epoch(u64),
}

impl Entry {
    /// Appends the entry to `bytes`.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend([0; HEAD_BYTES]);
        Encoded { kind: Some(self.kind()) }.encode(bytes).expect("the buffer grows");
        let payload = &bytes[start + HEAD_BYTES..];
        let length = u32::try_from(payload.len()).expect("records are far smaller").to_le_bytes();
        let checksum = crc32fast::hash(payload).to_le_bytes();
        bytes[start..start + 4].copy_from_slice(&length);
        bytes[start + 4..start + HEAD_BYTES].copy_from_slice(&checksum);
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Record(at, stored) => Kind::Record(Record {
                topic: at.topic.to_string(),
                partition: at.partition,
                offset: stored.offset,
                timestamp_ms: stored.timestamp_ms,
                key: stored.key.clone(),
                value: stored.value.clone(),
                headers: stored
                    .headers
                    .iter()
                    .map(|(name, value)| Header { name: name.to_owned(), value: value.clone() })
                    .collect(),
            }),
            Self::Commit(group, at, offset) => Kind::Commit(position(group, at, *offset)),
            Self::End(at, offset) => Kind::End(position("", at, *offset)),
            Self::Epoch(epoch) => Kind::Epoch(*epoch),
        }
    }

    fn from_kind(kind: Kind) -> Self {
        match kind {
            Kind::Record(record) => {
                let mut headers = Headers::new();
                for Header { name, value } in record.headers {
                    headers.push(name, value);
                }
                let Record { offset, timestamp_ms, key, value, .. } = record;
                let at = TopicPartition::new(Arc::<str>::from(record.topic), record.partition);
                Self::Record(at, Stored { offset, timestamp_ms, key, value, headers })
            }
            Kind::Commit(Position { group, topic, partition, offset }) => {
                Self::Commit(group, TopicPartition::new(Arc::<str>::from(topic), partition), offset)
            }
            Kind::End(Position { topic, partition, offset, .. }) => {
                Self::End(TopicPartition::new(Arc::<str>::from(topic), partition), offset)
            }
            Kind::Epoch(epoch) => Self::Epoch(epoch),
        }
    }
}

fn position(group: &str, at: &TopicPartition, offset: u64) -> Position {
    Position { group: group.to_owned(), topic: at.topic.to_string(), partition: at.partition, offset }
}

/// What follows in a file.
#[derive(Debug)]
pub(crate) enum Next {
    /// An entry.
    Entry(Entry),
    /// Nothing, or the beginning of an entry whose rest was not written any more.
    End,
    /// Bytes that are no entry.
    Damaged,
}

/// Reads the next entry.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read(from: &mut impl Read) -> std::io::Result<Next> {
    let mut head = [0; HEAD_BYTES];
    if !read_all(from, &mut head)? {
        return Ok(Next::End);
    }
    let [length, checksum] = [&head[..4], &head[4..]].map(|half| u32::from_le_bytes(half.try_into().expect("4 bytes")));
    // A file system may have made the file longer before the machine lost power: zeros.
    if length == 0 {
        return Ok(Next::End);
    }
    let length = length as usize;
    if length > MAX_ENTRY_BYTES {
        return Ok(Next::Damaged);
    }
    let mut payload = vec![0; length];
    if !read_all(from, &mut payload)? {
        return Ok(Next::End);
    }
    if crc32fast::hash(&payload) != checksum {
        return Ok(Next::Damaged);
    }
    match Encoded::decode(Bytes::from(payload)) {
        Ok(Encoded { kind: Some(kind) }) => Ok(Next::Entry(Entry::from_kind(kind))),
        Ok(Encoded { kind: None }) | Err(_) => Ok(Next::Damaged),
    }
}

/// Whether there were as many bytes.
fn read_all(from: &mut impl Read, into: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: Option<&'static str>) -> Entry {
        let stored = Stored {
            offset: 1_780_000_000_007,
            timestamp_ms: -3,
            key: Some("110B90".into()),
            value: value.map(Bytes::from),
            headers: Headers::new().with("way", "1").with(String::from("way"), Bytes::new()),
        };
        Entry::Record(TopicPartition::new("fanet.raw.v1", 23), stored)
    }

    fn all(mut bytes: &[u8]) -> (Vec<String>, Next) {
        let mut entries = Vec::new();
        loop {
            match read(&mut bytes).expect("memory is readable") {
                Next::Entry(entry) => entries.push(format!("{entry:?}")),
                end => return (entries, end),
            }
        }
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let at = TopicPartition::new("t", 1);
        let entries = [
            record(Some("x")),
            record(None),
            Entry::Commit("processor".into(), at.clone(), 9),
            Entry::End(at, 10),
            Entry::Epoch(7),
        ];
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.encode(&mut bytes));
        let (found, end) = all(&bytes);
        assert_eq!(found, entries.map(|entry| format!("{entry:?}")));
        assert!(matches!(end, Next::End));
    }

    #[test]
    fn a_file_that_was_cut_ends_before_the_cut() {
        let mut bytes = Vec::new();
        record(Some("first")).encode(&mut bytes);
        let first = bytes.len();
        record(Some("second")).encode(&mut bytes);
        for length in first..bytes.len() {
            let (found, end) = all(&bytes[..length]);
            assert_eq!(found.len(), 1, "{length}");
            assert!(matches!(end, Next::End), "{length}");
        }
        bytes.truncate(first);
        bytes.extend([0; 100]);
        assert!(matches!(all(&bytes), (found, Next::End) if found.len() == 1));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut good = Vec::new();
        record(Some("value")).encode(&mut good);
        for at in 4..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x40;
            assert!(matches!(all(&bytes), (found, Next::Damaged) if found.is_empty()), "byte {at}");
        }
    }
}
