//! Raw bytes into frames, or the reason why not.

use fanet::{DecodeError, DedupKey, Frame, RawFrame, Wrapped};

/// A frame as one receiver heard it.
#[derive(Debug, Clone, Copy)]
pub struct HeardFrame<'a> {
    /// The receiver's stamp, seconds since the epoch by its clock.
    pub stamp_s: u32,
    /// Signal strength, dBm.
    pub rssi_dbm: i16,
    /// Signal-to-noise ratio, dB.
    pub snr_db: i16,
    /// The frame.
    pub frame: Frame<'a>,
    /// What its copies have in common.
    pub key: DedupKey,
}

impl HeardFrame<'_> {
    /// True: heard from a relay that says so.
    pub fn is_relayed(&self) -> bool {
        self.frame.header.extended.is_some_and(|extended| extended.geo_forwarded)
    }
}

/// An input that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Reject {
    /// One of a small closed set: metric label and dead-letter header.
    pub reason: &'static str,
    /// What a person wants to know.
    pub detail: String,
}

impl Reject {
    /// A reject with words.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<DecodeError> for Reject {
    fn from(error: DecodeError) -> Self {
        Self { reason: error.reason(), detail: error.to_string() }
    }
}

/// Decodes an MQTT payload: the receiver's wrapper and one frame.
///
/// # Errors
/// The wrapper or the frame is incomplete or breaks a rule of the protocol.
#[inline]
pub fn heard_frame(payload: &[u8]) -> Result<HeardFrame<'_>, DecodeError> {
    let wrapped = Wrapped::decode(payload)?;
    let raw = RawFrame::parse(wrapped.frame)?;
    Ok(HeardFrame {
        stamp_s: wrapped.timestamp_s,
        rssi_dbm: wrapped.rssi_dbm,
        snr_db: wrapped.snr_db,
        frame: raw.decode()?,
        key: raw.dedup_key(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_is_refused_with_the_place() {
        let reject = |bytes: &[u8]| Reject::from(heard_frame(bytes).unwrap_err());
        assert_eq!(reject(&[1, 2, 3]).reason, "mqtt_too_short");
        assert_eq!(reject(&[0; 10]).reason, "frame_too_short");
        let mut tracking = vec![0; 8];
        tracking.extend([0x01, 0x11, 0x90, 0x0B, 0x4C, 0xAF]);
        let rejected = reject(&tracking);
        assert_eq!(rejected.reason, "truncated_payload");
        assert!(rejected.detail.contains("byte 4"), "{}", rejected.detail);
    }
}
