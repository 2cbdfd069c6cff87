//! What a base station publishes over MQTT: a wrapper around a frame, and where.
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u32 LE | Unix time of reception, seconds |
//! | 4 | i16 LE | signal strength, dBm |
//! | 6 | i16 LE | signal-to-noise ratio, dB |
//! | 8 | bytes | one frame |

use alloc::vec::Vec;
use core::fmt;

use crate::error::{DecodeError, Reason};

/// A base-station message: how a frame was received, and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped<'a> {
    /// The receiver's own time of reception, Unix seconds.
    pub timestamp_s: u32,
    /// Signal strength, dBm.
    pub rssi_dbm: i16,
    /// Signal-to-noise ratio, dB.
    pub snr_db: i16,
    /// The frame, not decoded.
    pub frame: &'a [u8],
}

impl<'a> Wrapped<'a> {
    /// Splits a message into its parts.
    ///
    /// # Errors
    /// [`Reason::MqttTooShort`] below 8 bytes. The frame itself is not looked at.
    #[inline]
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let Some((&[a, b, c, d, e, f, g, h], frame)) = message.split_first_chunk::<8>() else {
            return Err(DecodeError::new(Reason::MqttTooShort, "timestamp_s", 0));
        };
        Ok(Self {
            timestamp_s: u32::from_le_bytes([a, b, c, d]),
            rssi_dbm: i16::from_le_bytes([e, f]),
            snr_db: i16::from_le_bytes([g, h]),
            frame,
        })
    }

    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + self.frame.len());
        out.extend_from_slice(&self.timestamp_s.to_le_bytes());
        out.extend_from_slice(&self.rssi_dbm.to_le_bytes());
        out.extend_from_slice(&self.snr_db.to_le_bytes());
        out.extend_from_slice(self.frame);
        out
    }
}

/// A topic that a base station publishes on.
///
/// `{receiver}` is the base station's chip id, kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic<'a> {
    /// `fb/b/{receiver}/f` or `fb/b/{receiver}/f/{type}`: a wrapped frame.
    ///
    /// Where the type contradicts the frame, the frame is right.
    Frame {
        /// The base station's id.
        receiver: &'a str,
        /// The packet type, where the topic repeats it.
        packet_type: Option<u8>,
    },
    /// `fb/b/{receiver}/hw`: information about the receiver's own hardware, not a frame.
    Hardware {
        /// The base station's id.
        receiver: &'a str,
    },
}

impl<'a> Topic<'a> {
    /// Reads a topic; `None` if it is not one of ours.
    #[must_use]
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (receiver, kind) = topic.strip_prefix("fb/b/")?.split_once('/')?;
        if receiver.is_empty() || receiver.contains(['+', '#']) {
            return None;
        }
        match kind {
            "hw" => Some(Self::Hardware { receiver }),
            "f" => Some(Self::Frame { receiver, packet_type: None }),
            _ => {
                let digits = kind.strip_prefix("f/")?;
                let decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                let packet_type = if decimal { digits.parse().ok().filter(|&code| code < 64)? } else { return None };
                Some(Self::Frame { receiver, packet_type: Some(packet_type) })
            }
        }
    }

    /// The base station's id.
    #[must_use]
    pub const fn receiver(&self) -> &'a str {
        match self {
            Self::Frame { receiver, .. } | Self::Hardware { receiver } => receiver,
        }
    }
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { receiver, packet_type: None } => write!(f, "fb/b/{receiver}/f"),
            Self::Frame { receiver, packet_type: Some(code) } => write!(f, "fb/b/{receiver}/f/{code}"),
            Self::Hardware { receiver } => write!(f, "fb/b/{receiver}/hw"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn topics_come_back() {
        for text in ["fb/b/8896672/f/1", "fb/b/4294967295/f", "fb/b/7048812/hw", "fb/b/1/f/0", "fb/b/1/f/63"] {
            let topic = Topic::parse(text).expect(text);
            assert_eq!(topic.to_string(), text);
        }
        assert_eq!(Topic::parse("fb/b/42/f/10"), Some(Topic::Frame { receiver: "42", packet_type: Some(10) }));
    }

    #[test]
    fn other_topics_are_refused() {
        let foreign = [
            "",
            "fb",
            "fb/b",
            "fb/b/",
            "fb/b//f",
            "fb/b/1",
            "fb/b/1/",
            "fb/b/1/x",
            "fb/b/1/f/",
            "fb/b/1/f/x",
            "fb/b/1/f/-1",
            "fb/b/1/f/+1",
            "fb/b/1/f/64",
            "fb/b/1/f/1/2",
            "fb/b/1/hw/2",
            "fb/b/+/f",
            "fb/b/#",
            "xfb/b/1/f",
        ];
        for text in foreign {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn messages_come_back() {
        let bytes = [0x89, 0x86, 0x44, 0x68, 0x88, 0xFF, 0xFE, 0xFF, 0x01, 0x02];
        let wrapped = Wrapped::decode(&bytes).unwrap();
        assert_eq!((wrapped.timestamp_s, wrapped.rssi_dbm, wrapped.snr_db), (1_749_321_353, -120, -2));
        assert_eq!(wrapped.frame, [1, 2]);
        assert_eq!(wrapped.encode(), bytes);
        for length in 0..8 {
            assert_eq!(Wrapped::decode(&bytes[..length]).unwrap_err().reason, Reason::MqttTooShort);
        }
        assert_eq!(Wrapped::decode(&bytes[..8]).unwrap().frame, []);
    }
}
