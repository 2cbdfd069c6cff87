//! Settings of access control: whose credentials are accepted, and how much a client may ask for.

use std::path::{Path, PathBuf};

use access::Algorithm;
use access::LimitSettings;
use access::token::TokenSettings;
use axum::http::HeaderValue;
use clap::Args;
use url::Url;

use crate::networks::Network;

const DEFAULT_AUDIENCE: &str = "updraft";

/// Access tokens, API keys, limits of clients.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessOptions {
    /// Public keys of the identity provider: a URL (JSON Web Key Set, https) or a file (PEM or key set, read again when it
    /// changes). Without it they are where the provider says (OpenID Connect Discovery at --auth-issuer).
    #[arg(long, env = "UPDRAFT_PUSHER_AUTH_JWKS", value_name = "URL|FILE", global = true)]
    pub auth_jwks: Option<String>,
    /// Identity provider whose access tokens are accepted: their claim `iss`, exactly. Without it no token is accepted.
    #[arg(long, env = "UPDRAFT_PUSHER_AUTH_ISSUER", value_name = "ISSUER", global = true)]
    pub auth_issuer: Option<String>,
    /// Audience of every access token: its claim `aud`, or one of it. A name that no other program of the identity
    /// provider has.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_AUTH_AUDIENCE",
        value_name = "AUDIENCE",
        default_value = DEFAULT_AUDIENCE,
        global = true
    )]
    pub auth_audience: String,
    /// Client id of the map page at the identity provider: a public client, without a secret. With it people can sign in
    /// on the map.
    #[arg(long, env = "UPDRAFT_PUSHER_AUTH_CLIENT_ID", value_name = "CLIENT", global = true)]
    pub auth_client_id: Option<String>,
    /// Scopes that the map page asks for when one signs in, separated by spaces. offline_access gives a refresh token,
    /// with which the page renews the sign-in; a standard scope that the provider does not list is left out.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_AUTH_SCOPES",
        value_name = "SCOPES",
        default_value = "openid profile offline_access",
        value_parser = parse_scopes,
        global = true
    )]
    pub auth_scopes: String,
    /// Algorithms of access tokens, separated by commas: those that the identity provider uses, and no others.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_AUTH_ALGORITHMS",
        value_name = "ALGORITHMS",
        value_delimiter = ',',
        default_value = "RS256,ES256,EdDSA",
        value_parser = parse_algorithm,
        global = true
    )]
    pub auth_algorithms: Vec<Algorithm>,
    /// User endpoint of the identity provider, for opaque access tokens: it is asked with the token (Authorization: Bearer),
    /// and answers with the user as JSON. https, or http to this machine. Tokens with the form of a JWT do not go there where
    /// --auth-issuer is set.
    #[arg(long, env = "UPDRAFT_PUSHER_AUTH_USERINFO", value_name = "URL", global = true)]
    pub auth_userinfo: Option<String>,
    /// TOML file with the hashes of API keys: see docs/access.md; `pusher keys new` makes them. Read again when it changes.
    #[arg(long, env = "UPDRAFT_PUSHER_API_KEYS", value_name = "FILE", global = true)]
    pub api_keys: Option<PathBuf>,
    /// PEM file with the private keys that sign the tokens of sessions, Ed25519 or P-256: the first one signs, all of them are
    /// accepted. All instances have the same file. Read again when it changes. Without it each process makes a key of its own,
    /// for development.
    #[arg(long, env = "UPDRAFT_PUSHER_SESSION_KEYS", value_name = "FILE", global = true)]
    pub session_keys: Option<PathBuf>,
    /// Origins whose pages may use the API, separated by commas; *: all. WebSockets are not covered: browsers do not ask.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_CORS_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        default_value = "*",
        value_parser = parse_origin,
        global = true
    )]
    pub cors_origins: Vec<HeaderValue>,
    /// Networks of the proxies in front, separated by commas: a request from there is counted for the address that
    /// X-Forwarded-For names. From anywhere else that header is ignored.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = Network::parse,
        global = true
    )]
    pub trusted_proxies: Vec<Network>,
    /// Requests to the API per second, of one address and of one credential; 0: any number. More are answered with 429.
    #[arg(long, env = "UPDRAFT_PUSHER_REQUEST_RATE", value_name = "PER_SECOND", default_value_t = 100, global = true)]
    pub request_rate: u32,
    /// Requests to the API at once, of one address and of one credential.
    #[arg(long, env = "UPDRAFT_PUSHER_REQUEST_BURST", value_name = "COUNT", default_value_t = 200, global = true)]
    pub request_burst: u32,
    /// New WebSockets of one address per minute; 0: any number. More are answered with 429.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAX_CONNECTS_PER_MINUTE",
        value_name = "COUNT",
        default_value_t = 240,
        global = true
    )]
    pub max_connects_per_minute: u32,
    /// Limit private and loopback addresses like all others. Without it they have no limits: they are often proxies
    /// that --trusted-proxies does not name, and stand for all their clients.
    #[arg(long, env = "UPDRAFT_PUSHER_LIMIT_PRIVATE", global = true)]
    pub limit_private: bool,
}

/// Where the keys of access tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys<'a> {
    /// At a URL or in a file.
    At(&'a str),
    /// Where the identity provider says.
    Discovered,
}

/// How one signs in on the map page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInSettings {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) audience: String,
    pub(crate) scopes: String,
}

impl Default for AccessOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl AccessOptions {
    /// Which tokens are accepted, and where the keys to verify them are; `None`: none are.
    ///
    /// # Errors
    /// Settings are given that need the issuer.
    pub(crate) fn tokens(&self) -> Result<Option<(TokenSettings, Keys<'_>)>, String> {
        let keys = given(self.auth_jwks.as_ref()).map_or(Keys::Discovered, Keys::At);
        match given(self.auth_issuer.as_ref()) {
            Some(issuer) => {
                let (issuer, algorithms) = (issuer.to_owned(), self.auth_algorithms.clone());
                Ok(Some((TokenSettings { issuer, audience: self.audience(), algorithms }, keys)))
            }
            None if keys == Keys::Discovered && self.sign_in().is_none() => Ok(None),
            None => Err("--auth-jwks and --auth-client-id need --auth-issuer: set it too, or none of them".to_owned()),
        }
    }

    /// The user endpoint for opaque tokens.
    pub(crate) fn user_endpoint(&self) -> Option<&str> {
        given(self.auth_userinfo.as_ref())
    }

    /// The file of keys that sign the tokens of sessions.
    pub(crate) fn session_keys(&self) -> Option<&Path> {
        // Compose and similar tools set an unset variable to an empty text.
        self.session_keys.as_deref().filter(|file| !file.as_os_str().is_empty())
    }

    /// How one signs in on the map; `None`: not at all.
    pub(crate) fn sign_in(&self) -> Option<SignInSettings> {
        let client_id = given(self.auth_client_id.as_ref())?.to_owned();
        let issuer = given(self.auth_issuer.as_ref()).unwrap_or_default().to_owned();
        let audience = self.audience();
        Some(SignInSettings { issuer, client_id, audience, scopes: self.auth_scopes.clone() })
    }

    fn audience(&self) -> String {
        given(Some(&self.auth_audience)).unwrap_or(DEFAULT_AUDIENCE).to_owned()
    }

    pub(crate) fn limit_settings(&self) -> LimitSettings {
        LimitSettings {
            requests_per_second: self.request_rate,
            request_burst: self.request_burst,
            connects_per_minute: self.max_connects_per_minute,
        }
    }
}

/// Compose and similar tools set an unset variable to an empty text.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Scopes as RFC 6749 (section 3.3) writes them.
fn parse_scopes(text: &str) -> Result<String, String> {
    let is_scope = |scope: &str| scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
    let scopes: Vec<&str> = text.split_whitespace().collect();
    if scopes.iter().all(|scope| is_scope(scope)) && scopes.contains(&"openid") {
        return Ok(scopes.join(" "));
    }
    Err("expected scopes with spaces between them, openid among them, for example \"openid profile\"".to_owned())
}

fn parse_algorithm(text: &str) -> Result<Algorithm, String> {
    let known = Algorithm::ALL.map(Algorithm::as_str).join(", ");
    Algorithm::named(text).ok_or_else(|| format!("expected one of {known}"))
}

fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    let refuse = || "expected an origin, for example https://map.example.org, or * for all".to_owned();
    if text == "*" {
        return Ok(HeaderValue::from_static("*"));
    }
    let url = Url::parse(text).map_err(|_| refuse())?;
    let is_origin = matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text;
    if is_origin { HeaderValue::from_str(text).map_err(|_| refuse()) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_no_path() {
        for good in ["*", "https://map.example.org", "http://localhost:5173"] {
            assert_eq!(parse_origin(good).unwrap(), good);
        }
        for bad in ["", "map.example.org", "https://map.example.org/", "https://*.example.org/a", "ftp://a", "null"] {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn algorithms_are_asymmetric_ones() {
        assert_eq!(parse_algorithm("ES256"), Ok(Algorithm::Es256));
        for bad in ["none", "HS256", "es256", "RS512", ""] {
            assert!(parse_algorithm(bad).unwrap_err().contains("RS256"), "{bad}");
        }
        assert_eq!(AccessOptions::default().auth_algorithms, Algorithm::ALL);
    }

    #[test]
    fn the_issuer_alone_is_enough() {
        let some = || Some("https://id.example.org".to_owned());
        let options = AccessOptions { auth_issuer: some(), ..AccessOptions::default() };
        let (settings, keys) = options.tokens().unwrap().unwrap();
        assert_eq!((settings.audience.as_str(), keys), ("updraft", Keys::Discovered));
        let options = AccessOptions { auth_jwks: some(), ..options };
        assert_eq!(options.tokens().unwrap().unwrap().1, Keys::At("https://id.example.org"));
        assert_eq!(options.sign_in(), None);
        for alone in [
            AccessOptions { auth_jwks: some(), ..AccessOptions::default() },
            AccessOptions { auth_client_id: some(), ..AccessOptions::default() },
        ] {
            assert!(alone.tokens().unwrap_err().contains("--auth-issuer"));
        }
        let empty = Some(String::new());
        let options = AccessOptions { auth_jwks: empty.clone(), auth_issuer: empty, ..AccessOptions::default() };
        assert_eq!(options.tokens(), Ok(None));
    }

    #[test]
    fn scopes_are_those_of_oauth() {
        assert_eq!(parse_scopes(" openid  profile "), Ok("openid profile".to_owned()));
        for bad in ["", "profile", "openid \"", "openid\u{e9}"] {
            assert!(parse_scopes(bad).is_err(), "{bad}");
        }
    }
}
