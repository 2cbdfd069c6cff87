//! The keys that we sign the tokens of sessions with: private keys in PEM (PKCS #8), Ed25519 or P-256. The first one signs,
//! all of them verify, so that a key is replaced without an end of sessions.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

use crate::algorithm::Algorithm;
use crate::api_keys::hex;
use crate::key_set::KeySet;
use crate::spki::PublicKey;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// More keys than any rotation needs.
const MAX_KEYS: usize = 8;

/// Private keys. They are in no log line: the fields' own `Debug` hides them.
#[derive(Debug)]
pub struct SigningKeys {
    signer: Key,
    public: Arc<KeySet>,
}

#[derive(Debug)]
struct Key {
    /// Made from the public key.
    id: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

/// Why a file has no keys to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeysError {
    /// No block, or one of another kind.
    #[error(
        "not a private key in PEM: expected BEGIN PRIVATE KEY with an Ed25519 or a P-256 key (openssl genpkey -algorithm \
         ed25519 makes one)"
    )]
    Pem,
    /// Too many.
    #[error("{0} keys: expected at most {MAX_KEYS}; remove old ones")]
    TooMany(usize),
}

impl SigningKeys {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// It has no key, or one of another kind.
    pub fn parse(contents: &[u8]) -> Result<Self, SigningKeysError> {
        let mut rest = std::str::from_utf8(contents).map_err(|_| SigningKeysError::Pem)?;
        let mut keys = Vec::new();
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (body, after) = after.split_once(END).ok_or(SigningKeysError::Pem)?;
            let body: String = body.split_ascii_whitespace().collect();
            let der = STANDARD.decode(body).map_err(|_| SigningKeysError::Pem)?;
            keys.push(read(&der).ok_or(SigningKeysError::Pem)?);
            rest = after;
        }
        if keys.len() > MAX_KEYS {
            return Err(SigningKeysError::TooMany(keys.len()));
        }
        Self::of(keys).ok_or(SigningKeysError::Pem)
    }

    /// A key of its own from random bytes that nobody can guess: for one process, and its sessions end with it.
    ///
    /// # Errors
    /// None in practice: any seed is a key.
    pub fn generated(seed: &[u8; 32]) -> Result<Self, SigningKeysError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SigningKeysError::Pem)?;
        Self::of(vec![ed25519(&pair).ok_or(SigningKeysError::Pem)?]).ok_or(SigningKeysError::Pem)
    }

    fn of(keys: Vec<(Key, PublicKey)>) -> Option<Self> {
        let (keys, public): (Vec<Key>, Vec<PublicKey>) = keys.into_iter().unzip();
        let ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
        let public = Arc::new(KeySet::of(ids.into_iter().zip(public)));
        Some(Self { signer: keys.into_iter().next()?, public })
    }

    /// The keys to verify with.
    pub fn public(&self) -> &Arc<KeySet> {
        &self.public
    }

    /// A token of this type with these claims. `None`: the library cannot sign.
    pub(crate) fn sign(&self, kind: &str, claims: &impl Serialize) -> Option<String> {
        let Key { id, algorithm, key } = &self.signer;
        let mut header = Header::new(algorithm.to_jsonwebtoken());
        (header.typ, header.kid) = (Some(kind.to_owned()), Some(id.clone()));
        jsonwebtoken::encode(&header, claims, key).ok()
    }
}

fn read(der: &[u8]) -> Option<(Key, PublicKey)> {
    // Those of OpenSSL have no public part to check it against.
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return ed25519(&pair);
    }
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
    let point = pair.public_key().as_ref().to_vec();
    let key = Key { id: id(&point), algorithm: Algorithm::Es256, key: EncodingKey::from_ec_der(der) };
    Some((key, PublicKey::P256(point)))
}

fn ed25519(pair: &Ed25519KeyPair) -> Option<(Key, PublicKey)> {
    let point = pair.public_key().as_ref().to_vec();
    let der = pair.to_pkcs8().ok()?;
    let key = Key { id: id(&point), algorithm: Algorithm::EdDsa, key: EncodingKey::from_ed_der(der.as_ref()) };
    Some((key, PublicKey::Ed25519(point)))
}

fn id(public: &[u8]) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(public)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    // openssl genpkey -algorithm ed25519; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    const ED25519: &str = include_str!("../tests/fixtures/signing-ed25519.pem");
    const P256: &str = include_str!("../tests/fixtures/signing-p256.pem");

    #[test]
    fn keys_of_openssl_sign_and_all_of_them_verify() {
        for (text, algorithm) in [(ED25519, "EdDSA"), (P256, "ES256")] {
            let keys = SigningKeys::parse(text.as_bytes()).unwrap();
            let token = keys.sign("test", &serde_json::json!({ "sub": "ada" })).unwrap();
            assert_eq!(keys.signer.algorithm.as_str(), algorithm);
            let both = SigningKeys::parse([P256, ED25519].concat().as_bytes()).unwrap();
            assert_eq!(both.public().len(), 2);
            let found: serde_json::Value = crate::token::signed(&token, &Algorithm::ALL, both.public()).unwrap();
            assert_eq!(found["sub"], "ada");
            let other = SigningKeys::generated(&[7; 32]).unwrap();
            let refused = crate::token::signed::<serde_json::Value>(&token, &Algorithm::ALL, other.public());
            assert!(refused.is_err());
            assert!(!format!("{keys:?}").contains(&text.lines().nth(1).unwrap()[20..40]));
        }
    }

    #[test]
    fn other_files_are_refused() {
        let public = include_str!("../tests/fixtures/es256.pem");
        let cut = &ED25519[..60];
        for bad in ["", "nonsense", public, cut, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(SigningKeys::parse(bad.as_bytes()).unwrap_err(), SigningKeysError::Pem, "{bad}");
        }
        assert_eq!(SigningKeys::parse(ED25519.repeat(9).as_bytes()).unwrap_err(), SigningKeysError::TooMany(9));
    }
}
