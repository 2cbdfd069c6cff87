//! The first bytes of an MQTT connection: which version does the client speak?

use thiserror::Error;

/// Bytes that no client of ours begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NotMqtt {
    #[error("the first packet is no CONNECT")]
    NotConnect,
    #[error("it speaks version {0} of MQTT, and only 4 (3.1.1) and 5 are spoken here")]
    UnknownVersion(u8),
}

/// The versions that are spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// MQTT 3.1.1.
    V4,
    /// MQTT 5.
    V5,
}

/// The type of a CONNECT packet, with its reserved bits.
const CONNECT: u8 = 0x10;
/// The bytes that a remaining length takes at most.
const LONGEST_LENGTH: usize = 4;
const PROTOCOL_NAME: &[u8] = b"\x00\x04MQTT";

/// Reads the version from what has arrived so far; `None`: more is needed.
///
/// Source: MQTT Version 5.0, sections 2.1.4 and 3.1.2.
///
/// # Errors
/// [`NotMqtt`]: no further byte can mend it.
pub(crate) fn version(bytes: &[u8]) -> Result<Option<Version>, NotMqtt> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if first != CONNECT {
        return Err(NotMqtt::NotConnect);
    }
    let Some(length) = rest.iter().take(LONGEST_LENGTH).position(|byte| byte & 0x80 == 0) else {
        return if rest.len() < LONGEST_LENGTH { Ok(None) } else { Err(NotMqtt::NotConnect) };
    };
    let name = &rest[length + 1..];
    let known = name.len().min(PROTOCOL_NAME.len());
    if name[..known] != PROTOCOL_NAME[..known] {
        return Err(NotMqtt::NotConnect);
    }
    match name.get(PROTOCOL_NAME.len()) {
        None => Ok(None),
        Some(4) => Ok(Some(Version::V4)),
        Some(5) => Ok(Some(Version::V5)),
        Some(other) => Err(NotMqtt::UnknownVersion(*other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_soon_as_it_has_arrived() {
        let short = b"\x10\x0C\x00\x04MQTT\x05\x02";
        let long = b"\x10\xFF\xFF\x7F\x00\x04MQTT\x04\x02";
        for (bytes, at, expected) in [(&short[..], 9, Version::V5), (&long[..], 11, Version::V4)] {
            for length in 0..bytes.len() {
                let expected = (length >= at).then_some(expected);
                assert_eq!(version(&bytes[..length]), Ok(expected), "{length} bytes");
            }
        }
    }

    #[test]
    fn what_is_no_connect_is_refused_at_once() {
        for bytes in
            [&b"G"[..], b"GET / HTTP/1.1", b"\x10\x80\x80\x80\x80", b"\x10\x0C\x00\x06MQ", b"\x30\x0C", b"\x11"]
        {
            assert_eq!(version(bytes), Err(NotMqtt::NotConnect), "{bytes:?}");
        }
        assert_eq!(version(b"\x10\x0C\x00\x04MQTT\x03"), Err(NotMqtt::UnknownVersion(3)));
    }
}
