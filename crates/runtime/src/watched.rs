//! A value that is parsed from files and reloaded when they change: certificates, keys.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::RwLock;

use crate::{Clock, Shutdown, files};

/// Time between two checks of the files.
const INTERVAL: Duration = Duration::from_secs(2);

/// A file that is missing in this many checks in a row is deleted; in fewer, it is being replaced.
const MISSING_CHECKS: u32 = 2;

/// Parses the contents of the files, which are in the order of their names.
type Parse<T> = fn(&[Vec<u8>]) -> anyhow::Result<T>;

/// The value of the newest valid files.
pub struct Watched<T> {
    files: Vec<PathBuf>,
    parse: Parse<T>,
    /// The value while a file is deleted; `None`: the value stays.
    deleted: Option<fn() -> T>,
    /// The files that contain secrets.
    secrets: Vec<PathBuf>,
    state: RwLock<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    /// Hash of the contents that were read last, valid or not; `None`: a file is deleted and its value revoked.
    fingerprint: Option<u64>,
    /// Checks in a row that found a file missing.
    missing: u32,
}

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    None,
    Reloaded,
    /// A file is deleted: the value is revoked.
    Revoked,
}

impl<T> Watched<T> {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read or is invalid.
    pub fn open(files: Vec<PathBuf>, parse: Parse<T>) -> anyhow::Result<Self> {
        let contents = read(&files)?;
        let value = Arc::new(parse(&contents)?);
        let state = State { value, fingerprint: Some(fingerprint(&contents)), missing: 0 };
        Ok(Self { files, parse, deleted: None, secrets: Vec::new(), state: RwLock::new(state) })
    }

    /// With a value that replaces the last one while a file is deleted.
    #[must_use]
    pub fn revoked_by_deletion(self, value: fn() -> T) -> Self {
        Self { deleted: Some(value), ..self }
    }

    /// With files that contain secrets. Logs a warning, now and after each change, where every account of this machine
    /// can read them.
    #[must_use]
    pub fn with_secrets(self, secrets: Vec<PathBuf>) -> Self {
        let watched = Self { secrets, ..self };
        watched.warn_if_exposed();
        watched
    }

    fn warn_if_exposed(&self) {
        for line in self.secrets.iter().filter_map(|file| files::exposed(file)) {
            tracing::warn!("{line}");
        }
    }

    /// The value of the newest valid files.
    pub fn value(&self) -> Arc<T> {
        self.state.read().value.clone()
    }

    /// Checks the files until stopped.
    ///
    /// # Errors
    /// None: an invalid file leaves the value as it is.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: Shutdown) -> anyhow::Result<()> {
        while stop.or(clock.sleep(INTERVAL)).await.is_some() {
            match self.check() {
                Ok(Change::Reloaded) => {
                    tracing::info!(files = ?self.files, "files changed and were reloaded");
                    self.warn_if_exposed();
                }
                Ok(Change::Revoked) => {
                    tracing::warn!(files = ?self.files, "files cannot be read any more: their content is revoked until they are back");
                }
                Ok(Change::None) => {}
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), files = ?self.files, "changed files are invalid: the previous content stays in use");
                }
            }
        }
        Ok(())
    }

    /// Reports each invalid content once.
    fn check(&self) -> anyhow::Result<Change> {
        let Ok(contents) = read(&self.files) else { return Ok(self.count_missing()) };
        let fingerprint = Some(fingerprint(&contents));
        {
            let mut state = self.state.write();
            state.missing = 0;
            if fingerprint == state.fingerprint {
                return Ok(Change::None);
            }
        }
        let parsed = (self.parse)(&contents);
        let mut state = self.state.write();
        state.fingerprint = fingerprint;
        state.value = Arc::new(parsed?);
        Ok(Change::Reloaded)
    }

    /// A file that is being replaced is missing for a short time.
    fn count_missing(&self) -> Change {
        let mut state = self.state.write();
        state.missing = state.missing.saturating_add(1);
        match self.deleted {
            Some(value) if state.missing >= MISSING_CHECKS && state.fingerprint.is_some() => {
                state.value = Arc::new(value());
                state.fingerprint = None;
                Change::Revoked
            }
            _ => Change::None,
        }
    }
}

fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Vec<u8>>> {
    files.iter().map(|file| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))).collect()
}

fn fingerprint(contents: &[Vec<u8>]) -> u64 {
    let mut hasher = DefaultHasher::new();
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
    fn a_change_is_loaded_and_an_invalid_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("value");
        std::fs::write(&file, "1").unwrap();
        let watched = Watched::open(vec![file.clone()], number).unwrap();
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 1));
        std::fs::write(&file, "2").unwrap();
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::Reloaded, 2));
        std::fs::write(&file, "two").unwrap();
        assert!(watched.check().is_err() && *watched.value() == 2);
        assert_eq!(watched.check().unwrap(), Change::None, "reported once");
        std::fs::remove_file(&file).unwrap();
        for _ in 0..=MISSING_CHECKS {
            assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 2));
        }
        assert!(Watched::open(vec![file], number).is_err());
    }

    #[test]
    fn a_deleted_file_is_revoked_if_so_configured() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("value");
        std::fs::write(&file, "1").unwrap();
        let watched = Watched::open(vec![file.clone()], number).unwrap().revoked_by_deletion(|| 0);
        std::fs::remove_file(&file).unwrap();
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 1), "it may be in replacement");
        std::fs::write(&file, "1").unwrap();
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 1));
        std::fs::remove_file(&file).unwrap();
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 1));
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::Revoked, 0));
        assert_eq!((watched.check().unwrap(), *watched.value()), (Change::None, 0), "reported once");
        std::fs::write(&file, "1").unwrap();
        assert_eq!(
            (watched.check().unwrap(), *watched.value()),
            (Change::Reloaded, 1),
            "the same content is loaded again"
        );
    }
}
