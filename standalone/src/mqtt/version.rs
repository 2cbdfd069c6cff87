//! The first bytes of an MQTT connection: the version of the client. Pure.

use thiserror::Error;

/// The first bytes are not those of a supported client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum NotMqtt {
    #[error("its first packet is not a CONNECT")]
    NotConnect,
    #[error("it requests protocol level {0}: expected 3 (MQTT 3.1), 4 (3.1.1) or 5")]
    UnknownVersion(u8),
}

/// The versions that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// MQTT 3.1.
    V31,
    /// MQTT 3.1.1.
    V311,
    /// MQTT 5.
    V5,
}

/// The type of a CONNECT packet, with its reserved bits.
const CONNECT: u8 = 0x10;
/// The bytes that a remaining length takes at most.
const LONGEST_LENGTH: usize = 4;
/// The protocol's name since 3.1.1, and the one before, each with its length.
const NAMES: [&[u8]; 2] = [b"\x00\x04MQTT", b"\x00\x06MQIsdp"];

/// Reads the version from what has arrived so far; `None`: more is needed.
///
/// Source: MQTT Version 5.0, sections 2.1.4 and 3.1.2; MQTT 3.1, section 3.1.
///
/// # Errors
/// [`NotMqtt`]: no further byte can change it.
pub(super) fn version(bytes: &[u8]) -> Result<Option<Version>, NotMqtt> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if first != CONNECT {
        return Err(NotMqtt::NotConnect);
    }
    let Some(length) = rest.iter().take(LONGEST_LENGTH).position(|byte| byte & 0x80 == 0) else {
        return if rest.len() < LONGEST_LENGTH { Ok(None) } else { Err(NotMqtt::NotConnect) };
    };
    let begin = &rest[length + 1..];
    let fits = |name: &&&[u8]| {
        let known = begin.len().min(name.len());
        begin[..known] == name[..known]
    };
    let Some(name) = NAMES.iter().find(fits) else {
        return Err(NotMqtt::NotConnect);
    };
    match (begin.get(name.len()), name.len()) {
        (None, _) => Ok(None),
        (Some(3), 8) => Ok(Some(Version::V31)),
        (Some(4), 6) => Ok(Some(Version::V311)),
        (Some(5), 6) => Ok(Some(Version::V5)),
        (Some(&other), _) => Err(NotMqtt::UnknownVersion(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_soon_as_it_has_arrived() {
        let cases = [
            (&b"\x10\x0C\x00\x04MQTT\x05\x02"[..], 9, Version::V5),
            (b"\x10\xFF\xFF\x7F\x00\x04MQTT\x04\x02", 11, Version::V311),
            (b"\x10\x0E\x00\x06MQIsdp\x03\x02", 11, Version::V31),
        ];
        for (bytes, at, expected) in cases {
            for length in 0..bytes.len() {
                let expected = (length >= at).then_some(expected);
                assert_eq!(version(&bytes[..length]), Ok(expected), "{length} bytes");
            }
        }
    }

    #[test]
    fn other_first_bytes_are_refused_at_once() {
        for bytes in
            [&b"G"[..], b"GET / HTTP/1.1", b"\x10\x80\x80\x80\x80", b"\x10\x0C\x00\x06MQT", b"\x30\x0C", b"\x11"]
        {
            assert_eq!(version(bytes), Err(NotMqtt::NotConnect), "{bytes:?}");
        }
        assert_eq!(version(b"\x10\x0C\x00\x04MQTT\x03"), Err(NotMqtt::UnknownVersion(3)));
        assert_eq!(version(b"\x10\x0C\x00\x04MQTT\x84"), Err(NotMqtt::UnknownVersion(0x84)));
        assert_eq!(version(b"\x10\x0C\x00\x06MQIsdp\x04"), Err(NotMqtt::UnknownVersion(4)));
    }
}
