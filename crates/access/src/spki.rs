//! Public keys in PEM: `SubjectPublicKeyInfo` of the three kinds that sign our tokens (RFC 5280, RFC 3279, RFC 5480,
//! RFC 8410). Other DER forms of them are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// The algorithm of each kind, as the content of its `SEQUENCE`: rsaEncryption with NULL, ecPublicKey with prime256v1,
/// Ed25519.
const RSA: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];
const P256: &[u8] =
    &[0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];

/// A public key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point of P-256, uncompressed with its 0x04.
    P256(Vec<u8>),
    /// A point of Ed25519.
    Ed25519(Vec<u8>),
}

/// The keys of a PEM file; `None`: a block is not a key of these kinds.
pub(crate) fn read_pem(text: &str) -> Option<Vec<PublicKey>> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (body, after) = after.split_once(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        keys.push(read(&STANDARD.decode(body).ok()?)?);
        rest = after;
    }
    Some(keys)
}

fn read(der: &[u8]) -> Option<PublicKey> {
    let (info, []) = value(der, SEQUENCE)? else { return None };
    let (algorithm, rest) = value(info, SEQUENCE)?;
    let (bits, []) = value(rest, BIT_STRING)? else { return None };
    // The number of unused bits, which is 0 in each of them.
    let (0, key) = bits.split_first().map(|(unused, key)| (*unused, key))? else { return None };
    match algorithm {
        RSA => {
            let (pair, []) = value(key, SEQUENCE)? else { return None };
            let (n, rest) = unsigned(pair)?;
            let (e, []) = unsigned(rest)? else { return None };
            Some(PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() })
        }
        P256 => (key.len() == 65 && key[0] == 0x04).then(|| PublicKey::P256(key.to_vec())),
        ED25519 => (key.len() == 32).then(|| PublicKey::Ed25519(key.to_vec())),
        _ => None,
    }
}

/// The content of a value with this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        // Up to two bytes: 64 KiB.
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), &rest[2..]),
        _ => return None,
    };
    (*found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

/// A positive integer without the zero that marks it as positive, and what follows it.
fn unsigned(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bytes, rest) = value(der, INTEGER)?;
    let bytes = match bytes {
        [0, positive @ ..] => positive,
        [first, ..] if first & 0x80 == 0 => bytes,
        _ => return None,
    };
    Some((bytes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_openssl_are_read() {
        let keys = |text: &str| read_pem(text).unwrap();
        let rsa = keys(include_str!("../tests/fixtures/rs256.pem"));
        assert!(matches!(&rsa[..], [PublicKey::Rsa { n, e }] if n.len() == 256 && e == &[1, 0, 1]));
        let both = [include_str!("../tests/fixtures/es256.pem"), include_str!("../tests/fixtures/eddsa.pem")].concat();
        assert!(matches!(&keys(&both)[..], [PublicKey::P256(_), PublicKey::Ed25519(_)]));
        assert_eq!(keys("no key at all"), []);
    }

    #[test]
    fn other_keys_are_refused() {
        assert_eq!(read_pem(include_str!("../tests/fixtures/p384.pem")), None, "another curve");
        assert_eq!(read_pem(&format!("{BEGIN}\nAAAA\n{END}\n")), None);
        assert_eq!(read_pem(&format!("{BEGIN}\nAAAA\n")), None, "cut off");
    }

    #[test]
    fn every_cut_and_every_added_byte_is_refused() {
        for text in [
            include_str!("../tests/fixtures/rs256.pem"),
            include_str!("../tests/fixtures/es256.pem"),
            include_str!("../tests/fixtures/eddsa.pem"),
        ] {
            let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(body).unwrap();
            assert!(read(&der).is_some());
            for length in 0..der.len() {
                assert_eq!(read(&der[..length]), None, "{length} bytes of {}", der.len());
            }
            assert_eq!(read(&[&der[..], &[0]].concat()), None);
        }
    }
}
