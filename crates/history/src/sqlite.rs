//! The history in a file of SQLite, for one process that wants no server.
//!
//! One connection writes, a few read beside it (WAL). Calls run on blocking threads; no lock is held between two of them, and
//! no reader between two pages of an answer. A file that turns out to be malformed is moved aside, and a new one begun.

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

use crate::turns::Turns;
use crate::{HistoryError, Retention};

/// Queries that read at the same time; more wait.
const READERS: usize = 8;

/// A file of SQLite. Cheap to clone; a temporary one goes with the last clone.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    _temporary: Option<TempDir>,
    /// `None`: the file was moved aside, and a new one could not be made yet.
    writer: Mutex<Option<Connection>>,
    idle: Mutex<Idle>,
    turns: Turns,
    retention: Retention,
    clock: Clock,
}

/// Connections that read, of the file that is there now.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// Counts the files: each that is moved aside begins another.
    generation: u64,
}

impl Sqlite {
    /// Opens a file, or a temporary one, and brings it to this program's version. Blocks for a moment. A malformed file is
    /// moved aside, which is logged, and a new one begun.
    ///
    /// # Errors
    /// Fatal: it is of a newer program. Transient: it cannot be opened now.
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
        let writer = file::open(&path, &clock)?;
        Ok(Self(Arc::new(Inner {
            path,
            _temporary: temporary,
            writer: Mutex::new(Some(writer)),
            idle: Mutex::default(),
            turns: Turns::new(READERS, clock.clone()),
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
        let done = tokio::task::spawn_blocking(move || inner.write(attempted, work)).await;
        done.map_err(|error| HistoryError::fatal("broken", attempted, error))?
    }

    /// Runs on a blocking thread with a connection that reads, when it is this question's turn. `is_first`: see
    /// [`Turns::take`].
    async fn reading<T: Send + 'static>(
        &self,
        attempted: &'static str,
        is_first: bool,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let turn = self.0.turns.take(attempted, is_first).await?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let read = inner.read(attempted, work);
            // Held to here also where the one who asked has left.
            drop(turn);
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
            self.begin_another(&mut writer, error)?;
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
            if self.idle.lock().generation == generation {
                self.begin_another(&mut writer, error)?;
            }
        } else if let Some(connection) = connection {
            let mut idle = self.idle.lock();
            if idle.generation == generation {
                idle.connections.push(connection);
            }
        }
        read.map_err(|error| errors::error(attempted, error))
    }

    /// Moves the file aside and begins another. Readers that are under way end with what they have.
    fn begin_another(&self, writer: &mut Option<Connection>, why: &rusqlite::Error) -> Result<(), HistoryError> {
        let mut idle = self.idle.lock();
        idle.connections.clear();
        idle.generation += 1;
        *writer = None;
        file::move_aside(&self.path, &why.to_string(), &self.clock)?;
        *writer = Some(file::open(&self.path, &self.clock)?);
        Ok(())
    }
}
