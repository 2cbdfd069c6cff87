//! What can go wrong between a program and its history.

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A call on the history failed.
///
/// `attempted` says what was tried; the cause is the source. `reason` is one of a small closed set, fit for metric labels:
/// `unavailable`, `timeout`, `busy`, `refused_rows`, `not_migrated`, `newer_than_program`, `unauthorised`, `bad_settings`,
/// `broken`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The store is away, busy, or not set up yet: back off and try again. To a reader over HTTP: 503.
    #[error("{attempted}")]
    Transient {
        /// What was attempted.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// What the store or its client said.
        source: Cause,
    },
    /// The store is there and says that some of these very rows cannot be: split them and put the bad ones aside.
    #[error("{attempted}")]
    RefusedRows {
        /// What was attempted.
        attempted: String,
        /// What the store said.
        source: Cause,
    },
    /// Trying again cannot help: settings, credentials, a store of a newer version, a broken invariant.
    #[error("{attempted}")]
    Fatal {
        /// What was attempted.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// What the store or its client said.
        source: Cause,
    },
}

impl HistoryError {
    /// An error that a later try may not meet.
    pub fn transient(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Transient { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// An error that every later try will meet.
    pub fn fatal(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Fatal { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// Rows that the store does not take.
    pub fn refused(attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::RefusedRows { attempted: attempted.into(), source: cause.into() }
    }

    /// The code: metric label, dead-letter header and log field.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Transient { reason, .. } | Self::Fatal { reason, .. } => reason,
            Self::RefusedRows { .. } => "refused_rows",
        }
    }

    /// Whether a retry makes sense.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}
