//! The history in a SQLite file, for a single process without a server.
//!
//! One connection writes, several read concurrently (write-ahead log). Calls run on blocking threads. No lock is held
//! between two calls, and no reading connection between two pages of a response, so that a slow client blocks nothing.
//! A malformed file is renamed, and a new one is created.

mod errors;
mod expire;
mod file;
mod flights;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use runtime::Clock;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::read_limiter::ReadLimiter;
use crate::{HistoryError, Retention};

/// Concurrent queries; further ones wait.
const MAX_READERS: usize = 8;

/// A SQLite file. Cheap to clone; a temporary file is deleted with the last clone.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Deletes the temporary file.
    _temporary: Option<TempDir>,
    /// The connection that writes. `None`: the malformed file was renamed, and a new one could not be created yet.
    writer: Mutex<Option<Connection>>,
    idle: Mutex<Idle>,
    limiter: ReadLimiter,
    retention: Retention,
    clock: Clock,
}

/// The reading connections that no query uses.
#[derive(Default)]
struct Idle {
    /// All to the present file.
    connections: Vec<Connection>,
    /// Counts the files. A connection that a query took from an earlier generation is to a renamed file, and is closed
    /// after the query.
    generation: u64,
}

impl Sqlite {
    /// Opens a file, or a temporary one without `path`, and migrates it to this program's version. Blocks briefly. A
    /// malformed file is renamed, which is logged, and a new one is created.
    ///
    /// # Errors
    /// Fatal: a newer program wrote the file, or the temporary directory cannot be created. Transient: the file cannot
    /// be opened.
    pub fn open(path: Option<&Path>, retention: Retention, clock: Clock) -> Result<Self, HistoryError> {
        let (path, temporary) = match path {
            Some(path) => (path.to_owned(), None),
            None => {
                let dir = TempDir::with_prefix("updraft-history-").map_err(|error| {
                    HistoryError::fatal("bad_settings", "create a temporary folder for the history", error)
                })?;
                (dir.path().join("history.sqlite"), Some(dir))
            }
        };
        let writer = file::open(&path, &clock)?;
        Ok(Self(Arc::new(Inner {
            path,
            _temporary: temporary,
            writer: Mutex::new(Some(writer)),
            idle: Mutex::default(),
            limiter: ReadLimiter::new(MAX_READERS, clock.clone()),
            retention,
            clock,
        })))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Runs `work` on a blocking thread with the writing connection.
    async fn writing<T: Send + 'static>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || inner.write(attempted, work)).await;
        done.map_err(|error| HistoryError::fatal("broken", attempted, error))?
    }

    /// Runs `work` on a blocking thread with a reading connection, when at most [`MAX_READERS`] queries run.
    /// `is_first`: `work` reads the first page of a query, which may be refused when too many wait.
    async fn reading<T: Send + 'static>(
        &self,
        attempted: &'static str,
        is_first: bool,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let permit = self.0.limiter.acquire(attempted, is_first).await?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let read = inner.read(attempted, work);
            // Only now: when the caller has dropped the future, the query runs to its end all the same.
            drop(permit);
            read
        });
        done.await.map_err(|error| HistoryError::fatal("broken", attempted, error))?
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.clock.now_us() / 1_000).unwrap_or(i64::MAX)
    }
}

impl Inner {
    fn write<T>(
        &self,
        attempted: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let mut writer = self.writer.lock();
        let connection = match &mut *writer {
            Some(connection) => connection,
            absent => absent.insert(file::open(&self.path, &self.clock)?),
        };
        let written = work(connection);
        if let Err(error) = &written
            && errors::is_malformed(error)
        {
            self.replace_file(&mut writer, error)?;
        }
        written.map_err(|error| errors::error(attempted, error))
    }

    fn read<T>(
        &self,
        attempted: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let (connection, generation) = {
            let mut idle = self.idle.lock();
            (idle.connections.pop(), idle.generation)
        };
        let connection = match connection {
            Some(connection) => Ok(connection),
            None => file::connect(&self.path),
        };
        let (read, connection) = match connection {
            Ok(connection) => (work(&connection), Some(connection)),
            Err(error) => (Err(error), None),
        };
        if let Err(error) = &read
            && errors::is_malformed(error)
        {
            drop(connection);
            let mut writer = self.writer.lock();
            // Another query may have replaced the file meanwhile.
            if self.idle.lock().generation == generation {
                self.replace_file(&mut writer, error)?;
            }
        } else if let Some(connection) = connection {
            let mut idle = self.idle.lock();
            if idle.generation == generation {
                idle.connections.push(connection);
            }
        }
        read.map_err(|error| errors::error(attempted, error))
    }

    /// Renames the file and creates a new one. Queries in progress continue on the old file.
    fn replace_file(&self, writer: &mut Option<Connection>, why: &rusqlite::Error) -> Result<(), HistoryError> {
        let mut idle = self.idle.lock();
        idle.connections.clear();
        idle.generation += 1;
        *writer = None;
        file::move_aside(&self.path, &why.to_string(), &self.clock)?;
        *writer = Some(file::open(&self.path, &self.clock)?);
        Ok(())
    }
}
