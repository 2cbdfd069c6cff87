//! A topic of the catalogue whose schema is registered.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::registry::TopicCodec;
use crate::version::put_version;
use crate::{Headers, Outgoing};

/// A topic and the codec of its values.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Full name.
    pub name: Arc<str>,
    /// Encodes and decodes values with their schema header.
    pub codec: TopicCodec,
}

impl Topic {
    /// A record with a value.
    pub fn record(
        &self,
        partition: Option<u32>,
        key: impl Into<Bytes>,
        value: &impl Message,
        at_us: u64,
        headers: Headers,
    ) -> Outgoing {
        let value = Some(self.codec.encode(value));
        Outgoing { value, ..self.tombstone(partition, key, at_us, headers) }
    }

    /// A tombstone.
    pub fn tombstone(&self, partition: Option<u32>, key: impl Into<Bytes>, at_us: u64, headers: Headers) -> Outgoing {
        Outgoing {
            topic: self.name.clone(),
            partition,
            key: Some(key.into()),
            value: None,
            headers,
            timestamp_ms: (at_us / 1_000).cast_signed(),
        }
    }

    /// The record of a state with its version; without a state, a tombstone.
    pub fn state(
        &self,
        partition: Option<u32>,
        key: impl Into<Bytes>,
        at_us: u64,
        version: u64,
        state: Option<&impl Message>,
    ) -> Outgoing {
        let value = state.map(|state| self.codec.encode(state));
        Outgoing { value, ..self.ended(partition, key, at_us, version) }
    }

    /// The tombstone of a state that ended at this version.
    pub fn ended(&self, partition: Option<u32>, key: impl Into<Bytes>, at_us: u64, version: u64) -> Outgoing {
        let mut headers = Headers::new();
        put_version(&mut headers, version);
        self.tombstone(partition, key, at_us, headers)
    }
}
