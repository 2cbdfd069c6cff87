//! Records of the log as captured ones, and back.

use std::sync::Arc;

use capture::{Header, Record};
use streams::{Headers, Incoming};

/// A record as it was read from the log.
pub fn record(incoming: Incoming) -> Record {
    let header = |(name, value): (&str, &bytes::Bytes)| Header { name: name.to_owned(), value: value.clone() };
    Record {
        partition: incoming.partition,
        offset: incoming.offset,
        timestamp_ms: incoming.timestamp_ms,
        headers: incoming.headers.iter().map(header).collect(),
        key: incoming.key,
        value: incoming.value,
    }
}

/// The record as it would be read from this topic.
pub fn incoming(record: Record, topic: Arc<str>) -> Incoming {
    let mut headers = Headers::new();
    for Header { name, value } in record.headers {
        headers.push(name, value);
    }
    Incoming {
        topic,
        partition: record.partition,
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        key: record.key,
        value: record.value,
        headers,
    }
}
