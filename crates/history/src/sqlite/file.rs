//! Opens the file, migrates it, and moves a malformed one aside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use runtime::Clock;
use rusqlite::{Connection, OpenFlags};

use super::errors;
use crate::migrations::{MigrationStatus, SQLITE};
use crate::model::Stored;
use crate::{
    AlertRow, ConfirmationRow, DecisionRow, ErasureRow, FlightRow, GroundPositionRow, HistoryError, NameRow,
    PositionRow, ReceiverRow, ReceptionRow, ThermalRow, WeatherRow,
};

/// The suffixes of SQLite's additional files.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Why a file cannot be used.
enum Unusable {
    /// It is not a history, or is damaged.
    Malformed(String),
    Other(HistoryError),
}

/// Opens the writing connection; a malformed file is moved aside first.
///
/// # Errors
/// Fatal: the file is of a newer program. Transient: it cannot be opened.
pub(super) fn open(path: &Path, clock: &Clock) -> Result<Connection, HistoryError> {
    let why = match prepared(path) {
        Ok(connection) => return Ok(connection),
        Err(Unusable::Other(error)) => return Err(error),
        Err(Unusable::Malformed(why)) => why,
    };
    move_aside(path, &why, clock)?;
    prepared(path).map_err(|unusable| match unusable {
        Unusable::Other(error) => error,
        Unusable::Malformed(why) => HistoryError::transient("unavailable", attempted(path), why),
    })
}

/// Renames the file and SQLite's additional files to names with the time, and logs it.
///
/// # Errors
/// Transient: the rename failed.
pub(super) fn move_aside(path: &Path, why: &str, clock: &Clock) -> Result<(), HistoryError> {
    let suffix = format!(".malformed-{}", clock.now_us());
    for beside in [""].into_iter().chain(BESIDE) {
        let from = with_suffix(path, beside);
        let to = with_suffix(&with_suffix(path, &suffix), beside);
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let attempted = format!("move {} to {}", from.display(), to.display());
                return Err(HistoryError::transient("unavailable", attempted, error));
            }
            Ok(()) => {}
        }
    }
    let kept = with_suffix(path, &suffix);
    tracing::error!(
        file = %path.display(),
        why,
        kept = %kept.display(),
        "the malformed history was moved aside and a new one was created: repair the old file by hand, or remove it"
    );
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn attempted(path: &Path) -> String {
    format!("open the history in {}", path.display())
}

/// Connects to the file.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::default())?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power failure can lose the last blocks; their offsets are in memory and are lost, too.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Connects to the file and migrates it; the result has all tables.
fn prepared(path: &Path) -> Result<Connection, Unusable> {
    let unusable = |error: rusqlite::Error| match errors::is_malformed(&error) {
        true => Unusable::Malformed(error.to_string()),
        false => Unusable::Other(errors::error(attempted(path), error)),
    };
    let mut connection = connect(path).map_err(unusable)?;
    migrate(&mut connection, path)?;
    for (table, columns) in TABLES {
        // Fails for a table that differs from this program's.
        connection
            .prepare(&format!("SELECT {} FROM {table}", columns.join(", ")))
            .map_err(|error| of_other_tables(path, error))?;
    }
    Ok(connection)
}

const TABLES: [(&str, &[&str]); 12] = [
    (PositionRow::TABLE, PositionRow::COLUMNS),
    (ConfirmationRow::TABLE, ConfirmationRow::COLUMNS),
    (DecisionRow::TABLE, DecisionRow::COLUMNS),
    (GroundPositionRow::TABLE, GroundPositionRow::COLUMNS),
    (WeatherRow::TABLE, WeatherRow::COLUMNS),
    (NameRow::TABLE, NameRow::COLUMNS),
    (ReceptionRow::TABLE, ReceptionRow::COLUMNS),
    (ReceiverRow::TABLE, ReceiverRow::COLUMNS),
    (ThermalRow::TABLE, ThermalRow::COLUMNS),
    (AlertRow::TABLE, AlertRow::COLUMNS),
    (ErasureRow::TABLE, ErasureRow::COLUMNS),
    (FlightRow::TABLE, FlightRow::COLUMNS),
];

fn migrate(writer: &mut Connection, path: &Path) -> Result<(), Unusable> {
    let applied = writer.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let applied = applied.map_err(|error| of_other_tables(path, error))?;
    let applied = u32::try_from(applied).map_err(|_| Unusable::Malformed(format!("its version is {applied}")))?;
    let status = MigrationStatus::new(SQLITE, applied);
    if status.is_newer_than_program() {
        let why = format!(
            "the file is at version {}, this program knows {}: use the newer program",
            status.applied, status.known
        );
        return Err(Unusable::Other(HistoryError::fatal("newer_than_program", attempted(path), why)));
    }
    for migration in status.pending {
        let apply = |writer: &mut Connection| {
            let step = writer.transaction()?;
            step.execute_batch(migration.sql)?;
            step.pragma_update(None, "user_version", migration.version)?;
            step.commit()
        };
        apply(writer).map_err(|error| of_other_tables(path, error))?;
    }
    Ok(())
}

/// A failure of one of our statements means that the file has other tables.
fn of_other_tables(path: &Path, error: rusqlite::Error) -> Unusable {
    let is_refused = matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown);
    match is_refused || errors::is_malformed(&error) {
        true => Unusable::Malformed(error.to_string()),
        false => Unusable::Other(errors::error(attempted(path), error)),
    }
}
