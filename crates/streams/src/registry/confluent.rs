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

    /// Whether the registry answers, with a schema of the subject or without.
    pub(super) async fn ask(&self, subject: String) -> Result<(), StreamError> {
        let attempted = format!("ask for the schema of {subject}");
        match get_schema_by_subject(&self.client, &SubjectNameStrategy::RecordNameStrategy(subject)).await {
            Ok(_) => Ok(()),
            Err(error) if error.error.contains("failed with status 404") => Ok(()),
            Err(error) => Err(stream_error(error, attempted)),
        }
    }

    /// Registers a file and those that it imports under a subject, and gives its id.
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
    async fn an_absent_registry_is_transient_and_a_bad_url_is_not() {
        let nobody = Schemas::registry("http://127.0.0.1:1").expect("a URL");
        let error = nobody.prepare("", &find(topic::RAW).expect("in the catalogue")).await.expect_err("nobody there");
        assert!(error.is_transient(), "{error:?}");
        let error = nobody.ask("", &find(topic::RAW).expect("in the catalogue")).await.expect_err("nobody there");
        assert!(error.is_transient(), "{error:?}");
        assert!(Schemas::registry("registry:8081").is_err());
    }
}
