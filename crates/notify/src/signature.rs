//! Secrets of webhooks, and the signatures of requests, by the Standard Webhooks specification (version 1).
//!
//! A secret is made of a key of the server and the id of the webhook: nothing that is stored can forge a signature. With
//! several keys a request has a signature by each, so that keys can be replaced.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::web_push::VapidKey;

/// Header with the id of a message: the same for each attempt.
pub const ID: &str = "webhook-id";
/// Header with the time of an attempt, seconds since the epoch.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures, with spaces between them.
pub const SIGNATURE: &str = "webhook-signature";

/// Before a secret, so that it is found where it should not be.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a server's key.
const KEY_BYTES: usize = 32;
/// Keys of a server.
const MAX_KEYS: usize = 8;

/// The keys of a server. The first one makes the secrets of new webhooks; all of them sign. The last one is that of Web Push.
#[derive(Clone)]
pub struct ServerKeys(Vec<Key>);

/// Why keys are not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ServerKeysError {
    /// There is none.
    #[error("there is no key: expected one in each line, 64 hex digits, for example of `openssl rand -hex 32`")]
    None,
    /// One cannot be used.
    #[error("line {line}: expected 64 hex digits, for example of `openssl rand -hex 32`")]
    Invalid {
        /// From 1.
        line: usize,
    },
    /// There are too many.
    #[error("there are {0} keys: expected at most {MAX_KEYS}; remove the last ones")]
    TooMany(usize),
}

impl ServerKeys {
    /// Reads a file of keys: one in each line, in hex; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// As [`ServerKeysError`].
    pub fn parse(text: &str) -> Result<Self, ServerKeysError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(line, text)| match hex::decode(text) {
            Ok(bytes) if bytes.len() == KEY_BYTES => Ok(Key::new(HMAC_SHA256, &bytes)),
            _ => Err(ServerKeysError::Invalid { line }),
        };
        let keys: Vec<_> = lines.map(read).collect::<Result<_, _>>()?;
        match keys.len() {
            0 => Err(ServerKeysError::None),
            count if count > MAX_KEYS => Err(ServerKeysError::TooMany(count)),
            _ => Ok(Self(keys)),
        }
    }

    /// The key of Web Push, made of the last key: browsers subscribe to it, so that it outlives the first ones. `None`: of 2^32
    /// keys one has none.
    pub fn vapid(&self) -> Option<VapidKey> {
        let secret = sign(self.0.last()?, b"updraft web push key");
        VapidKey::of_secret(secret.as_ref().try_into().ok()?).ok()
    }

    /// The secret of a webhook, as its user is given it.
    pub fn secret(&self, webhook_id: &str) -> String {
        let encoded = self.0.first().map(|key| STANDARD.encode(secret(key, webhook_id)));
        format!("{SECRET_PREFIX}{}", encoded.unwrap_or_default())
    }

    /// The value of [`SIGNATURE`] for one attempt.
    pub fn sign(&self, webhook_id: &str, message_id: &str, at_s: u64, body: &[u8]) -> String {
        let content = [format!("{message_id}.{at_s}.").as_bytes(), body].concat();
        let signature = |key: &Key| {
            let secret = Key::new(HMAC_SHA256, secret(key, webhook_id).as_ref());
            format!("v1,{}", STANDARD.encode(sign(&secret, &content)))
        };
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

impl std::fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerKeys({})", self.0.len())
    }
}

/// Different from all that the key may be used for elsewhere.
fn secret(key: &Key, webhook_id: &str) -> aws_lc_rs::hmac::Tag {
    sign(key, format!("updraft webhook secret {webhook_id}").as_bytes())
}

/// Verifies a signature as the program behind a URL does.
pub fn verify(secret: &str, message_id: &str, at_s: u64, body: &[u8], signatures: &str) -> bool {
    let Some(secret) = secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok()) else {
        return false;
    };
    let content = [format!("{message_id}.{at_s}.").as_bytes(), body].concat();
    let key = Key::new(HMAC_SHA256, &secret);
    let signatures = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    signatures.into_iter().any(|one| aws_lc_rs::hmac::verify(&key, &content, &one).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    #[test]
    fn the_vector_of_the_specification_verifies() {
        // Of the libraries at github.com/standard-webhooks/standard-webhooks.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let body = br#"{"test": 2432232314}"#;
        assert!(verify(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body, signature));
        assert!(!verify(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_331, body, signature));
    }

    #[test]
    fn each_webhook_has_a_secret_of_its_own() {
        let keys = ServerKeys::parse(&line('a')).expect("a key");
        let (one, other) = (keys.secret("1"), keys.secret("2"));
        assert_ne!(one, other);
        let signed = keys.sign("1", "m", 7, b"{}");
        assert!(verify(&one, "m", 7, b"{}", &signed) && !verify(&other, "m", 7, b"{}", &signed));
        for (id, at_s, body) in [("n", 7, b"{}"), ("m", 8, b"{}"), ("m", 7, b"[]")] {
            assert!(!verify(&one, id, at_s, body, &signed));
        }
    }

    #[test]
    fn a_replaced_key_still_signs() {
        let old = ServerKeys::parse(&line('a')).expect("a key");
        let both = ServerKeys::parse(&format!("# new\n{}\n\n{}\n", line('b'), line('a'))).expect("keys");
        let signed = both.sign("1", "m", 7, b"{}");
        assert!(verify(&old.secret("1"), "m", 7, b"{}", &signed) && verify(&both.secret("1"), "m", 7, b"{}", &signed));
        assert_ne!(old.secret("1"), both.secret("1"));
    }

    #[test]
    fn a_file_without_usable_keys_is_refused() {
        assert_eq!(ServerKeys::parse("# none\n").unwrap_err(), ServerKeysError::None);
        assert_eq!(ServerKeys::parse("\nabc").unwrap_err(), ServerKeysError::Invalid { line: 2 });
        assert_eq!(ServerKeys::parse(&(line('a') + "\n").repeat(9)).unwrap_err(), ServerKeysError::TooMany(9));
    }
}
