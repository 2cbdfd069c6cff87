//! One archived record, as it stands in the file: a varint with the length, then this message. It is Protobuf written by
//! hand, since it belongs to no topic; `docs/archive.md` has it as a .proto.

use bytes::Bytes;
use streams::{Headers, Incoming};

/// A record with all that Kafka knows of it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ArchivedRecord {
    /// The partition it lay in.
    #[prost(uint32, tag = "1")]
    pub partition: u32,
    /// Its place in the partition.
    #[prost(uint64, tag = "2")]
    pub offset: u64,
    /// Its time, milliseconds since the epoch.
    #[prost(int64, tag = "3")]
    pub timestamp_ms: i64,
    /// Absent: it has none.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub key: Option<Bytes>,
    /// Absent: a tombstone.
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub value: Option<Bytes>,
    /// In order; a name may occur more than once.
    #[prost(message, repeated, tag = "6")]
    pub headers: Vec<ArchivedHeader>,
}

/// One header of a record.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ArchivedHeader {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

impl From<Incoming> for ArchivedRecord {
    fn from(record: Incoming) -> Self {
        let header = |(name, value): (&str, &Bytes)| ArchivedHeader { name: name.to_owned(), value: value.clone() };
        Self {
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            headers: record.headers.iter().map(header).collect(),
            key: record.key,
            value: record.value,
        }
    }
}

impl ArchivedRecord {
    /// The record as it was read from this topic.
    pub fn into_incoming(self, topic: std::sync::Arc<str>) -> Incoming {
        let mut headers = Headers::new();
        for ArchivedHeader { name, value } in self.headers {
            headers.push(name, value);
        }
        Incoming {
            topic,
            partition: self.partition,
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            key: self.key,
            value: self.value,
            headers,
        }
    }
}
