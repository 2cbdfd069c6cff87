//! Classifies errors of the server and the client.

use clickhouse::error::Error;

use crate::HistoryError;

/// A missing table, database, column or view.
const NOT_MIGRATED: &[u32] = &[10, 16, 47, 60, 81];
/// Overload: queries, parts, memory, time, disk; a read-only replica.
const BUSY: &[u32] = &[159, 160, 202, 203, 209, 210, 241, 242, 243, 252, 319, 364, 439, 745];
/// Missing or refused credentials.
const UNAUTHORISED: &[u32] = &[192, 193, 194, 497, 516];
/// A value of the rows is refused.
const REFUSED_ROWS: &[u32] = &[6, 26, 27, 33, 41, 69, 70, 72, 117, 131, 321, 349, 469];

pub(super) fn error(attempted: impl Into<String>, cause: Error) -> HistoryError {
    let attempted = attempted.into();
    match &cause {
        Error::Network(_) => HistoryError::transient("unavailable", attempted, cause),
        Error::TimedOut => HistoryError::transient("timeout", attempted, cause),
        Error::SchemaMismatch(_) => HistoryError::transient("not_migrated", attempted, cause),
        Error::BadResponse(text) => match code(text) {
            Some(code) if NOT_MIGRATED.contains(&code) => HistoryError::transient("not_migrated", attempted, cause),
            Some(code) if BUSY.contains(&code) => HistoryError::transient("busy", attempted, cause),
            Some(code) if UNAUTHORISED.contains(&code) => HistoryError::fatal("unauthorised", attempted, cause),
            Some(code) if REFUSED_ROWS.contains(&code) => HistoryError::refused(attempted, cause),
            Some(_) => HistoryError::transient("broken", attempted, cause),
            None => HistoryError::transient("unavailable", attempted, cause),
        },
        // An incomplete answer: the connection was lost.
        _ => HistoryError::transient("broken", attempted, cause),
    }
}

pub(super) fn timeout(attempted: impl Into<String>) -> HistoryError {
    HistoryError::transient("timeout", attempted, "no answer in time")
}

/// `Code: 60. DB::Exception: ...`
fn code(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Code: ")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_the_family() {
        let of = |text: &str| error("insert", Error::BadResponse(text.to_owned()));
        let cases = [
            ("Code: 60. DB::Exception: Unknown table", "not_migrated", true),
            ("Code: 252. DB::Exception: Too many parts", "busy", true),
            ("Code: 516. DB::Exception: Authentication failed", "unauthorised", false),
            ("Code: 469. DB::Exception: Constraint is violated", "refused_rows", false),
            ("Code: 1002. DB::Exception: ?", "broken", true),
            ("502 Bad Gateway", "unavailable", true),
        ];
        for (text, reason, transient) in cases {
            let error = of(text);
            assert_eq!((error.reason(), error.is_transient()), (reason, transient), "{text}");
        }
        assert_eq!(error("x", Error::TimedOut).reason(), "timeout");
    }
}
