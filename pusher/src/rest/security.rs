//! Response headers that restrict what a page may do in a browser.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use url::Url;

use crate::config::{MapOptions, SignInSettings};

/// The policy of the API's documentation: one page with an inline style, and nothing else.
pub(super) const DOCS_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Headers of every response: browsers do not guess the media type, and do not send other hosts the URL, which has the
/// region.
const COMMON: [(HeaderName, &str); 2] =
    [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "same-origin")];

/// The page requests the user's position only at a click, to measure distances.
const PERMISSIONS: &str = "geolocation=(self), camera=(), microphone=(), payment=(), usb=()";

/// The Content-Security-Policy of the map page: it allows only this server, the origins of the operator's style, and,
/// where one can sign in, the origin of the issuer. Any page may frame the map page: in a frame nobody can sign in.
pub(super) fn page_policy(map: &MapOptions, sign_in: Option<&SignInSettings>) -> HeaderValue {
    let style = map.map_style.as_deref().and_then(|style| Url::parse(style).ok());
    let mut origins: Vec<String> = style.iter().map(|style| style.origin().ascii_serialization()).collect();
    origins.extend(map.map_style_origins.iter().cloned());
    let origins: String = origins.iter().map(|origin| format!(" {origin}")).collect();
    let issuer = sign_in.and_then(|settings| Url::parse(&settings.issuer).ok());
    let issuer = issuer.map(|issuer| format!(" {}", issuer.origin().ascii_serialization())).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; \
         img-src 'self' data: blob:{origins}; connect-src 'self'{origins}{issuer}; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::try_from(policy).expect("the origin of a URL is ASCII")
}

/// Mark of the response with a page that no other page may frame: a click on it changes something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unframed;

/// The policy of a page that no other page may frame.
pub(super) fn unframed(policy: &HeaderValue) -> HeaderValue {
    let policy = policy.to_str().expect("it is ASCII");
    HeaderValue::try_from(format!("{policy}; frame-ancestors 'none'")).expect("it is ASCII")
}

/// Which of the two is the policy of a response.
pub(super) fn policy_of(response: &Response, policy: &HeaderValue, unframed: &HeaderValue) -> HeaderValue {
    let is_unframed = response.extensions().get::<Unframed>().is_some();
    if is_unframed { unframed.clone() } else { policy.clone() }
}

/// Adds the policy of a page.
pub(super) fn secure_page(mut response: Response, policy: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// Adds the headers of every response.
pub(super) async fn secure(mut response: Response) -> Response {
    for (name, value) in COMMON {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_style_adds_other_hosts() {
        let default = page_policy(&MapOptions::default(), None);
        assert!(!default.to_str().unwrap().contains("http"), "{default:?}");
        let map = MapOptions {
            map_style: Some("https://maps.example.org/alps/style.json".to_owned()),
            map_style_origins: vec!["https://tiles.example.org".to_owned()],
            ..MapOptions::default()
        };
        let policy = page_policy(&map, None);
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("connect-src 'self' https://maps.example.org https://tiles.example.org;"), "{policy}");
        assert!(policy.contains("script-src 'self';"), "{policy}");
    }

    #[test]
    fn the_page_asks_the_issuer_for_tokens_alone() {
        let settings = SignInSettings {
            issuer: "https://id.example.org:8443/realms/club".to_owned(),
            client_id: "map".to_owned(),
            audience: "updraft".to_owned(),
            scopes: "openid".to_owned(),
        };
        let policy = page_policy(&MapOptions::default(), Some(&settings));
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("connect-src 'self' https://id.example.org:8443;"), "{policy}");
        assert_eq!(policy.matches("example").count(), 1, "{policy}");
    }
}
