//! The payload of a receiver's message: a wrapper around a frame, or information about its hardware.
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u32 LE | Unix time of reception, seconds |
//! | 4 | i16 LE | signal strength, dBm |
//! | 6 | i16 LE | signal-to-noise ratio, dB |
//! | 8 | bytes | one frame |

use alloc::vec::Vec;
use core::fmt;

use crate::topic::Topic;

/// Bytes before the frame.
pub const WRAPPER_BYTES: usize = 8;
/// The longest frame that LoRa carries, bytes.
pub const MAX_FRAME_BYTES: usize = 255;
/// The longest hardware information, bytes.
pub const MAX_HARDWARE_BYTES: usize = 4096;

/// How a frame was received, and its bytes.
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
    /// Splits a payload into its parts.
    ///
    /// # Errors
    /// The payload is below 8 bytes. The frame itself is not judged.
    #[inline]
    pub fn decode(payload: &'a [u8]) -> Result<Self, WrapperTooShort> {
        let Some((&[a, b, c, d, e, f, g, h], frame)) = payload.split_first_chunk::<WRAPPER_BYTES>() else {
            return Err(WrapperTooShort);
        };
        Ok(Self {
            timestamp_s: u32::from_le_bytes([a, b, c, d]),
            rssi_dbm: i16::from_le_bytes([e, f]),
            snr_db: i16::from_le_bytes([g, h]),
            frame,
        })
    }

    /// The bytes of the payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(WRAPPER_BYTES + self.frame.len());
        out.extend_from_slice(&self.timestamp_s.to_le_bytes());
        out.extend_from_slice(&self.rssi_dbm.to_le_bytes());
        out.extend_from_slice(&self.snr_db.to_le_bytes());
        out.extend_from_slice(self.frame);
        out
    }

    /// The source address of the frame, 24 bit: the manufacturer, then the id in little-endian, behind the header byte.
    /// `None`: the frame is too short to have one.
    #[inline]
    #[must_use]
    pub fn source_address(&self) -> Option<u32> {
        match self.frame {
            [_, manufacturer, low, high, ..] => Some(u32::from_be_bytes([0, *manufacturer, *high, *low])),
            _ => None,
        }
    }
}

/// A payload that is shorter than the wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapperTooShort;

impl fmt::Display for WrapperTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the payload is too short: expected a wrapper of {WRAPPER_BYTES} bytes")
    }
}

impl core::error::Error for WrapperTooShort {}

/// A payload that does not fit its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// Shorter than the wrapper.
    TooShort,
    /// Longer than the wrapper and the longest frame, or hardware information beyond its bound.
    TooLong,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => WrapperTooShort.fmt(f),
            Self::TooLong => write!(
                f,
                "the payload is too long: expected at most {} bytes for a wrapper with a frame, or {MAX_HARDWARE_BYTES} bytes of hardware information",
                WRAPPER_BYTES + MAX_FRAME_BYTES
            ),
        }
    }
}

impl core::error::Error for PayloadError {}

impl Topic<'_> {
    /// Checks that the length of a payload fits this topic.
    ///
    /// # Errors
    /// It is too short for its wrapper, or too long.
    pub const fn check(&self, payload: &[u8]) -> Result<(), PayloadError> {
        match self {
            Self::Frame { .. } if payload.len() < WRAPPER_BYTES => Err(PayloadError::TooShort),
            Self::Frame { .. } if payload.len() > WRAPPER_BYTES + MAX_FRAME_BYTES => Err(PayloadError::TooLong),
            Self::Hardware { .. } if payload.len() > MAX_HARDWARE_BYTES => Err(PayloadError::TooLong),
            Self::Frame { .. } | Self::Hardware { .. } => Ok(()),
        }
    }

    /// The device that a payload under this topic comes from, 24 bit. `None`: hardware information, or a frame that is too
    /// short; its record has the receiver as key.
    #[must_use]
    pub fn device(&self, payload: &[u8]) -> Option<u32> {
        match self {
            Self::Frame { .. } => Wrapped::decode(payload).ok()?.source_address(),
            Self::Hardware { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const FRAME: Topic<'static> = Topic::Frame { receiver: "8896672", packet_type: None };
    const HARDWARE: Topic<'static> = Topic::Hardware { receiver: "8896672" };

    #[test]
    fn a_payload_is_split_and_joined_again() {
        let bytes = [0x89, 0x86, 0x44, 0x68, 0x88, 0xFF, 0xFE, 0xFF, 0x01, 0x02];
        let wrapped = Wrapped::decode(&bytes).expect("long enough");
        assert_eq!((wrapped.timestamp_s, wrapped.rssi_dbm, wrapped.snr_db), (1_749_321_353, -120, -2));
        assert_eq!(wrapped.frame, [1, 2]);
        assert_eq!(wrapped.encode(), bytes);
        for length in 0..8 {
            assert_eq!(Wrapped::decode(&bytes[..length]), Err(WrapperTooShort));
        }
        assert_eq!(Wrapped::decode(&bytes[..8]).expect("a wrapper").frame, []);
    }

    #[test]
    fn the_device_is_the_source_of_the_frame() {
        // Captured: tracking from 110B90, received at -120 dBm.
        let payload = b"\x89\x86\x44\x68\x88\xff\xfe\xff\x01\x11\x90\x0b\x4c\xaf\x41\x1b\xc2\x09\xa6\x90\x03\x00\x00";
        assert_eq!(FRAME.device(payload), Some(0x11_0B90));
        assert_eq!(FRAME.device(&payload[..12]), Some(0x11_0B90));
        for length in 0..12 {
            assert_eq!(FRAME.device(&payload[..length]), None, "{length} bytes");
        }
        assert_eq!(HARDWARE.device(payload), None);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let check = |topic: Topic<'_>, length: usize| topic.check(&vec![0; length]);
        assert_eq!(check(FRAME, 0), Err(PayloadError::TooShort));
        assert_eq!(check(FRAME, 7), Err(PayloadError::TooShort));
        assert_eq!(check(FRAME, 8), Ok(()));
        assert_eq!(check(FRAME, 8 + 255), Ok(()));
        assert_eq!(check(FRAME, 8 + 256), Err(PayloadError::TooLong));
        assert_eq!(check(FRAME, 65_536), Err(PayloadError::TooLong));
        assert_eq!((check(HARDWARE, 0), check(HARDWARE, 4096)), (Ok(()), Ok(())));
        assert_eq!(check(HARDWARE, 4097), Err(PayloadError::TooLong));
    }
}
