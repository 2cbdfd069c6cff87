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
    /// The key that its copies share.
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
    /// The details, for people.
    pub detail: String,
}

impl Reject {
    /// A reject with details.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<DecodeError> for Reject {
    fn from(error: DecodeError) -> Self {
        Self { reason: error.reason(), detail: error.to_string() }
    }
}

/// Reasons of this crate's own, beside those of the codec.
const OWN_REASONS: &[&str] = &["no_input", "no_position", "incomplete_source_report"];

/// A reason as this release knows it. `None`: it is another release's.
pub fn known_reason(text: &str) -> Option<&'static str> {
    let codec = fanet::Reason::ALL.iter().map(|reason| reason.as_str());
    codec.chain(OWN_REASONS.iter().copied()).find(|known| *known == text)
}

/// Whether a correct release could read an input that was refused for this reason. False: too short to be a frame, for
/// any release.
pub fn may_be_regression(reason: &str) -> bool {
    !matches!(reason, "mqtt_too_short" | "frame_too_short")
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
    fn a_truncated_frame_is_refused_with_its_byte() {
        let reject = |bytes: &[u8]| Reject::from(heard_frame(bytes).unwrap_err());
        assert_eq!(reject(&[1, 2, 3]).reason, "mqtt_too_short");
        assert_eq!(reject(&[0; 10]).reason, "frame_too_short");
        let mut tracking = vec![0; 8];
        tracking.extend([0x01, 0x11, 0x90, 0x0B, 0x4C, 0xAF]);
        let rejected = reject(&tracking);
        assert_eq!(rejected.reason, "truncated_payload");
        assert!(rejected.detail.contains("byte 4"), "{}", rejected.detail);
    }

    #[test]
    fn reasons_are_a_closed_set() {
        assert_eq!(known_reason("truncated_payload"), Some("truncated_payload"));
        assert_eq!((known_reason("no_input"), known_reason("of tomorrow")), (Some("no_input"), None));
        let regressions = fanet::Reason::ALL.iter().filter(|reason| may_be_regression(reason.as_str())).count();
        assert_eq!(regressions, fanet::Reason::ALL.len() - 2);
    }
}
