//! What an identity provider publishes of itself (OpenID Connect Discovery 1.0): where its keys are, and where one signs
//! in. Fetched from time to time; while the provider does not answer, the last good document stays.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use runtime::{Clock, Shutdown};
use serde::Deserialize;
use url::Url;

use super::fetch::{self, NotFetched};
use crate::metrics::{PusherMetrics, Reason};

/// Below the issuer (section 4 of the standard).
const PATH: &str = "/.well-known/openid-configuration";
/// How often the document is fetched where nothing else fetches it.
const INTERVAL: Duration = Duration::from_secs(300);
/// After a failure.
const RETRY: Duration = Duration::from_secs(30);
/// Scopes that a provider may list.
const MAX_SCOPES: usize = 256;

/// Why an answer is not the document of the provider.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("not the JSON of OpenID Connect Discovery: {0}")]
    Json(String),
    #[error("it is of the issuer {found:?}: --auth-issuer has to be exactly that, and is {expected:?}")]
    Issuer { found: String, expected: String },
    #[error("{0} is missing, or not a URL of https (or of http to this machine)")]
    Endpoint(&'static str),
}

impl From<DiscoveryError> for NotFetched {
    fn from(error: DiscoveryError) -> Self {
        Self::Unusable { reason: error.reason(), problem: error.to_string() }
    }
}

impl DiscoveryError {
    /// The label of the metric.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "discovery_not_json",
            Self::Issuer { .. } => "discovery_other_issuer",
            Self::Endpoint(_) => "discovery_endpoint",
        }
    }
}

/// The endpoints of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(super) jwks: Url,
    /// Without these two nobody can sign in on a page.
    pub(crate) authorization: Option<Url>,
    pub(crate) token: Option<Url>,
    pub(crate) end_session: Option<Url>,
    pub(crate) revocation: Option<Url>,
    /// `None`: the provider does not list them.
    pub(crate) scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    scopes_supported: Option<Vec<String>>,
}

impl Provider {
    /// Reads the document of this issuer.
    fn parse(text: &[u8], issuer: &str) -> Result<Self, DiscoveryError> {
        let document: Document =
            serde_json::from_slice(text).map_err(|error| DiscoveryError::Json(error.to_string()))?;
        if document.issuer != issuer {
            let found = document.issuer.chars().take(256).collect();
            return Err(DiscoveryError::Issuer { found, expected: issuer.to_owned() });
        }
        let scopes = document.scopes_supported.map(|scopes| scopes.into_iter().take(MAX_SCOPES).collect());
        Ok(Self {
            jwks: endpoint("jwks_uri", document.jwks_uri)?.ok_or(DiscoveryError::Endpoint("jwks_uri"))?,
            authorization: endpoint("authorization_endpoint", document.authorization_endpoint)?,
            token: endpoint("token_endpoint", document.token_endpoint)?,
            end_session: endpoint("end_session_endpoint", document.end_session_endpoint)?,
            revocation: endpoint("revocation_endpoint", document.revocation_endpoint)?,
            scopes,
        })
    }
}

fn endpoint(name: &'static str, text: Option<String>) -> Result<Option<Url>, DiscoveryError> {
    let Some(text) = text else { return Ok(None) };
    let url = Url::parse(&text).ok().filter(fetch::is_secure);
    url.map(Some).ok_or(DiscoveryError::Endpoint(name))
}

/// The document of an issuer, as it was last read.
pub(super) struct Discovery {
    issuer: String,
    url: Url,
    http: reqwest::Client,
    clock: Clock,
    metrics: PusherMetrics,
    newest: RwLock<Option<Arc<Provider>>>,
}

impl Discovery {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// The issuer is no URL that may be fetched.
    pub(super) fn open(issuer: &str, clock: &Clock, metrics: &PusherMetrics) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            issuer: issuer.to_owned(),
            url: url_of(issuer)?,
            http: fetch::client()?,
            clock: clock.clone(),
            metrics: metrics.clone(),
            newest: RwLock::default(),
        }))
    }

    /// The newest good document; `None` before the first one.
    pub(super) fn value(&self) -> Option<Arc<Provider>> {
        self.newest.read().clone()
    }

    /// Fetches the document.
    ///
    /// # Errors
    /// There is no good one: the last one stays.
    pub(super) async fn fetch(&self) -> Result<Arc<Provider>, NotFetched> {
        let request = self.http.get(self.url.clone()).header("accept", "application/json");
        let provider = Provider::parse(&fetch::body(request, fetch::MAX_BYTES).await?, &self.issuer)?;
        let mut newest = self.newest.write();
        if let Some(known) = newest.as_ref().filter(|known| ***known == provider) {
            return Ok(known.clone());
        }
        tracing::info!(issuer = self.issuer, "the endpoints of the identity provider are known");
        Ok(newest.insert(Arc::new(provider)).clone())
    }

    /// Fetches until stopped.
    ///
    /// # Errors
    /// None: a failure leaves the document as it is.
    pub(super) async fn run(self: Arc<Self>, stop: Shutdown) -> anyhow::Result<()> {
        loop {
            let Some(outcome) = stop.or(self.fetch()).await else { return Ok(()) };
            let reason = outcome.as_ref().map_or_else(NotFetched::reason, |_| "discovery_ok");
            self.metrics.token_key_fetches.get_or_create(&Reason { reason }).inc();
            if let Err(error) = &outcome {
                warn(error);
            }
            let pause = if outcome.is_ok() { INTERVAL } else { RETRY };
            if stop.or(self.clock.sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Says why the document was not fetched.
pub(super) fn warn(error: &NotFetched) {
    let reason = error.reason();
    let error = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let error = error.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    tracing::warn!(
        reason,
        error,
        "the endpoints of the identity provider cannot be fetched (--auth-issuer): those that are known stay"
    );
}

/// Where the document of an issuer is.
///
/// # Errors
/// The issuer is no URL that may be fetched.
pub(super) fn url_of(issuer: &str) -> anyhow::Result<Url> {
    let text = format!("{}{PATH}", issuer.trim_end_matches('/'));
    fetch::parse("--auth-issuer", &text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example.org/realms/club";

    #[test]
    fn the_document_is_below_the_issuer() {
        for issuer in [ISSUER.to_owned(), format!("{ISSUER}/")] {
            let expected = "https://id.example.org/realms/club/.well-known/openid-configuration";
            assert_eq!(url_of(&issuer).unwrap().as_str(), expected);
        }
        assert!(url_of("http://id.example.org").unwrap_err().to_string().contains("--auth-issuer"));
        assert!(url_of("club").is_err());
    }

    #[test]
    fn only_the_document_of_the_issuer_is_used() {
        let good = json!({
            "issuer": ISSUER, "jwks_uri": "https://id.example.org/jwks", "token_endpoint": "https://id.example.org/token",
            "authorization_endpoint": "https://id.example.org/auth", "scopes_supported": ["openid"], "more": {},
        });
        let parse = |changes: serde_json::Value| {
            let mut document = good.clone();
            document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            Provider::parse(document.to_string().as_bytes(), ISSUER)
        };
        let provider = parse(json!({})).unwrap();
        assert_eq!(provider.token.unwrap().as_str(), "https://id.example.org/token");
        assert_eq!((provider.end_session, provider.scopes.unwrap()), (None, vec!["openid".to_owned()]));
        for (changes, reason) in [
            (json!({ "issuer": "https://evil.example" }), "discovery_other_issuer"),
            (json!({ "issuer": format!("{ISSUER}/") }), "discovery_other_issuer"),
            (json!({ "jwks_uri": null }), "discovery_endpoint"),
            (json!({ "jwks_uri": "http://id.example.org/jwks" }), "discovery_endpoint"),
            (json!({ "token_endpoint": "javascript:alert(1)" }), "discovery_endpoint"),
            (json!({ "scopes_supported": "openid" }), "discovery_not_json"),
        ] {
            assert_eq!(parse(changes.clone()).unwrap_err().reason(), reason, "{changes}");
        }
        assert_eq!(Provider::parse(b"<html>", ISSUER).unwrap_err().reason(), "discovery_not_json");
    }
}
