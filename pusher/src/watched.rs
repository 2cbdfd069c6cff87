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

/// Makes the value of the files' contents, in the order of their names.
type Make<T> = fn(&[Vec<u8>]) -> anyhow::Result<T>;

/// The newest good value.
pub(crate) struct Watched<T> {
    files: Vec<PathBuf>,
    make: Make<T>,
    state: RwLock<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    /// Of the contents that were read last, good or bad.
    mark: u64,
}

impl<T> Watched<T> {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read, or they make no value.
    pub(crate) fn open(files: Vec<PathBuf>, make: Make<T>) -> anyhow::Result<Self> {
        let contents = read(&files)?;
        let state = State { value: Arc::new(make(&contents)?), mark: mark(&contents) };
        Ok(Self { files, make, state: RwLock::new(state) })
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
                Ok(true) => tracing::info!(files = ?self.files, "read again: they changed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), files = ?self.files, "not taken: what was read before stays");
                }
            }
        }
        Ok(())
    }

    /// True where there is a new value; each bad content is told of once.
    fn look(&self) -> anyhow::Result<bool> {
        // In the middle of being replaced: looked at again soon.
        let Ok(contents) = read(&self.files) else { return Ok(false) };
        let mark = mark(&contents);
        if mark == self.state.read().mark {
            return Ok(false);
        }
        let made = (self.make)(&contents);
        let mut state = self.state.write();
        state.mark = mark;
        state.value = Arc::new(made?);
        Ok(true)
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
        assert_eq!((watched.look().unwrap(), *watched.value()), (false, 1));
        std::fs::write(&file, "2").unwrap();
        assert_eq!((watched.look().unwrap(), *watched.value()), (true, 2));
        std::fs::write(&file, "two").unwrap();
        assert!(watched.look().is_err() && *watched.value() == 2);
        assert!(!watched.look().unwrap(), "told once");
        std::fs::remove_file(&file).unwrap();
        assert!(!watched.look().unwrap() && *watched.value() == 2);
        assert!(Watched::open(vec![file], number).is_err());
    }
}
