//! How one signs in on the map page: at the identity provider, whose endpoints the page is given.

use std::sync::Arc;

use runtime::Clock;
use url::Url;

#[cfg(feature = "services")]
use super::discovery;
use super::discovery::{Discovery, Provider};
use super::offer::{Offer, SignIn};
use crate::config::SignInSettings;
use crate::metrics::PusherMetrics;

/// Scopes that the standard knows: a provider that does not list one may refuse it. Those of an API are often not listed.
const STANDARD: [&str; 5] = ["profile", "email", "address", "phone", "offline_access"];

/// Signing in is set up.
pub(super) struct SignInPoint {
    settings: SignInSettings,
    discovery: Arc<Discovery>,
    /// Nothing else fetches the document.
    is_alone: bool,
}

impl SignInPoint {
    /// `shared`: the document that is fetched for the keys of tokens.
    ///
    /// # Errors
    /// The issuer is no URL that may be fetched.
    pub(super) fn open(
        settings: SignInSettings,
        shared: Option<Arc<Discovery>>,
        clock: &Clock,
        metrics: &PusherMetrics,
    ) -> anyhow::Result<Self> {
        let is_alone = shared.is_none();
        let discovery = match shared {
            Some(discovery) => discovery,
            None => Discovery::open(&settings.issuer, clock, metrics)?,
        };
        Ok(Self { settings, discovery, is_alone })
    }

    pub(super) fn value(&self) -> SignIn {
        match self.discovery.value() {
            None => SignIn::Unavailable,
            Some(provider) => {
                offer(&self.settings, &provider).map_or(SignIn::Unsupported, |offer| SignIn::Ready(Box::new(offer)))
            }
        }
    }

    /// The document, where nothing else keeps it new.
    pub(super) fn own_document(&self) -> Option<Arc<Discovery>> {
        self.is_alone.then(|| self.discovery.clone())
    }
}

/// Whether the issuer can be asked.
///
/// # Errors
/// It is no URL that may be fetched.
#[cfg(feature = "services")]
pub(crate) fn check(issuer: &str) -> anyhow::Result<()> {
    discovery::url_of(issuer).map(drop)
}

/// `None`: one of the endpoints is missing, or of an origin that the policy of the page does not allow.
fn offer(settings: &SignInSettings, provider: &Provider) -> Option<Offer> {
    let issuer = Url::parse(&settings.issuer).ok()?;
    let text = |url: Option<&Url>| url.map(ToString::to_string);
    let of_issuer = |url: &&Url| url.origin() == issuer.origin();
    let is_offered = |scope: &str| {
        !STANDARD.contains(&scope)
            || provider.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|offered| offered == scope))
    };
    let scopes: Vec<&str> = settings.scopes.split(' ').filter(|scope| is_offered(scope)).collect();
    Some(Offer {
        issuer: settings.issuer.clone(),
        client_id: settings.client_id.clone(),
        audience: settings.audience.clone(),
        scope: scopes.join(" "),
        authorization_endpoint: text(provider.authorization.as_ref())?,
        token_endpoint: text(provider.token.as_ref().filter(of_issuer))?,
        end_session_endpoint: text(provider.end_session.as_ref()),
        revocation_endpoint: text(provider.revocation.as_ref().filter(of_issuer)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        format!("https://id.example.org{path}").parse().unwrap()
    }

    fn settings() -> SignInSettings {
        SignInSettings {
            issuer: "https://id.example.org/realms/club".to_owned(),
            client_id: "map".to_owned(),
            audience: "updraft".to_owned(),
            scopes: "openid profile offline_access position:write".to_owned(),
        }
    }

    fn provider() -> Provider {
        Provider {
            jwks: url("/jwks"),
            authorization: Some(url("/auth")),
            token: Some(url("/token")),
            end_session: None,
            revocation: Some("https://elsewhere.example/revoke".parse().unwrap()),
            scopes: Some(vec!["openid".to_owned(), "profile".to_owned()]),
        }
    }

    #[test]
    fn the_page_gets_what_it_may_use() {
        let offer = offer(&settings(), &provider()).unwrap();
        assert_eq!(offer.scope, "openid profile position:write", "the provider lists no offline_access");
        assert_eq!((offer.token_endpoint, offer.revocation_endpoint), (url("/token").to_string(), None));
    }

    #[test]
    fn tokens_come_from_the_origin_of_the_issuer() {
        let elsewhere: Url = "https://oauth.example.org/token".parse().unwrap();
        for provider in [
            Provider { token: Some(elsewhere), ..provider() },
            Provider { token: None, ..provider() },
            Provider { authorization: None, ..provider() },
        ] {
            assert_eq!(offer(&settings(), &provider), None);
        }
        let unlisted = Provider { scopes: None, ..provider() };
        assert!(offer(&settings(), &unlisted).unwrap().scope.contains("offline_access"));
    }
}
