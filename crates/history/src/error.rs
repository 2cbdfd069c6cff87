//! The errors of a history.

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A call on the history failed.
///
/// `attempted` names the action; the cause is the source. `reason` is one of a small closed set, fit for metric labels:
/// `unavailable`, `timeout`, `busy`, `refused_rows`, `not_migrated`, `newer_than_program`, `unauthorised`,
/// `bad_settings`, `broken`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The store is unavailable, busy or not migrated yet: back off and retry. Readers over HTTP get 503.
    #[error("{attempted}")]
    Transient {
        /// The action.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// The error of the store or its client.
        source: Cause,
    },
    /// The store refuses some of these rows: split them, and write dead letters for the refused ones.
    #[error("{attempted}")]
    RefusedRows {
        /// The action.
        attempted: String,
        /// The store's error.
        source: Cause,
    },
    /// A retry cannot help: settings, credentials, a store of a newer version, a broken invariant.
    #[error("{attempted}")]
    Fatal {
        /// The action.
        attempted: String,
        /// A code of the closed set.
        reason: &'static str,
        /// The error of the store or its client.
        source: Cause,
    },
}

impl HistoryError {
    /// An error that a retry may avoid.
    pub fn transient(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Transient { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// An error that every retry would meet.
    pub fn fatal(reason: &'static str, attempted: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Fatal { attempted: attempted.into(), reason, source: cause.into() }
    }

    /// Rows that the store refuses.
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
