//! Which schema a topic's values are written with: registered once at start, then a constant header.
//!
//! A program knows the schemas it writes with; it never asks the registry about a record. So a registry that goes away
//! later stops nothing, and readers of ours decode by the type they were built with, old or new (Protobuf's own rules).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use schema_registry_converter::async_impl::schema_registry::{SrSettings, post_schema};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SuppliedReference, SuppliedSchema};
use schemas::catalogue::Topic;
use schemas::descriptors::{Place, SOURCES, Source, place_of};

use crate::StreamError;
use crate::framing::{self, FramingError};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Where schemas are registered.
#[derive(Clone, Debug)]
pub struct Schemas(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// A registry with Confluent's API.
    Registry { client: SrSettings, url: Arc<str> },
    /// None: ids are those of this build. For a log that lives no longer than its process.
    Local,
}

impl Schemas {
    /// A registry with Confluent's API. Does no I/O.
    ///
    /// # Errors
    /// Fatal when the URL is no HTTP URL.
    pub fn registry(url: &str) -> Result<Self, StreamError> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let attempted = format!("use {url:?} as the schema registry's URL");
            return Err(StreamError::fatal("bad_settings", attempted, "it starts with neither http:// nor https://"));
        }
        let client = SrSettings::new_builder(url.to_owned()).set_timeout(TIMEOUT).build();
        let client = client.map_err(|error| stream_error(error, format!("use {url} as the schema registry")))?;
        Ok(Self(Kind::Registry { client, url: url.into() }))
    }

    /// No registry: fixed ids, for a log within the process.
    pub fn local() -> Self {
        Self(Kind::Local)
    }

    /// Names the registry for people: its URL.
    pub fn name(&self) -> &str {
        match &self.0 {
            Kind::Registry { url, .. } => url,
            Kind::Local => "the schemas of this process",
        }
    }

    /// Registers the schema of a topic's values (files that it imports first) under the topic's subject, and gives what
    /// frames them. Registering the same schema again changes nothing.
    ///
    /// # Errors
    /// Transient while the registry is away; fatal when it refuses the schema as incompatible, or when the topic's values
    /// have no schema.
    pub async fn prepare(&self, prefix: &str, topic: &Topic) -> Result<TopicCodec, StreamError> {
        let message = topic.message.as_deref().unwrap_or_default();
        let Some(place) = place_of(message) else {
            let attempted = format!("register the schema of {}", topic.name);
            return Err(StreamError::fatal("bad_request", attempted, format!("there is no message {message:?}")));
        };
        let id = match &self.0 {
            Kind::Registry { client, .. } => register(client, topic.subject(prefix), &place).await?,
            Kind::Local => local_id(&place),
        };
        Ok(TopicCodec::new(id, &place))
    }
}

async fn register(client: &SrSettings, subject: String, place: &Place) -> Result<u32, StreamError> {
    let attempted = format!("register the schema of {subject}");
    let (name, text) = (place.source.name.to_owned(), place.source.text.to_owned());
    let schema = SuppliedSchema::new(Some(name), SchemaType::Protobuf, text).with_references(references(place.source));
    let registered = post_schema(client, subject, schema).await;
    registered.map(|registered| registered.id).map_err(|error| stream_error(error, attempted))
}

/// The imported files, each with those that it imports itself. A file's subject is its name.
fn references(source: Source) -> Vec<SuppliedReference> {
    let imported = SOURCES.iter().filter(|other| source.imports.contains(&other.name));
    let supplied = imported.map(|other| {
        let (name, text) = (other.name.to_owned(), other.text.to_owned());
        SuppliedReference::new(name.clone(), name, text).with_references(references(*other))
    });
    supplied.collect()
}

/// The place among our files, from 1: the same in every process of one build.
fn local_id(place: &Place) -> u32 {
    let index = SOURCES.iter().position(|source| source.name == place.source.name).unwrap_or_default();
    u32::try_from(index).unwrap_or_default() + 1
}

fn stream_error(error: SRCError, attempted: String) -> StreamError {
    let detail = match &error.cause {
        Some(cause) => format!("{}: {cause}", error.error),
        None => error.error.clone(),
    };
    // `retriable` does not tell: whatever happens to an imported file is passed on as not retriable.
    match refusal(&detail) {
        Some(reason) => StreamError::fatal(reason, attempted, detail),
        None => StreamError::transient("unavailable", attempted, detail),
    }
}

/// The registry's own no: 409 to a schema that would break readers, 422 to one that it cannot parse. The library keeps the
/// status only in its message; digits anywhere else may be those of a port.
fn refusal(detail: &str) -> Option<&'static str> {
    let (_, status) = detail.split_once("failed with status ")?;
    match status.get(..3)? {
        "409" | "422" => Some("incompatible_schema"),
        "401" | "403" => Some("unauthorised"),
        _ => None,
    }
}

/// Frames the values of one topic. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TopicCodec {
    header: Bytes,
    indexes: Arc<[u32]>,
}

impl TopicCodec {
    fn new(schema_id: u32, place: &Place) -> Self {
        let indexes: Arc<[u32]> = place.indexes.iter().map(|index| index.unsigned_abs()).collect();
        Self { header: framing::header(schema_id, &indexes), indexes }
    }

    /// Header and message, in one allocation.
    pub fn encode(&self, message: &impl Message) -> Bytes {
        framing::encode_with(&self.header, message)
    }

    /// The message of a value written with any version of the topic's schema.
    ///
    /// # Errors
    /// Rejects what is not framed, not of this topic's message type, or not decodable.
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
    async fn values_come_back_as_they_were() {
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

    #[test]
    fn only_the_registry_itself_can_refuse() {
        let status = |status| {
            format!(
                "Error posting a reference: Error: HTTP request to schema registry failed with status {status}, was"
            )
        };
        assert_eq!(refusal(&status("409 Conflict")), Some("incompatible_schema"));
        assert_eq!(refusal(&status("422 Unprocessable Entity")), Some("incompatible_schema"));
        assert_eq!(refusal(&status("401 Unauthorized")), Some("unauthorised"));
        assert_eq!(refusal(&status("500 Internal Server Error")), None);
        assert_eq!(
            refusal("http call failed: error sending request for url (http://127.0.0.1:24090/subjects/x)"),
            None
        );
    }

    #[tokio::test]
    async fn an_absent_registry_is_transient_and_a_bad_url_is_not() {
        let nobody = Schemas::registry("http://127.0.0.1:1").expect("a URL");
        let error = nobody.prepare("", &find(topic::RAW).expect("in the catalogue")).await.expect_err("nobody there");
        assert!(error.is_transient(), "{error:?}");
        assert!(Schemas::registry("registry:8081").is_err());
    }
}
