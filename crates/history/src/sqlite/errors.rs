//! Classifies errors of SQLite.

use rusqlite::{Error, ErrorCode};

use crate::HistoryError;

/// Whether the file is not a database, or is damaged.
pub(super) fn is_malformed(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

pub(super) fn error(attempted: impl Into<String>, cause: Error) -> HistoryError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HistoryError::transient("busy", attempted, cause),
        Some(
            ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed,
        ) => HistoryError::transient("unavailable", attempted, cause),
        // The file is moved aside: a retry finds a new one.
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            HistoryError::transient("broken", attempted, cause)
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            HistoryError::refused(attempted, cause)
        }
        _ => HistoryError::fatal("broken", attempted, cause),
    }
}
