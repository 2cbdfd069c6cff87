//! The end of a certificate's validity: as much of X.509's encoding (DER) as it takes to find it.

use std::time::UNIX_EPOCH;

/// Tags of ASN.1, as DER writes them.
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// `notAfter` (RFC 5280, section 4.1), seconds since the epoch. `None`: no certificate, or one that ended before 1970.
///
/// ```text
/// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
///     version [0] DEFAULT v1, serialNumber, signature, issuer, validity SEQUENCE { notBefore, notAfter }, ... }, ... }
/// ```
pub(super) fn not_after(certificate: &[u8]) -> Option<u64> {
    let mut fields = element(element(certificate)?.content)?.content;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.rest;
    }
    for _ in ["serialNumber", "signature", "issuer"] {
        fields = element(fields)?.rest;
    }
    let not_before = element(element(fields)?.content)?;
    let Element { tag, content, .. } = element(not_before.rest)?;
    seconds(tag, std::str::from_utf8(content).ok()?)
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// Behind it.
    rest: &'a [u8],
}

/// The first element of some.
fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        // So many bytes hold the length.
        0x81..=0x84 => {
            let (digits, bytes) = bytes.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

/// A time in one of the two forms that RFC 5280 (section 4.1.2.5) allows, both in UTC and with seconds.
fn seconds(tag: u8, text: &str) -> Option<u64> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let digits = match (tag, digits.len()) {
        // Two digits of the year, 1950 to 2049.
        (UTC_TIME, 12) => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return None,
    };
    let [year, month, day, hour, minute, second] =
        [0..4, 4..6, 6..8, 8..10, 10..12, 12..14].map(|range| &digits[range]);
    let time = humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", None),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, "20501301000000Z", None),
            (GENERALIZED_TIME, "2050010100000\u{e9}Z", None),
            (UTC_TIME, "4912312359Z", None),
            (0x0c, "491231235959Z", None),
        ] {
            assert_eq!(seconds(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn any_bytes_are_accepted() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x80\x00",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x02\x30\x00",
            b"\x30\x05\x30\x03\xa0",
        ] {
            assert_eq!(not_after(bytes), None, "{bytes:?}");
        }
    }
}
