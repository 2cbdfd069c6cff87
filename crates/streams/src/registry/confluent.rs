//! A schema registry with Confluent's API.

use std::sync::Arc;
use std::time::Duration;

use schema_registry_converter::async_impl::schema_registry::{SrSettings, get_schema_by_subject, post_schema};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{
    SchemaType, SubjectNameStrategy, SuppliedReference, SuppliedSchema,
};
use schemas::descriptors::{MessageLocation, SOURCES, Source};

use crate::StreamError;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The registry of a URL.
#[derive(Clone, Debug)]
pub(super) struct Registry {
    client: SrSettings,
    url: Arc<str>,
}

impl Registry {
    /// Does no I/O.
    pub(super) fn new(url: &str) -> Result<Self, StreamError> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let attempted = format!("use {url:?} as the schema registry's URL");
            return Err(StreamError::fatal("bad_settings", attempted, "it starts with neither http:// nor https://"));
        }
        let client = SrSettings::new_builder(url.to_owned()).set_timeout(TIMEOUT).build();
        let client = client.map_err(|error| stream_error(error, format!("use {url} as the schema registry")))?;
        Ok(Self { client, url: url.into() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Checks that the registry answers, with a schema of the subject or without.
    pub(super) async fn ask(&self, subject: String) -> Result<(), StreamError> {
        let attempted = format!("request the schema of {subject}");
        match get_schema_by_subject(&self.client, &SubjectNameStrategy::RecordNameStrategy(subject)).await {
            Ok(_) => Ok(()),
            Err(error) if error.error.contains("failed with status 404") => Ok(()),
            Err(error) => Err(stream_error(error, attempted)),
        }
    }

    /// Registers a file and its imports under a subject, and returns its id.
    pub(super) async fn register(&self, subject: String, location: &MessageLocation) -> Result<u32, StreamError> {
        let attempted = format!("register the schema of {subject}");
        let (name, text) = (location.source.name.to_owned(), location.source.text.to_owned());
        let schema =
            SuppliedSchema::new(Some(name), SchemaType::Protobuf, text).with_references(references(location.source));
        let registered = post_schema(&self.client, subject, schema).await;
        registered.map(|registered| registered.id).map_err(|error| stream_error(error, attempted))
    }
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

fn stream_error(error: SRCError, attempted: String) -> StreamError {
    let detail = match &error.cause {
        Some(cause) => format!("{}: {cause}", error.error),
        None => error.error.clone(),
    };
    // `retriable` cannot be used: the library reports every failure of an imported file as not retriable.
    match refusal(&detail) {
        Some(reason) => StreamError::fatal(reason, attempted, detail),
        None => StreamError::transient("unavailable", attempted, detail),
    }
}

/// A refusal by the registry itself: 409 for an incompatible schema, 422 for one that it cannot parse. The library
/// keeps the status only in its message; digits elsewhere can be a port.
fn refusal(detail: &str) -> Option<&'static str> {
    let (_, status) = detail.split_once("failed with status ")?;
    match status.get(..3)? {
        "409" | "422" => Some("incompatible_schema"),
        "401" | "403" => Some("unauthorised"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::catalogue::{find, topic};

    use super::*;
    use crate::registry::Schemas;

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
    async fn an_unavailable_registry_is_transient() {
        let unavailable = Schemas::registry("http://127.0.0.1:1").expect("a URL");
        let error =
            unavailable.prepare("", &find(topic::RAW).expect("in the catalogue")).await.expect_err("unavailable");
        assert!(error.is_transient(), "{error:?}");
        let error = unavailable.ask("", &find(topic::RAW).expect("in the catalogue")).await.expect_err("unavailable");
        assert!(error.is_transient(), "{error:?}");
        assert!(Schemas::registry("registry:8081").is_err());
    }
}
