//! What can go wrong, sorted by what the caller should do about it.

use std::error::Error;
use std::sync::Arc;

type Cause = Box<dyn Error + Send + Sync>;

/// A call on the log failed.
///
/// `attempted` says what was tried and on what; the cause is the source. `reason` is one of a small closed set, fit for
/// metric labels: `unavailable`, `timeout`, `queue_full`, `unknown_topic`, `unauthorised`, `not_owned`, `no_group`,
/// `bad_settings`, `bad_request`, `incompatible_schema`, `fenced`, `stranded`, `closed`, `broker`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The other side is away, busy or electing: back off and try again.
    #[error("{attempted}")]
    Transient {
        /// What was attempted and on what.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// What the client library said.
        source: Cause,
    },
    /// Trying again cannot help: settings, permissions, a broken invariant, or a client that must be built anew.
    #[error("{attempted}")]
    Fatal {
        /// What was attempted and on what.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// What the client library said.
        source: Cause,
    },
}

impl StreamError {
    /// An error that a later try may not meet.
    pub fn transient(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Transient { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// An error that every later try will meet.
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

/// A record was not written. What the receipt says; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// This record will never be accepted: put it aside.
    #[error("record refused: {detail}")]
    Refused {
        /// `too_large`, `invalid`.
        reason: &'static str,
        /// What the log said.
        detail: Arc<str>,
    },
    /// Not written now; sending it again later may help (the topic is missing or not permitted, the cluster gave up).
    #[error("record not written: {detail}")]
    Unavailable {
        /// `unknown_topic`, `unauthorised`, `timeout`, `broker`.
        reason: &'static str,
        /// What the log said.
        detail: Arc<str>,
    },
    /// The writer is broken (fenced, out of sequence) and must be built anew; the record may be sent through the next one.
    #[error("writer failed: {detail}")]
    Fatal {
        /// What the log said.
        detail: Arc<str>,
    },
    /// The sink was dropped or purged before the record's fate was known; it may or may not be in the log.
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

    /// Whether this very record is at fault, so that sending it again cannot help.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl From<DeliveryError> for StreamError {
    /// A record that was refused or a writer that broke is fatal to the batch it was part of; the rest is not.
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
