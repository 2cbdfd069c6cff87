//! Why an MQTT message cannot become a raw record.

use envelope::{MAX_FRAME_BYTES, MAX_HARDWARE_BYTES, PayloadError, WRAPPER_BYTES};

/// The message is written to the dead-letter topic, byte for byte, and acknowledged, so that it never blocks the ones
/// behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Reject {
    /// Not `<prefix>/<receiver>/f[/<type>]` or `<prefix>/<receiver>/hw`.
    #[error("the topic is not a receiver's: expected <prefix>/<receiver>/f[/<type>] or <prefix>/<receiver>/hw")]
    Topic,
    /// Shorter than the wrapper of eight bytes.
    #[error("the payload is too short: expected a wrapper of 8 bytes and a frame")]
    PayloadTooShort,
    /// Longer than a wrapper with the longest frame, or hardware information beyond its bound.
    #[error(
        "the payload is too long: expected at most {} bytes for a wrapper with a frame, or {MAX_HARDWARE_BYTES} bytes of hardware information",
        WRAPPER_BYTES + MAX_FRAME_BYTES
    )]
    PayloadTooLong,
    /// Kafka permanently refuses the record, for example for its size.
    #[error("the log refuses the record: its size may exceed max.message.bytes of the topic")]
    RefusedByLog,
}

impl From<PayloadError> for Reject {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::TooShort => Self::PayloadTooShort,
            PayloadError::TooLong => Self::PayloadTooLong,
        }
    }
}

impl Reject {
    /// The reason, from a closed set: metric label, dead-letter header, log field.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Topic => "mqtt_topic",
            Self::PayloadTooShort => "mqtt_too_short",
            Self::PayloadTooLong => "mqtt_too_long",
            Self::RefusedByLog => "refused_by_log",
        }
    }
}
