//! What the map page receives about signing in.

use serde::Serialize;

/// Whether one can sign in on the map page now, and how.
#[cfg_attr(not(feature = "jwks"), allow(dead_code, reason = "there is no client for URLs"))]
pub(crate) enum SignIn {
    /// The installation has not set it up.
    Off,
    /// The identity provider has not said yet how.
    Unavailable,
    /// The identity provider has no endpoints that the page can use.
    Unsupported,
    Ready(Box<Offer>),
}

/// What the page has to know.
#[cfg_attr(not(feature = "jwks"), allow(dead_code, reason = "there is no client for URLs"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Offer {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) audience: String,
    pub(super) scope: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_session_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revocation_endpoint: Option<String>,
}
