//! A value that is made of files, and made again when they change: certificates, keys.

use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::RwLock;
use runtime::{Clock, Shutdown};
use rustc_hash::FxHasher;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// So many looks in a row that find no file are a deleted one; fewer are one that is being replaced.
const MISSING_LOOKS: u32 = 2;

/// Makes the value of the files' contents, in the order of their names.
type Make<T> = fn(&[Vec<u8>]) -> anyhow::Result<T>;

/// The newest good value.
pub(crate) struct Watched<T> {
    files: Vec<PathBuf>,
    make: Make<T>,
    /// What a deleted file means; without it, the value stays.
    deleted: Option<fn() -> T>,
    /// Those of the files that hold secrets.
    secrets: Vec<PathBuf>,
    state: RwLock<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    /// Of the contents that were read last, good or bad; `None`: the file is gone, and with it what it said.
    mark: Option<u64>,
    /// Looks in a row that found no file.
    missing: u32,
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Unchanged,
    Changed,
    /// The files cannot be read any more; what they said no longer holds.
    Deleted,
}

impl<T> Watched<T> {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read, or they make no value.
    pub(crate) fn open(files: Vec<PathBuf>, make: Make<T>) -> anyhow::Result<Self> {
        let contents = read(&files)?;
        let state = State { value: Arc::new(make(&contents)?), mark: Some(mark(&contents)), missing: 0 };
        Ok(Self { files, make, deleted: None, secrets: Vec::new(), state: RwLock::new(state) })
    }

    /// With a value that holds while the files cannot be read: what is deleted is revoked.
    #[must_use]
    pub(crate) fn revoked_by_deletion(self, value: fn() -> T) -> Self {
        Self { deleted: Some(value), ..self }
    }

    /// With files that hold secrets: warned of, now and when they change, where every account of this machine reads them.
    #[must_use]
    pub(crate) fn with_secrets(self, secrets: Vec<PathBuf>) -> Self {
        let watched = Self { secrets, ..self };
        watched.warn_of_exposed();
        watched
    }

    fn warn_of_exposed(&self) {
        for line in self.secrets.iter().filter_map(|file| runtime::files::exposed(file)) {
            tracing::warn!("{line}");
        }
    }

    /// The newest good value.
    pub(crate) fn value(&self) -> Arc<T> {
        self.state.read().value.clone()
    }

    /// Looks at the files until stopped.
    ///
    /// # Errors
    /// None: a file that became bad leaves the value as it is.
    pub(crate) async fn run(self: Arc<Self>, clock: Clock, stop: Shutdown) -> anyhow::Result<()> {
        while stop.or(clock.sleep(INTERVAL)).await.is_some() {
            match self.look() {
                Ok(Found::Changed) => {
                    tracing::info!(files = ?self.files, "read again: they changed");
                    self.warn_of_exposed();
                }
                Ok(Found::Deleted) => {
                    tracing::warn!(files = ?self.files, "cannot be read any more: what they said is revoked until they are back");
                }
                Ok(Found::Unchanged) => {}
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), files = ?self.files, "not taken: what was read before stays");
                }
            }
        }
        Ok(())
    }

    /// Each bad content is told of once.
    fn look(&self) -> anyhow::Result<Found> {
        let Ok(contents) = read(&self.files) else { return Ok(self.miss()) };
        let mark = Some(mark(&contents));
        {
            let mut state = self.state.write();
            state.missing = 0;
            if mark == state.mark {
                return Ok(Found::Unchanged);
            }
        }
        let made = (self.make)(&contents);
        let mut state = self.state.write();
        state.mark = mark;
        state.value = Arc::new(made?);
        Ok(Found::Changed)
    }

    /// A file that is being replaced is missing for a moment.
    fn miss(&self) -> Found {
        let mut state = self.state.write();
        state.missing = state.missing.saturating_add(1);
        match self.deleted {
            Some(value) if state.missing >= MISSING_LOOKS && state.mark.is_some() => {
                state.value = Arc::new(value());
                state.mark = None;
                Found::Deleted
            }
            _ => Found::Unchanged,
        }
    }
}

fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Vec<u8>>> {
    files.iter().map(|file| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))).collect()
}

fn mark(contents: &[Vec<u8>]) -> u64 {
    let mut hasher = FxHasher::default();
    contents.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(contents: &[Vec<u8>]) -> anyhow::Result<u32> {
        Ok(std::str::from_utf8(&contents[0])?.trim().parse()?)
    }

    #[test]
    fn a_change_is_seen_and_a_bad_one_leaves_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("value");
        std::fs::write(&file, "1").unwrap();
        let watched = Watched::open(vec![file.clone()], number).unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 1));
        std::fs::write(&file, "2").unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Changed, 2));
        std::fs::write(&file, "two").unwrap();
        assert!(watched.look().is_err() && *watched.value() == 2);
        assert_eq!(watched.look().unwrap(), Found::Unchanged, "told once");
        std::fs::remove_file(&file).unwrap();
        for _ in 0..=MISSING_LOOKS {
            assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 2));
        }
        assert!(Watched::open(vec![file], number).is_err());
    }

    #[test]
    fn a_deleted_file_is_revoked_where_that_is_its_meaning() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("value");
        std::fs::write(&file, "1").unwrap();
        let watched = Watched::open(vec![file.clone()], number).unwrap().revoked_by_deletion(|| 0);
        std::fs::remove_file(&file).unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 1), "it may be being replaced");
        std::fs::write(&file, "1").unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 1));
        std::fs::remove_file(&file).unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 1));
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Deleted, 0));
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Unchanged, 0), "told once");
        std::fs::write(&file, "1").unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (Found::Changed, 1), "the same content counts again");
    }
}
