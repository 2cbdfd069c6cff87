//! Copies a record out of librdkafka's memory: one allocation for all its bytes.

use std::sync::Arc;

use bytes::BytesMut;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::{HeaderName, Headers, Incoming, TopicPartition};

/// Interned names of headers: a topic has few different ones, and each record repeats them.
#[derive(Default)]
pub(super) struct HeaderNames(Vec<Arc<str>>);

impl HeaderNames {
    /// Further names are allocated for each record, so that a writer of many names does not fill the memory.
    const MAX_NAMES: usize = 32;

    fn intern(&mut self, name: &str) -> HeaderName {
        if let Some(known) = self.0.iter().find(|known| &***known == name) {
            return known.clone().into();
        }
        let name: Arc<str> = name.into();
        if self.0.len() < Self::MAX_NAMES {
            self.0.push(name.clone());
        }
        name.into()
    }
}

/// Copies a record of the partition `of`. The second value is its size in memory, bytes.
pub(super) fn incoming(
    message: &BorrowedMessage<'_>,
    of: &TopicPartition,
    names: &mut HeaderNames,
) -> (Incoming, usize) {
    let (key, value) = (message.key(), message.payload());
    let headers: Vec<_> = message.headers().into_iter().flat_map(|headers| headers.iter()).collect();
    let parts = || [key, value].into_iter().chain(headers.iter().map(|header| header.value)).flatten();

    let total = parts().map(<[u8]>::len).sum();
    let mut buffer = BytesMut::with_capacity(total);
    parts().for_each(|part| buffer.extend_from_slice(part));
    let mut buffer = buffer.freeze();
    // Shares the buffer: cuts off the next part, in the order in which they were written.
    let mut next = |part: &[u8]| buffer.split_to(part.len());

    let key = key.map(&mut next);
    let value = value.map(&mut next);
    let mut kept = Headers::new();
    for header in &headers {
        // Kafka has headers without a value; here they become empty ones.
        kept.push(names.intern(header.key), next(header.value.unwrap_or_default()));
    }
    let record = Incoming {
        topic: of.topic.clone(),
        partition: of.partition,
        offset: message.offset().unsigned_abs(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        key,
        value,
        headers: kept,
    };
    (record, total + size_of::<Incoming>())
}
