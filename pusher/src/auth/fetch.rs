//! Answers of the identity provider: with a deadline, without redirects, and bounded.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::redirect::Policy;
use url::{Host, Url};

/// Of one request.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// The largest answer.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFetched {
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is not what it should be.
    #[error("{problem}")]
    Unusable { reason: &'static str, problem: String },
}

impl NotFetched {
    /// The label of the metric.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::Unusable { reason, .. } => reason,
        }
    }
}

/// A client that follows no redirect: who can redirect could sign any token.
///
/// # Errors
/// The client's library cannot start.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    let http = reqwest::Client::builder().redirect(Policy::none()).timeout(DEADLINE).connect_timeout(DEADLINE);
    http.build().context("an HTTP client")
}

/// The body of an answer.
///
/// # Errors
/// There is none, or it is larger than any good one.
pub(super) async fn body(request: reqwest::RequestBuilder, max_bytes: usize) -> Result<Vec<u8>, NotFetched> {
    // Without the URL: it is in the settings, and may have a password.
    let unreachable = |error: reqwest::Error| NotFetched::Unreachable(error.without_url());
    let mut answer = request.send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(NotFetched::Status(answer.status().as_u16()));
    }
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        if text.len() + part.len() > max_bytes {
            return Err(NotFetched::TooLarge);
        }
        text.extend_from_slice(&part);
    }
    Ok(text)
}

/// Parses the URL of a setting: https, or http to this machine.
///
/// # Errors
/// The expected form, with the setting.
pub(super) fn parse(setting: &str, text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{setting}: not a URL"))?;
    // Who can change the answer on its way could sign any token.
    ensure!(is_secure(&url), "{setting}: expected https://…, or http:// to this machine (localhost, 127.0.0.1, [::1])");
    Ok(url)
}

/// Whether nobody can read or change what is sent: https, or http to this machine.
pub(super) fn is_secure(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_over_https_or_from_this_machine() {
        for good in
            ["https://id.example.org/jwks", "http://localhost:8080/jwks", "http://127.0.0.1:1/", "http://[::1]/"]
        {
            assert!(parse("--auth-jwks", good).is_ok(), "{good}");
        }
        for bad in ["http://id.example.org/jwks", "ftp://localhost/jwks", "https://", "http://127.0.0.1.example.org/"] {
            assert!(parse("--auth-jwks", bad).unwrap_err().to_string().contains("--auth-jwks"), "{bad}");
        }
    }
}
