//! The public keys that an identity provider signs with: a JSON Web Key Set (RFC 7517), or PEM.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::algorithm::Algorithm;
use crate::refusal::Refusal;
use crate::spki::{PublicKey, read_pem};

/// More keys than any identity provider has at a time.
const MAX_KEYS: usize = 64;
/// Shorter RSA keys can be broken; longer ones cost too much to verify.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const MAX_KEY_ID_BYTES: usize = 256;

/// Public keys.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    /// Keys of a PEM file have none.
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why a file or an answer is not a set of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not the JSON of a key set.
    #[error("not a JSON Web Key Set: expected {{\"keys\": [...]}}: {0}")]
    Json(String),
    /// A block that is not one of our kinds.
    #[error(
        "not a public key in PEM: expected BEGIN PUBLIC KEY with an RSA key of 2048 bits or more, a P-256 or an Ed25519 key \
         (openssl pkey -pubout makes one)"
    )]
    Pem,
    /// A private key.
    #[error("it holds a private key: give the public part alone")]
    Private,
    /// None that can be used.
    #[error("no key in it can be used: expected RSA (2048 bits or more), P-256 or Ed25519 keys for signatures")]
    Empty,
    /// Too many.
    #[error("{0} keys: expected at most {MAX_KEYS}; remove old ones")]
    TooMany(usize),
}

impl KeySetError {
    /// The label of the metric.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "not_json",
            Self::Pem => "not_pem",
            Self::Private => "private_key",
            Self::Empty => "no_usable_key",
            Self::TooMany(_) => "too_many_keys",
        }
    }
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// The members that we use. Identity providers publish keys of other kinds and uses beside: those are passed over.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// The private part.
    d: Option<serde_json::Value>,
}

impl KeySet {
    /// Reads a key set or PEM, whichever it is.
    ///
    /// # Errors
    /// It is neither, or has no key that can be used.
    pub fn parse(contents: &[u8]) -> Result<Self, KeySetError> {
        let text = std::str::from_utf8(contents).map_err(|_| KeySetError::Pem)?;
        let keys = if text.trim_start().starts_with('{') { Self::of_jwks(text)? } else { Self::of_pem(text)? };
        match keys.len() {
            0 => Err(KeySetError::Empty),
            count if count > MAX_KEYS => Err(KeySetError::TooMany(count)),
            _ => Ok(Self(keys)),
        }
    }

    fn of_jwks(text: &str) -> Result<Vec<Key>, KeySetError> {
        let set: Jwks = serde_json::from_str(text).map_err(|error| KeySetError::Json(error.to_string()))?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany(set.keys.len()));
        }
        if set.keys.iter().any(|key| key.d.is_some()) {
            return Err(KeySetError::Private);
        }
        Ok(set.keys.into_iter().filter_map(Jwk::key).collect())
    }

    fn of_pem(text: &str) -> Result<Vec<Key>, KeySetError> {
        if text.contains("PRIVATE KEY-----") {
            return Err(KeySetError::Private);
        }
        let keys = read_pem(text).ok_or(KeySetError::Pem)?;
        let keys: Option<Vec<Key>> = keys.into_iter().map(|key| key_of(None, key)).collect();
        keys.ok_or(KeySetError::Pem)
    }

    /// The key of a signature. A token names its key, unless there is one of the algorithm alone; keys of PEM files have
    /// no names.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, Refusal> {
        if self.0.is_empty() {
            return Err(Refusal::NoKeys);
        }
        let of_algorithm = || self.0.iter().filter(|key| key.algorithm == algorithm);
        let named = id.and_then(|id| of_algorithm().find(|key| key.id.as_deref() == Some(id)));
        if let Some(named) = named {
            return Ok(&named.key);
        }
        let mut candidates = of_algorithm().filter(|key| id.is_none() || key.id.is_none());
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => Ok(&only.key),
            (None, _) => Err(Refusal::UnknownKey),
            (Some(_), Some(_)) => Err(Refusal::NoKeyId),
        }
    }

    /// Of these keys alone.
    pub(crate) fn of(keys: impl Iterator<Item = (String, PublicKey)>) -> Self {
        Self(keys.filter_map(|(id, public)| key_of(Some(id), public)).collect())
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: the keys are not there yet, or were revoked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Jwk {
    /// The key, where it is for signatures of ours.
    fn key(self) -> Option<Key> {
        let is_for_signatures = self.key_use.as_deref().is_none_or(|key_use| key_use == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|one| one == "verify"));
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let public = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => PublicKey::Rsa { n: without_zeros(bytes(&self.n)?), e: without_zeros(bytes(&self.e)?) },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                (x.len() == 32 && y.len() == 32).then(|| PublicKey::P256([&[0x04], &x[..], &y[..]].concat()))?
            }
            ("OKP", Some("Ed25519")) => {
                let x = bytes(&self.x)?;
                (x.len() == 32).then_some(PublicKey::Ed25519(x))?
            }
            _ => return None,
        };
        let key = key_of(self.kid, public)?;
        let is_of_algorithm = self.alg.is_none_or(|alg| alg == key.algorithm.as_str() || is_alias(&alg, key.algorithm));
        (is_for_signatures && is_of_algorithm).then_some(key)
    }
}

/// RFC 9864 names the curve.
fn is_alias(alg: &str, algorithm: Algorithm) -> bool {
    alg == "Ed25519" && algorithm == Algorithm::EdDsa
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// `None`: the key is too weak, too large, or its name too long.
fn key_of(id: Option<String>, public: PublicKey) -> Option<Key> {
    if id.as_ref().is_some_and(|id| id.len() > MAX_KEY_ID_BYTES) {
        return None;
    }
    let (algorithm, key) = match public {
        PublicKey::Rsa { n, e } => {
            let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
            if !RSA_BITS.contains(&bits) {
                return None;
            }
            (Algorithm::Rs256, DecodingKey::from_rsa_raw_components(&n, &e))
        }
        PublicKey::P256(point) => (Algorithm::Es256, DecodingKey::from_ec_der(&point)),
        PublicKey::Ed25519(point) => (Algorithm::EdDsa, DecodingKey::from_ed_der(&point)),
    };
    Some(Key { id, algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWKS: &str = include_str!("../tests/fixtures/jwks.json");

    #[test]
    fn a_key_set_has_the_keys_for_our_signatures() {
        let keys = KeySet::parse(JWKS.as_bytes()).unwrap();
        assert_eq!(keys.len(), 3, "not the one for encryption, nor that of another curve");
        assert!(keys.find(Some("es256"), Algorithm::Es256).is_ok());
        assert!(keys.find(None, Algorithm::Es256).is_ok(), "there is one alone");
        assert_eq!(keys.find(Some("es256"), Algorithm::Rs256).unwrap_err(), Refusal::UnknownKey, "of another kind");
        assert_eq!(keys.find(Some("encryption"), Algorithm::Rs256).unwrap_err(), Refusal::UnknownKey);
    }

    #[test]
    fn keys_of_pem_have_no_names() {
        let one = include_str!("../tests/fixtures/es256.pem");
        let keys = KeySet::parse(one.as_bytes()).unwrap();
        assert!(keys.find(Some("any"), Algorithm::Es256).is_ok() && keys.find(None, Algorithm::Es256).is_ok());
        let two = KeySet::parse([one, one].concat().as_bytes()).unwrap();
        assert_eq!(two.find(Some("any"), Algorithm::Es256).unwrap_err(), Refusal::NoKeyId);
        assert_eq!(KeySet::default().find(None, Algorithm::Es256).unwrap_err(), Refusal::NoKeys);
    }

    #[test]
    fn unusable_sets_are_refused() {
        let parse = |text: &str| KeySet::parse(text.as_bytes()).unwrap_err();
        let oct = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a","alg":"HS256"}]}"#;
        let short = include_str!("../tests/fixtures/short-rsa.pem");
        let private = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}"#;
        let off_by_one = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}"#;
        for (text, reason) in [
            ("{", "not_json"),
            ("{}", "not_json"),
            (r#"{"keys":[]}"#, "no_usable_key"),
            (oct, "no_usable_key"),
            (off_by_one, "no_usable_key"),
            (private, "private_key"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private_key"),
            (short, "not_pem"),
            ("", "no_usable_key"),
            ("secret", "no_usable_key"),
        ] {
            assert_eq!(parse(text).reason(), reason, "{text}");
        }
        let many = format!(r#"{{"keys":[{}]}}"#, [r#"{"kty":"oct"}"#; MAX_KEYS + 1].join(","));
        assert_eq!(parse(&many), KeySetError::TooMany(MAX_KEYS + 1));
    }
}
