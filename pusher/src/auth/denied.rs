//! Answers to requests that are refused because of their credentials or limits.

use access::{Limited, Scope};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::rest::Problem;

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It has no credentials, and the route needs some.
    Missing,
    /// Its credentials are invalid, expired or revoked. Only the log and the metric say which, so that an attacker
    /// learns nothing.
    Unknown,
    /// Its credentials lack this scope.
    Scope(Scope),
    /// The server has no provider of tokens and no API keys: no credentials can allow it.
    NoOperator,
    /// It has credentials in more than one place.
    Twice,
    /// The address or caller exceeds a limit.
    Limited(Limited),
    /// The provider's keys, with which tokens are verified, are not loaded yet.
    NoKeys,
    /// The table of access rules has no entry for the route: a mistake of ours.
    NoRule,
}

impl Denied {
    fn problem(self) -> Problem {
        match self {
            Self::Missing => Problem::unauthorized(
                "this needs credentials: Authorization: Bearer, then an access token or an API key (docs/access.md)",
            ),
            Self::Unknown => Problem::unauthorized("these credentials are not accepted here, or not any more"),
            Self::Scope(scope) => {
                Problem::forbidden("insufficient_scope", &format!("these credentials do not have the scope {scope}"))
            }
            Self::NoOperator => Problem::forbidden(
                "no_operator",
                "no operator is known here: --auth-issuer or --api-keys say who is one, and --open-operator is not set",
            ),
            Self::Twice => Problem::bad_request(
                "bad_credentials",
                "credentials are in more than one place: send one of Authorization, token and the subprotocol"
                    .to_owned(),
            ),
            Self::Limited(limited) => {
                let (reason, seconds) = (limited.reason, seconds(limited));
                Problem::too_many_requests(format!("too many requests ({reason}): repeat the request in {seconds} s"))
            }
            Self::NoKeys => Problem::unavailable(
                "keys_unavailable",
                "access tokens cannot be verified now: repeat the request after some seconds".to_owned(),
            ),
            Self::NoRule => {
                Problem::forbidden("no_rule", "the server has no access rule for this route: report it to the operator")
            }
        }
    }

    /// The value of `WWW-Authenticate` by RFC 6750. `None`: the problem has its own header, or needs none.
    fn challenge(self) -> Option<String> {
        match self {
            Self::Unknown => Some("Bearer error=\"invalid_token\"".to_owned()),
            Self::Scope(scope) => Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")),
            _ => None,
        }
    }
}

/// Full seconds until a retry, at least one.
fn seconds(limited: Limited) -> u64 {
    u64::try_from(limited.retry_after.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Self::Limited(limited) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(limited)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn answers_have_the_headers_of_their_standards() {
        let limited = |millis| Limited { reason: "address", retry_after: Duration::from_millis(millis) };
        let cases = [
            (Denied::Missing, 401, Some("Bearer"), None),
            (Denied::Unknown, 401, Some("Bearer error=\"invalid_token\""), None),
            (
                Denied::Scope(Scope::ValidationRead),
                403,
                Some("Bearer error=\"insufficient_scope\", scope=\"validation:read\""),
                None,
            ),
            (Denied::NoOperator, 403, None, None),
            (Denied::Twice, 400, None, None),
            (Denied::Limited(limited(10)), 429, None, Some("1")),
            (Denied::Limited(limited(0)), 429, None, Some("1")),
            (Denied::Limited(limited(2_000)), 429, None, Some("2")),
            (Denied::Limited(limited(59_001)), 429, None, Some("60")),
            (Denied::NoKeys, 503, None, Some("2")),
        ];
        for (denied, status, challenge, retry_after) in cases {
            let response = denied.into_response();
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(response.status(), status, "{denied:?}");
            assert_eq!(header(header::WWW_AUTHENTICATE), challenge, "{denied:?}");
            assert_eq!(header(header::RETRY_AFTER), retry_after, "{denied:?}");
        }
    }
}
