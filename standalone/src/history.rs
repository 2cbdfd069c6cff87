//! The history: a persistent SQLite file, or one that is removed with the process.

use std::path::Path;

use anyhow::Context as _;
use history::{Retention, Sqlite};
use runtime::Clock;

/// The file in the persistent folder.
const FILE: &str = "history.sqlite";

/// Opens the history in a folder, which is created where it is missing, or a temporary one.
///
/// # Errors
/// The folder cannot be created, or the file is not a history.
pub(crate) fn open(dir: Option<&Path>, clock: &Clock) -> anyhow::Result<Sqlite> {
    if let Some(dir) = dir {
        std::fs::create_dir_all(dir).with_context(|| format!("--data-dir {}", dir.display()))?;
    }
    let file = dir.map(|dir| dir.join(FILE));
    Ok(Sqlite::open(file.as_deref(), Retention::default(), clock.clone())?)
}
