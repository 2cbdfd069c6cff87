//! An identity provider for tests: keys of its own, and tokens signed with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::algorithm::Algorithm;

/// A key of an identity provider.
#[derive(Debug)]
pub struct Issuer {
    id: String,
    key: SigningKey,
}

#[derive(Debug)]
enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl Issuer {
    /// A new key of this name.
    ///
    /// # Panics
    /// There is no randomness.
    pub fn new(id: &str, algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::Rs256 => SigningKey::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))),
            Algorithm::Es256 => {
                let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                SigningKey::Ec(Box::new(key))
            }
            Algorithm::EdDsa => SigningKey::Ed(Box::new(Ed25519KeyPair::generate().expect("a key"))),
        };
        Self { id: id.to_owned(), key }
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> Algorithm {
        match self.key {
            SigningKey::Rsa(_) => Algorithm::Rs256,
            SigningKey::Ec(_) => Algorithm::Es256,
            SigningKey::Ed(_) => Algorithm::EdDsa,
        }
    }

    /// The public key as a member of a key set.
    pub fn jwk(&self) -> Value {
        let (id, alg) = (&self.id, self.algorithm().as_str());
        match &self.key {
            SigningKey::Rsa(key) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({ "kty": "RSA", "kid": id, "use": "sig", "alg": alg, "n": encoded(&n), "e": encoded(&e) })
            }
            SigningKey::Ec(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": alg, "x": encoded(x), "y": encoded(y) })
            }
            SigningKey::Ed(key) => {
                let x = encoded(key.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "alg": alg, "x": x })
            }
        }
    }

    /// The bytes of the public key: what an attacker would use as the secret of an HMAC.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.key {
            SigningKey::Rsa(key) => key.public_key().as_ref().to_vec(),
            SigningKey::Ec(key) => key.public_key().as_ref().to_vec(),
            SigningKey::Ed(key) => key.public_key().as_ref().to_vec(),
        }
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_of_text(&claims.to_string())
    }

    /// A token whose claims are this text.
    pub fn token_of_text(&self, claims: &str) -> String {
        let header = json!({ "alg": self.algorithm().as_str(), "typ": "JWT", "kid": self.id });
        self.signed(&format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.as_bytes())))
    }

    /// A token with this header and these claims, signed with this key, also where the header says another.
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.signed(&message(header, claims))
    }

    fn signed(&self, message: &str) -> String {
        format!("{message}.{}", encoded(&self.sign(message.as_bytes())))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            SigningKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
                signature
            }
            SigningKey::Ec(key) => key.sign(&random, message).expect("a signature").as_ref().to_vec(),
            SigningKey::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

/// A key set of the public keys.
pub fn key_set(issuers: &[&Issuer]) -> String {
    json!({ "keys": issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>() }).to_string()
}

/// A token whose signature is an HMAC with any secret.
pub fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = message(header, claims);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    format!("{message}.{}", encoded(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref()))
}

/// Header and claims, without a signature.
pub fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
