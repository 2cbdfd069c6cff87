//! The history in a file of SQLite, for one process that wants no server.
//!
//! One connection writes, a few read beside it (WAL). Calls run on blocking threads; no lock is held between two of them.

mod errors;
mod expire;
mod flights;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use runtime::Clock;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::migrations::{MigrationStatus, SQLITE};
use crate::{HistoryError, Retention};

/// Queries that read at the same time; more wait.
const READERS: usize = 8;

/// A file of SQLite. Cheap to clone; a temporary one goes with the last clone.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    _temporary: Option<TempDir>,
    writer: Mutex<Connection>,
    idle_readers: Mutex<Vec<Connection>>,
    readers: Arc<Semaphore>,
    retention: Retention,
    clock: Clock,
}

impl Sqlite {
    /// Opens a file, or a temporary one, and brings it to this program's version. Blocks for a moment.
    ///
    /// # Errors
    /// Fatal: it is no such file, or of a newer program. Transient: it cannot be opened now.
    pub fn open(path: Option<&Path>, retention: Retention, clock: Clock) -> Result<Self, HistoryError> {
        let (path, temporary) = match path {
            Some(path) => (path.to_owned(), None),
            None => {
                let dir = TempDir::with_prefix("updraft-history-").map_err(|error| {
                    HistoryError::fatal("bad_settings", "make a temporary folder for the history", error)
                })?;
                (dir.path().join("history.sqlite"), Some(dir))
            }
        };
        let attempted = || format!("open the history in {}", path.display());
        let mut writer = connect(&path, OpenFlags::default()).map_err(|error| errors::error(attempted(), error))?;
        migrate(&mut writer, attempted)?;
        Ok(Self(Arc::new(Inner {
            path,
            _temporary: temporary,
            writer: Mutex::new(writer),
            idle_readers: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            retention,
            clock,
        })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Runs on a blocking thread with the connection that writes.
    async fn writing<T: Send + 'static>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut inner.writer.lock())).await;
        done.map_err(|error| HistoryError::fatal("broken", attempted, error))?
            .map_err(|error| errors::error(attempted, error))
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.clock.now_us() / 1_000).unwrap_or(i64::MAX)
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut can take the last blocks; their offsets are in memory and go with them.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn migrate(writer: &mut Connection, attempted: impl Fn() -> String) -> Result<(), HistoryError> {
    let applied = writer.pragma_query_value(None, "user_version", |row| row.get(0));
    let applied = applied.map_err(|error| errors::error(attempted(), error))?;
    let status = MigrationStatus::new(SQLITE, applied);
    if status.is_newer_than_program() {
        let why = format!("the file is at version {}, this program knows {}", status.applied, status.known);
        return Err(HistoryError::fatal("newer_than_program", attempted(), why));
    }
    for migration in status.pending {
        let apply = |writer: &mut Connection| {
            let step = writer.transaction()?;
            step.execute_batch(migration.sql)?;
            step.pragma_update(None, "user_version", migration.version)?;
            step.commit()
        };
        apply(writer).map_err(|error| errors::error(attempted(), error))?;
    }
    Ok(())
}
