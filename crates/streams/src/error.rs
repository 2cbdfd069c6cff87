//! Errors, by what the caller should do about them.

use std::error::Error;
use std::sync::Arc;

type Cause = Box<dyn Error + Send + Sync>;

/// A call on the log failed.
///
/// `attempted` names the action and its object; the cause is the source. `reason` is one of a small closed set, fit for
/// metric labels: `unavailable`, `timeout`, `queue_full`, `unknown_topic`, `unauthorised`, `not_owned`, `no_group`,
/// `bad_settings`, `bad_request`, `incompatible_schema`, `fenced`, `stranded`, `stalled`, `stuck`, `closed`, `broker`,
/// `journal`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The cluster is unavailable, busy or electing a leader: back off and retry.
    #[error("{attempted}")]
    Transient {
        /// The action and its object.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// The client library's error.
        source: Cause,
    },
    /// A retry cannot help: settings, permissions, a broken invariant, or a client that must be replaced.
    #[error("{attempted}")]
    Fatal {
        /// The action and its object.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// The client library's error.
        source: Cause,
    },
}

impl StreamError {
    /// An error that a retry may avoid.
    pub fn transient(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Transient { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// An error that every retry would meet.
    pub fn fatal(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Fatal { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// The code: metric label, dead-letter header and log field.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Transient { reason, .. } | Self::Fatal { reason, .. } => reason,
        }
    }

    /// Whether a retry makes sense.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}

/// A record was not written: the outcome that the receipt reports. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The log will never accept this record: write a dead letter.
    #[error("record refused: {detail}")]
    Refused {
        /// `too_large`, `invalid`.
        reason: &'static str,
        /// The log's error.
        detail: Arc<str>,
    },
    /// Not written; sending it again later may help (the topic is missing or not permitted, the cluster timed out).
    #[error("record not written: {detail}")]
    Unavailable {
        /// `unknown_topic`, `unauthorised`, `timeout`, `broker`.
        reason: &'static str,
        /// The log's error.
        detail: Arc<str>,
    },
    /// The writer is broken (fenced, out of sequence) and must be replaced; the record may be sent through the next
    /// one.
    #[error("writer failed: {detail}")]
    Fatal {
        /// The log's error.
        detail: Arc<str>,
    },
    /// The sink was closed before the outcome was known; the record may or may not be in the log.
    #[error("writer closed before the record was acknowledged")]
    Abandoned,
}

impl DeliveryError {
    /// The code: metric label, dead-letter header and log field.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused { reason, .. } | Self::Unavailable { reason, .. } => reason,
            Self::Fatal { .. } => "fenced",
            Self::Abandoned => "closed",
        }
    }

    /// Whether the record itself is the cause, so that sending it again cannot help.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl From<DeliveryError> for StreamError {
    /// A refused record or a broken writer is fatal to its batch; the other outcomes are transient.
    fn from(error: DeliveryError) -> Self {
        let reason = error.reason();
        match error {
            DeliveryError::Abandoned | DeliveryError::Unavailable { .. } => {
                Self::transient(reason, "deliver records", error)
            }
            _ => Self::fatal(reason, "deliver records", error),
        }
    }
}
