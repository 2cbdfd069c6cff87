//! What SQLite's words mean for us.

use rusqlite::{Error, ErrorCode};

use crate::HistoryError;

pub(super) fn error(attempted: impl Into<String>, cause: Error) -> HistoryError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HistoryError::transient("busy", attempted, cause),
        Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => {
            HistoryError::transient("unavailable", attempted, cause)
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            HistoryError::refused(attempted, cause)
        }
        _ => HistoryError::fatal("broken", attempted, cause),
    }
}
