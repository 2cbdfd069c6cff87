//! The request for a message: signed for a webhook, encrypted for a browser.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use notify::signature::{ID, SIGNATURE, ServerKeys, TIMESTAMP};
use notify::web_push::{Browser, encrypt, new_key};
use rand::TryRng as _;
use url::Url;

use super::targets::{Address, Target};

/// How long a push service keeps a message for a browser that is away, seconds: a call for help of this morning is of no
/// use any more.
const KEPT_FOR_S: &str = "14400";

/// Headers and body. `contact`: of the operator. `None`: the target cannot be used.
pub(super) fn request(
    target: &Target,
    keys: &ServerKeys,
    contact: Option<&str>,
    message_id: &str,
    body: Bytes,
    now_s: u64,
) -> Option<(Url, HeaderMap, Bytes)> {
    let url = Url::parse(target.url()).ok()?;
    match &target.address {
        Address::Webhook { .. } => {
            let signature = keys.sign(target.id(), message_id, now_s, &body);
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            for (name, value) in
                [(ID, message_id), (TIMESTAMP, now_s.to_string().as_str()), (SIGNATURE, signature.as_str())]
            {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
            }
            Some((url, headers, body))
        }
        Address::Browser { p256dh, auth, .. } => {
            let (mut salt, key) = ([0; 16], new_key().ok()?);
            rand::rngs::SysRng.try_fill_bytes(&mut salt).ok()?;
            let body = encrypt(Browser { p256dh, auth }, &body, salt, &key).ok()?;
            let origin = url.origin().ascii_serialization();
            let authorization = keys.vapid()?.authorization(&origin, contact?, now_s).ok()?;
            // A push service keeps one message of a topic: attempts at the same one are one.
            let topic = URL_SAFE_NO_PAD.encode(&digest(&SHA256, message_id.as_bytes()).as_ref()[..24]);
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&authorization).ok()?);
            headers.insert(HeaderName::from_static("ttl"), HeaderValue::from_static(KEPT_FOR_S));
            headers.insert(HeaderName::from_static("urgency"), HeaderValue::from_static("high"));
            headers.insert(HeaderName::from_static("topic"), HeaderValue::from_str(&topic).ok()?);
            Some((url, headers, body.into()))
        }
    }
}
