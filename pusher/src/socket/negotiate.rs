//! Negotiates a WebSocket handshake: key, subprotocol, compression. Pure.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use fanout::wire::{Encoding, Wire};
use schemas::wire::{SUBPROTOCOL_BEARER_PREFIX, SUBPROTOCOL_JSON, SUBPROTOCOL_PROTO};

/// Fixed by RFC 6455, section 1.3.
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The supported subprotocols; the client's order of preference decides.
const SUBPROTOCOLS: [(&str, Encoding); 2] = [(SUBPROTOCOL_PROTO, Encoding::Proto), (SUBPROTOCOL_JSON, Encoding::Json)];
/// The response to an accepted offer of compression: RFC 7692.
pub(super) const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The outcome of a negotiation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Agreement {
    /// Value of `Sec-WebSocket-Accept`.
    pub(super) accept: String,
    pub(super) wire: Wire,
    /// Value of `Sec-WebSocket-Protocol`; `None` where the client offered none.
    pub(super) subprotocol: Option<&'static str>,
}

/// Why a handshake is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("this is a WebSocket endpoint: send the headers Upgrade: websocket and Connection: Upgrade")]
    NoUpgrade,
    #[error("invalid Sec-WebSocket-Version: expected 13")]
    Version,
    #[error("invalid Sec-WebSocket-Key: expected 16 bytes in base64")]
    Key,
    #[error("unknown subprotocol: expected updraft.v1.proto or updraft.v1.json")]
    Subprotocol,
}

pub(super) fn negotiate(headers: &HeaderMap, may_deflate: bool) -> Result<Agreement, HandshakeError> {
    let has = |name, token: &str| tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token));
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(HandshakeError::NoUpgrade);
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(HandshakeError::Version);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default().trim();
    if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
        return Err(HandshakeError::Key);
    }
    let offered: Vec<&str> = tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).collect();
    let known = |offer: &&str| SUBPROTOCOLS.iter().find(|(name, _)| name == offer);
    // Credentials are offered as a subprotocol, and are none.
    let chosen = offered.iter().filter(|offer| !offer.starts_with(SUBPROTOCOL_BEARER_PREFIX)).find_map(known);
    if chosen.is_none() && !offered.is_empty() {
        return Err(HandshakeError::Subprotocol);
    }
    let deflate = may_deflate && tokens(headers, header::SEC_WEBSOCKET_EXTENSIONS).any(is_acceptable_deflate);
    Ok(Agreement {
        accept: STANDARD.encode(Sha1::digest(format!("{key}{KEY_SUFFIX}"))),
        wire: Wire { encoding: chosen.map(|(_, encoding)| *encoding).unwrap_or_default(), deflate },
        subprotocol: chosen.map(|(name, _)| *name),
    })
}

/// The elements of a list header, over all of its lines.
fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Whether an offer is acceptable as it is. A smaller window for the server is not: all clients share the compressed
/// frames.
fn is_acceptable_deflate(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    parts.next() == Some("permessage-deflate")
        && parts.all(|parameter| match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("server_no_context_takeover" | "client_no_context_takeover", "") => true,
            ("client_max_window_bits", bits) => bits.is_empty() || is_window(bits, 8),
            ("server_max_window_bits", bits) => is_window(bits, 15),
            _ => false,
        })
}

fn is_window(bits: &str, least: u8) -> bool {
    bits.trim_matches('"').parse().is_ok_and(|bits: u8| (least..=15).contains(&bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(extra: &[(&'static str, &'static str)]) -> HeaderMap {
        let plain = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in plain.iter().chain(extra) {
            if value.is_empty() {
                headers.remove(*name);
            } else {
                headers.insert(*name, value.parse().unwrap());
            }
        }
        headers
    }

    #[test]
    fn the_handshake_of_the_rfc_is_accepted() {
        let agreement = negotiate(&request(&[]), true).unwrap();
        assert_eq!(agreement.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455, section 1.3");
        assert_eq!((agreement.wire, agreement.subprotocol), (Wire::default(), None));
    }

    #[test]
    fn the_first_known_subprotocol_is_chosen() {
        let chosen = |offer| negotiate(&request(&[("sec-websocket-protocol", offer)]), true).map(|a| a.subprotocol);
        assert_eq!(chosen("chat, updraft.v1.json, updraft.v1.proto"), Ok(Some("updraft.v1.json")));
        assert_eq!(chosen("chat"), Err(HandshakeError::Subprotocol));
        assert_eq!(chosen("updraft.bearer.a.b.c, updraft.v1.json"), Ok(Some("updraft.v1.json")));
        assert_eq!(
            chosen("updraft.bearer.a.b.c"),
            Err(HandshakeError::Subprotocol),
            "credentials alone are no subprotocol"
        );
    }

    #[test]
    fn an_invalid_handshake_names_its_error() {
        let error = |name, value| negotiate(&request(&[(name, value)]), true).unwrap_err();
        assert_eq!(error("upgrade", ""), HandshakeError::NoUpgrade);
        assert_eq!(error("sec-websocket-version", "8"), HandshakeError::Version);
        assert_eq!(error("sec-websocket-key", "c2hvcnQ="), HandshakeError::Key);
    }

    #[test]
    fn compression_needs_frames_that_all_can_share() {
        let deflate =
            |offer, may| negotiate(&request(&[("sec-websocket-extensions", offer)]), may).unwrap().wire.deflate;
        assert!(deflate("permessage-deflate", true));
        assert!(deflate("permessage-deflate; client_max_window_bits", true), "as browsers offer it");
        assert!(deflate("x-odd, permessage-deflate; server_max_window_bits=10, permessage-deflate", true));
        assert!(!deflate("permessage-deflate; server_max_window_bits=10", true));
        assert!(!deflate("permessage-deflate; unknown", true));
        assert!(!deflate("permessage-deflate", false));
    }
}
