//! Web Push: the encryption of a message for one browser (RFC 8291, one record of `aes128gcm` by RFC 8188), and the token by
//! which a push service knows the server (VAPID, RFC 8292).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// Of a public key: uncompressed.
pub const PUBLIC_KEY_BYTES: usize = 65;
/// Of the secret of a browser.
pub const AUTH_BYTES: usize = 16;
/// The largest message that every push service takes, with its encryption.
pub const MAX_BODY_BYTES: usize = 4_096;
/// Of the header, the delimiter and the tag.
const OVERHEAD: usize = 16 + 4 + 1 + PUBLIC_KEY_BYTES + 1 + 16;
/// How long a token is good: RFC 8292 allows a day.
const TOKEN_S: u64 = 12 * 3_600;

/// The keys of a browser.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// P-256, uncompressed.
    pub p256dh: &'a [u8],
    /// Its secret.
    pub auth: &'a [u8],
}

/// Encrypts a message for a browser. `salt` is random, `key` is new for each message.
///
/// # Errors
/// The keys of the browser are none, or the message is too large.
pub fn encrypt(browser: Browser<'_>, message: &[u8], salt: [u8; 16], key: &PrivateKey) -> Result<Vec<u8>, Unspecified> {
    if message.len() + OVERHEAD > MAX_BODY_BYTES || browser.auth.len() != AUTH_BYTES {
        return Err(Unspecified);
    }
    let public = key.compute_public_key()?;
    let input = agree(key, UnparsedPublicKey::new(&ECDH_P256, browser.p256dh), Unspecified, |secret| {
        let info = [&b"WebPush: info\0"[..], browser.p256dh, public.as_ref()];
        expand::<32>(&Salt::new(HKDF_SHA256, browser.auth).extract(secret), &info)
    })?;
    let prk = Salt::new(HKDF_SHA256, &salt).extract(&input);
    let content_key = expand::<16>(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = expand::<12>(&prk, &[b"Content-Encoding: nonce\0"])?;
    // 2: the last record.
    let mut record = [message, &[2]].concat();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key)?);
    cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;
    let record_bytes = (MAX_BODY_BYTES as u32).to_be_bytes();
    Ok([&salt[..], &record_bytes, &[PUBLIC_KEY_BYTES as u8], public.as_ref(), &record].concat())
}

/// A key for one message.
///
/// # Errors
/// There is no randomness.
pub fn new_key() -> Result<PrivateKey, Unspecified> {
    PrivateKey::generate(&ECDH_P256)
}

/// The key by which push services know the server.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public: Vec<u8>,
}

impl VapidKey {
    /// A key of a secret: the same for the same secret.
    ///
    /// # Errors
    /// The secret is none of a key; of 2^32 secrets one is.
    pub fn of_secret(secret: &[u8; 32]) -> Result<Self, Unspecified> {
        let public = PrivateKey::from_private_key(&ECDH_P256, secret)?.compute_public_key()?.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, secret, &public)?;
        Ok(Self { pair, public })
    }

    /// The public key, as browsers and push services get it.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    /// The header `Authorization` for a push service. `contact`: a mail address or URL of the operator.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn authorization(&self, origin: &str, contact: &str, now_s: u64) -> Result<String, Unspecified> {
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "aud": origin, "exp": now_s.saturating_add(TOKEN_S), "sub": contact });
        let content = format!("{}.{}", encode(json!({ "typ": "JWT", "alg": "ES256" })), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), content.as_bytes())?;
        Ok(format!("vapid t={content}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public()))
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    prk.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

/// Decrypts a message as its browser does.
///
/// # Errors
/// It is not for this browser, or was changed.
pub fn decrypt(private: &PrivateKey, auth: &[u8], body: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let (salt, rest) = body.split_first_chunk::<16>().ok_or(Unspecified)?;
    let (sender, record) =
        rest.get(5..).and_then(|rest| rest.split_first_chunk::<PUBLIC_KEY_BYTES>()).ok_or(Unspecified)?;
    let public = private.compute_public_key()?;
    let input = agree(private, UnparsedPublicKey::new(&ECDH_P256, sender), Unspecified, |secret| {
        let info = [&b"WebPush: info\0"[..], public.as_ref(), &sender[..]];
        expand::<32>(&Salt::new(HKDF_SHA256, auth).extract(secret), &info)
    })?;
    let prk = Salt::new(HKDF_SHA256, salt).extract(&input);
    let cipher = UnboundKey::new(&AES_128_GCM, &expand::<16>(&prk, &[b"Content-Encoding: aes128gcm\0"])?)?;
    let nonce = Nonce::assume_unique_for_key(expand::<12>(&prk, &[b"Content-Encoding: nonce\0"])?);
    let mut record = record.to_vec();
    let message = LessSafeKey::new(cipher).open_in_place(nonce, Aad::empty(), &mut record)?;
    let end = message.iter().rposition(|byte| *byte != 0).filter(|end| message[*end] == 2).ok_or(Unspecified)?;
    Ok(message[..end].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    fn private(text: &str) -> PrivateKey {
        PrivateKey::from_private_key(&ECDH_P256, &bytes(text)).expect("a key")
    }

    #[test]
    fn the_example_of_rfc_8291_is_the_same() {
        let browser = Browser {
            p256dh: &bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            auth: &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes");
        let key = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let message = b"When I grow up, I want to be a watermelon";
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
                        AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(encrypt(browser, message, salt, &key).expect("encrypted"), bytes(expected));
        let of_browser = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        assert_eq!(decrypt(&of_browser, browser.auth, &bytes(expected)).expect("decrypted"), message);
    }

    #[test]
    fn unusable_keys_and_large_messages_are_refused() {
        let (key, salt) = (new_key().expect("random"), [7; 16]);
        let public = new_key().expect("random").compute_public_key().expect("a key").as_ref().to_vec();
        let good = Browser { p256dh: &public, auth: &[1; AUTH_BYTES] };
        assert!(
            encrypt(good, &[b'x'; MAX_BODY_BYTES - OVERHEAD], salt, &key)
                .is_ok_and(|body| body.len() == MAX_BODY_BYTES)
        );
        assert!(encrypt(good, &[b'x'; MAX_BODY_BYTES - OVERHEAD + 1], salt, &key).is_err());
        assert!(encrypt(Browser { auth: &[1; 15], ..good }, b"x", salt, &key).is_err());
        assert!(encrypt(Browser { p256dh: &[4; PUBLIC_KEY_BYTES], ..good }, b"x", salt, &key).is_err());
    }

    #[test]
    fn the_token_is_signed_for_one_push_service() {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
        let key = VapidKey::of_secret(&[9; 32]).expect("a key");
        assert_eq!(VapidKey::of_secret(&[9; 32]).expect("a key").public(), key.public());
        let header = key.authorization("https://push.example.org", "mailto:ops@example.org", 1_000).expect("signed");
        let (token, public) =
            header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("its form");
        let (content, signature) = token.rsplit_once('.').expect("a token");
        let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes(public));
        verifier.verify(content.as_bytes(), &bytes(signature)).expect("it verifies");
        let claims: serde_json::Value =
            serde_json::from_slice(&bytes(content.split_once('.').expect("claims").1)).expect("JSON");
        assert_eq!(
            claims,
            json!({ "aud": "https://push.example.org", "exp": 44_200, "sub": "mailto:ops@example.org" })
        );
    }
}
