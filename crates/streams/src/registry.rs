//! The schema of a topic's values: registered once at start, then a constant header.
//!
//! A program has the schemas that it writes with; it never queries the registry about a record. So a registry that
//! becomes unavailable later stops nothing. Our readers decode with the type they were built with, old or new
//! (Protobuf's rules).

#[cfg(feature = "kafka")]
mod confluent;

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use schemas::catalogue::Topic;
use schemas::descriptors::{MessageLocation, SOURCES, location_of};

use crate::StreamError;
use crate::framing::{self, FramingError};

/// Where schemas are registered.
#[derive(Clone, Debug)]
pub struct Schemas(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// A registry with Confluent's API.
    #[cfg(feature = "kafka")]
    Registry(confluent::Registry),
    /// No registry: the ids are those of this build. For an embedded log.
    Local,
}

impl Schemas {
    /// A registry with Confluent's API. Does no I/O.
    ///
    /// # Errors
    /// Fatal when the URL is not an HTTP URL.
    #[cfg(feature = "kafka")]
    pub fn registry(url: &str) -> Result<Self, StreamError> {
        confluent::Registry::new(url).map(|registry| Self(Kind::Registry(registry)))
    }

    /// No registry: fixed ids, for an embedded log.
    pub fn local() -> Self {
        Self(Kind::Local)
    }

    /// The registry's name in messages: its URL.
    pub fn name(&self) -> &str {
        match &self.0 {
            #[cfg(feature = "kafka")]
            Kind::Registry(registry) => registry.url(),
            Kind::Local => "the schemas of this process",
        }
    }

    /// Checks that the registry answers, before anything is registered: requests the schema of a topic's subject,
    /// whether or not there is one. Changes nothing.
    ///
    /// # Errors
    /// Transient while the registry is unavailable; fatal when it refuses the credentials.
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables, reason = "schemas of this process need no request"))]
    pub async fn ask(&self, prefix: &str, topic: &Topic) -> Result<(), StreamError> {
        match &self.0 {
            #[cfg(feature = "kafka")]
            Kind::Registry(registry) => registry.ask(topic.subject(prefix)).await,
            Kind::Local => Ok(()),
        }
    }

    /// Registers the schema of a topic's values under the topic's subject, imported files first, and returns the
    /// values' codec. Registering the same schema again changes nothing.
    ///
    /// # Errors
    /// Transient while the registry is unavailable; fatal when it refuses the schema as incompatible, or when the
    /// topic's values have no schema.
    #[cfg_attr(not(feature = "kafka"), allow(unused_variables, reason = "schemas of this process have no subjects"))]
    pub async fn prepare(&self, prefix: &str, topic: &Topic) -> Result<TopicCodec, StreamError> {
        let message = topic.message.as_deref().unwrap_or_default();
        let Some(location) = location_of(message) else {
            let attempted = format!("register the schema of {}", topic.name);
            return Err(StreamError::fatal("bad_request", attempted, format!("there is no message {message:?}")));
        };
        let id = match &self.0 {
            #[cfg(feature = "kafka")]
            Kind::Registry(registry) => registry.register(topic.subject(prefix), &location).await?,
            Kind::Local => local_id(&location),
        };
        Ok(TopicCodec::new(id, &location))
    }
}

/// The index among our files, from 1: the same in every process of one build.
fn local_id(location: &MessageLocation) -> u32 {
    let index = SOURCES.iter().position(|source| source.name == location.source.name).unwrap_or_default();
    u32::try_from(index).unwrap_or_default() + 1
}

/// Encodes and decodes the values of one topic. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TopicCodec {
    header: Bytes,
    indexes: Arc<[u32]>,
}

impl TopicCodec {
    fn new(schema_id: u32, location: &MessageLocation) -> Self {
        let indexes: Arc<[u32]> = location.indexes.iter().map(|index| index.unsigned_abs()).collect();
        Self { header: framing::header(schema_id, &indexes), indexes }
    }

    /// Header and message, in one allocation.
    pub fn encode(&self, message: &impl Message) -> Bytes {
        framing::encode_with(&self.header, message)
    }

    /// Decodes a value that was written with any version of the topic's schema.
    ///
    /// # Errors
    /// Rejects a value without the header, of another message type, or that cannot be decoded.
    pub fn decode<M: Message + Default>(&self, value: &Bytes) -> Result<M, FramingError> {
        let framed = framing::decode(value)?;
        if framed.indexes[..] != self.indexes[..] {
            return Err(FramingError::OtherMessage { found: framed.indexes, wanted: self.indexes.to_vec() });
        }
        Ok(M::decode(framed.payload)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::catalogue::{find, topic};
    use schemas::v1::{GroundState, RawRecord};

    async fn codec(name: &str) -> TopicCodec {
        Schemas::local().prepare("", &find(name).expect("in the catalogue")).await.expect("has a schema")
    }

    #[tokio::test]
    async fn encode_and_decode_are_inverse() {
        let codec = codec(topic::GROUND).await;
        let state = GroundState { device: 0x11_0B90, version: 7, ..Default::default() };
        assert_eq!(codec.decode::<GroundState>(&codec.encode(&state)).expect("decodes"), state);
    }

    #[tokio::test]
    async fn the_header_names_file_and_message() {
        let raw = codec(topic::RAW).await.encode(&RawRecord::default());
        assert_eq!(raw[..], [0, 0, 0, 0, 2, 0], "the first message of the second file");
        let ground = codec(topic::GROUND).await.encode(&GroundState::default());
        assert_eq!(ground[..], [0, 0, 0, 0, 4, 2, 2], "the second message of the fourth file");
    }

    #[tokio::test]
    async fn a_value_of_another_message_is_refused() {
        let value = codec(topic::RAW).await.encode(&RawRecord::default());
        let error = codec(topic::GROUND).await.decode::<GroundState>(&value).expect_err("another message");
        assert_eq!(error.reason(), "framing_other_message");
    }

    #[tokio::test]
    async fn a_topic_of_plain_bytes_has_no_schema() {
        let dead_letters = find(topic::DEAD_LETTER).expect("in the catalogue");
        let error = Schemas::local().prepare("", &dead_letters).await.expect_err("no schema");
        assert!(!error.is_transient());
    }
}
