//! How many records have been played, in a file that survives a kill.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The input, how many of its records have been played, and by how much their times were moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumePoint {
    /// The input, so that a file of another one is refused.
    pub(super) of: String,
    pub(super) records: u64,
    pub(super) shift_ms: Option<i64>,
}

/// The file of `--resume`, with a point; without a path nothing is kept.
pub(super) struct ResumeFile {
    path: Option<PathBuf>,
    pub(super) point: ResumePoint,
}

impl ResumeFile {
    /// Reads the point.
    ///
    /// # Errors
    /// The file cannot be read, or is of another input.
    pub(super) fn open(path: Option<&Path>, of: String) -> anyhow::Result<Self> {
        let mut point = ResumePoint { of, ..ResumePoint::default() };
        if let Some(path) = path.filter(|path| path.exists()) {
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let found: ResumePoint = serde_json::from_slice(&text)
                .with_context(|| format!("{} is not a file of --resume: choose another file", path.display()))?;
            anyhow::ensure!(
                found.of == point.of,
                "{} is of {}, not of {}: remove it to begin again",
                path.display(),
                found.of,
                point.of
            );
            point = found;
        }
        Ok(Self { path: path.map(Path::to_owned), point })
    }

    /// Writes it: a new file replaces the old one, so that a kill leaves one of the two.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let next = path.with_extension("next");
        let mut file = std::fs::File::create(&next).with_context(|| format!("cannot write {}", next.display()))?;
        serde_json::to_writer(&mut file, &self.point)?;
        file.flush()?;
        std::fs::rename(&next, path).with_context(|| format!("cannot write {}", path.display()))
    }
}
