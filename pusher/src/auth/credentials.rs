//! Where a request shows its credentials. They are in no log line: nothing here is `Debug`.

use axum::http::{HeaderMap, header};
use schemas::wire::SUBPROTOCOL_BEARER_PREFIX;
use url::form_urlencoded;

/// The parameter of a WebSocket's URL: for clients that can set no header.
const PARAMETER: &str = "token";

/// What a request shows.
pub(crate) enum Presented {
    Nothing,
    Once(String),
    /// In more than one place: which of them is meant?
    Twice,
}

/// The credentials of a REST request: `Authorization: Bearer`. Other schemes are for a proxy in front.
pub(crate) fn of_request(headers: &HeaderMap) -> Option<&str> {
    let (scheme, presented) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| presented.trim())
}

/// The credentials of a handshake: those of a REST request, or, since browsers can set no header there, `?token=` or the
/// subprotocol `updraft.bearer.<token>` beside the real one.
pub(crate) fn of_websocket(headers: &HeaderMap, query: Option<&str>) -> Presented {
    let subprotocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let subprotocols = subprotocols.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let in_subprotocol = subprotocols.filter_map(|name| name.trim().strip_prefix(SUBPROTOCOL_BEARER_PREFIX));
    let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let in_url = parameters.filter(|(name, value)| name == PARAMETER && !value.is_empty());
    let in_header = of_request(headers).into_iter().chain(in_subprotocol).map(str::to_owned);
    let mut all = in_header.chain(in_url.map(|(_, value)| value.into_owned()));
    match (all.next(), all.next()) {
        (None, _) => Presented::Nothing,
        (Some(only), None) => Presented::Once(only),
        (Some(_), Some(_)) => Presented::Twice,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn found(lines: &[(&'static str, &'static str)], query: &str) -> Result<Option<String>, ()> {
        match of_websocket(&headers(lines), Some(query)) {
            Presented::Nothing => Ok(None),
            Presented::Once(presented) => Ok(Some(presented)),
            Presented::Twice => Err(()),
        }
    }

    #[test]
    fn credentials_are_found_in_each_place() {
        let expected = Ok(Some("a.b-c_d".to_owned()));
        assert_eq!(found(&[("authorization", "Bearer a.b-c_d")], ""), expected);
        assert_eq!(found(&[("authorization", "bearer  a.b-c_d ")], ""), expected);
        assert_eq!(found(&[("sec-websocket-protocol", "updraft.v1.json, updraft.bearer.a.b-c_d")], ""), expected);
        assert_eq!(found(&[], "lat=1&token=a.b-c_d"), expected);
        assert_eq!(found(&[("sec-websocket-protocol", "updraft.v1.json")], "lat=1&token="), Ok(None));
        assert_eq!(found(&[("authorization", "Basic YTpi")], ""), Ok(None), "of a proxy");
        assert_eq!(found(&[("authorization", "Bearer a")], "token=a"), Err(()), "in two places");
        assert_eq!(found(&[], "token=a&token=b"), Err(()));
    }
}
