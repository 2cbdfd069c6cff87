//! Why an MQTT message cannot become a raw record.

/// Each goes to the dead-letter topic, verbatim, and is acknowledged: poison never blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Reject {
    /// Not `<prefix>/<receiver>/f[/<type>]` or `<prefix>/<receiver>/hw`.
    #[error("the topic is no receiver's topic")]
    Topic,
    /// Shorter than the wrapper of eight bytes.
    #[error("the payload is shorter than its wrapper")]
    PayloadTooShort,
    /// Longer than the wrapper and the longest frame together, or hardware information beyond its bound.
    #[error("the payload is longer than any frame")]
    PayloadTooLong,
    /// Kafka refuses the record for what it is, for example for its size.
    #[error("the log refuses the record")]
    RefusedByLog,
}

impl Reject {
    /// One word from a closed set: metric label, dead-letter header, log field.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Topic => "mqtt_topic",
            Self::PayloadTooShort => "mqtt_too_short",
            Self::PayloadTooLong => "mqtt_too_long",
            Self::RefusedByLog => "refused_by_log",
        }
    }
}
