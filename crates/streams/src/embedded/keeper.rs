//! Keeps the log in a file: restores it, writes its changes, and writes the file again when it has grown.
//!
//! A file is complete at any time: it is replaced by a new one that has the committed offsets first and then all records
//! that a restart needs. So a record may be in it that its group has committed since, and no group has committed a record
//! whose effects are missing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::journal::{Batch, Entry, Journal, MAGIC, Next, read};
use super::state::Shared;
use crate::StreamError;

/// How long changes gather before they are written together: what an acknowledgement may wait beside the disk.
const GATHER: Duration = Duration::from_millis(20);
/// Between two attempts to write, when the disk is full or broken.
const RETRY: Duration = Duration::from_secs(5);
/// The file is written again when it has grown by more than this and by more than what it began with ...
const GROWTH_BYTES: u64 = 64 << 20;
/// ... or when its oldest records are older by as much, so that deleted ones do not stay.
const GROWTH_MS: i64 = 3_600_000;

/// See [`JournalSettings::report`].
pub(super) type Report = Box<dyn Fn(Option<&str>) + Send>;

/// Where the log is kept.
pub struct JournalSettings {
    /// The file. Beside it are another one while it is replaced (`.new`), and one that says that it is in use (`.lock`).
    pub file: PathBuf,
    /// Topics whose records are acknowledged when they are on the disk: those that clients outside rely upon.
    pub synced_topics: Vec<String>,
    /// The present time, in milliseconds since the Unix epoch: older records than the topics keep are not restored.
    pub now_ms: i64,
    /// Called by the writer when it cannot write, with the reason, and with `None` when it can again.
    pub report: Report,
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records.
    pub records: u64,
    /// Whether the file was damaged: what followed the damage is lost, and a copy of the file is beside it (`.damaged`).
    pub is_damaged: bool,
}

/// Restores the log, and starts the writer.
pub(super) fn keep(log: &Arc<Shared>, settings: JournalSettings) -> Result<Restored, StreamError> {
    let JournalSettings { file, synced_topics, now_ms, report } = settings;
    let failed = |cause: std::io::Error| failed(&file, cause);
    let lock = lock(&file)?;
    let restored = restore(log, &file, now_ms)?;
    if restored.is_damaged {
        std::fs::copy(&file, file.with_extension("damaged")).map_err(failed)?;
    }
    let journal = Arc::new(Journal::new(synced_topics));
    log.lock().keep_in(journal.clone());
    let mut writer = Writer { log: Arc::downgrade(log), journal, file: file.clone(), now: None, report, _lock: lock };
    writer.replace(now_ms).map_err(failed)?;
    let thread = std::thread::Builder::new().name("embedded-journal".into());
    thread.spawn(move || writer.run()).map_err(failed)?;
    Ok(restored)
}

fn failed(file: &Path, cause: std::io::Error) -> StreamError {
    StreamError::fatal("journal", format!("keep the log in {}", file.display()), cause)
}

/// Holds the file for this process.
fn lock(file: &Path) -> Result<File, StreamError> {
    let path = file.with_extension("lock");
    let lock = open(&path).map_err(|cause| failed(&path, cause))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let attempted = format!("keep the log in {}", file.display());
            Err(StreamError::fatal("journal", attempted, "another process uses it"))
        }
        Err(TryLockError::Error(cause)) => Err(failed(&path, cause)),
    }
}

/// For the owner alone: it has the positions of hidden devices.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}

fn restore(log: &Shared, file: &Path, now_ms: i64) -> Result<Restored, StreamError> {
    let failed = |cause: std::io::Error| failed(file, cause);
    let mut restored = Restored::default();
    let mut from = match File::open(file) {
        Ok(found) => BufReader::with_capacity(1 << 20, found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(restored),
        Err(error) => return Err(failed(error)),
    };
    let mut magic = [0; MAGIC.len()];
    if from.read_exact(&mut magic).is_err() || magic != *MAGIC {
        return Err(failed(std::io::Error::other("it is not a log of this program: move it away")));
    }
    let mut state = log.lock();
    loop {
        match read(&mut from).map_err(failed)? {
            Next::Entry(entry) => {
                let is_record = matches!(entry, Entry::Record(..));
                restored.records += u64::from(state.restore(entry, now_ms) && is_record);
            }
            Next::End => return Ok(restored),
            Next::Damaged => return Ok(Restored { is_damaged: true, ..restored }),
        }
    }
}

struct Writer {
    log: Weak<Shared>,
    journal: Arc<Journal>,
    file: PathBuf,
    /// The file as it is now; `None` where it has to be written again.
    now: Option<Now>,
    report: Report,
    _lock: File,
}

struct Now {
    file: File,
    /// Bytes that it began with, and that were added.
    first_bytes: u64,
    added_bytes: u64,
    /// The log's time when it was begun.
    begun_ms: i64,
}

impl Writer {
    fn run(mut self) {
        let mut is_failing = false;
        loop {
            let batch = self.journal.take();
            let (up_to, is_last) = (batch.up_to, batch.is_last);
            match self.write(batch) {
                Ok(()) => {
                    self.journal.written(up_to);
                    if std::mem::take(&mut is_failing) {
                        (self.report)(None);
                    }
                }
                Err(error) => {
                    self.now = None;
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::error!(%error, file = %self.file.display(), "cannot write the log: messages are not acknowledged until it can be written");
                    }
                    (self.report)(Some(&error.to_string()));
                }
            }
            if is_last {
                break;
            }
            self.journal.gather(if is_failing { RETRY } else { GATHER });
        }
        let journal = self.journal.clone();
        // The file is free before anybody learns that it is closed.
        drop(self);
        journal.closed();
    }

    /// After an error the end of the file is not known: it is written again.
    fn write(&mut self, batch: Batch) -> std::io::Result<()> {
        let newest_ms = self.log.upgrade().map_or(i64::MIN, |log| log.lock().newest_ms());
        let Some(now) = self.now.as_mut().filter(|_| !batch.is_incomplete) else { return self.replace(newest_ms) };
        now.file.write_all(&batch.bytes)?;
        now.file.sync_data()?;
        now.added_bytes += batch.bytes.len() as u64;
        let has_grown = now.added_bytes > now.first_bytes.max(GROWTH_BYTES);
        let has_aged = newest_ms.saturating_sub(now.begun_ms) > GROWTH_MS;
        if (has_grown || has_aged) && !batch.is_last {
            self.replace(newest_ms)?;
        }
        Ok(())
    }

    /// Writes a new file from the log in memory. Where the log is gone the present one stays.
    fn replace(&mut self, now_ms: i64) -> std::io::Result<()> {
        let Some(log) = self.log.upgrade() else {
            return Err(std::io::Error::other("the log ended before it could be written again"));
        };
        let new = self.file.with_extension("new");
        let mut to = BufWriter::with_capacity(1 << 20, open(&new)?);
        let (mut bytes, mut first_bytes) = (Vec::new(), MAGIC.len() as u64);
        let mut put = |to: &mut BufWriter<File>, entry: &Entry| {
            bytes.clear();
            entry.encode(&mut bytes);
            first_bytes += bytes.len() as u64;
            to.write_all(&bytes)
        };
        to.write_all(MAGIC)?;
        // First: the records that are read after it may be newer than the commits, and never the other way round.
        let (epoch, commits, floors) = {
            let state = log.lock();
            (state.epoch(), state.commits(), state.floors())
        };
        put(&mut to, &Entry::Epoch(epoch))?;
        for commit in &commits {
            put(&mut to, commit)?;
        }
        for (at, floor) in floors {
            // One partition at a time, so that the others go on; what changes meanwhile follows from the queue.
            let (records, end) = {
                let state = log.lock();
                let Ok(partition) = state.partition(&at) else { continue };
                (partition.needed(floor, now_ms), partition.watermarks().high)
            };
            for record in records {
                put(&mut to, &Entry::Record(at.clone(), record))?;
            }
            put(&mut to, &Entry::End(at, end))?;
        }
        let file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.file)?;
        if let Some(folder) = self.file.parent() {
            // So that the new name is on the disk, too.
            File::open(folder)?.sync_all()?;
        }
        self.now = Some(Now { file, first_bytes, added_bytes: 0, begun_ms: now_ms });
        Ok(())
    }
}

impl std::fmt::Debug for JournalSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalSettings").field("file", &self.file).finish_non_exhaustive()
    }
}
