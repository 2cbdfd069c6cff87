//! Settings of `processor archive`.

use std::time::Duration;

use archive::{Location, S3Options};
use clap::Args;
use runtime::settings::parse_duration;

/// Settings of the archive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveOptions {
    /// Destination of the files: a directory, or s3://bucket/folder.
    #[arg(long, env = "UPDRAFT_ARCHIVE_TO", value_name = "DIR|URL")]
    pub to: Location,
    /// Interval at which finished hours are archived, until stopped. Without it: archives all finished hours once and ends.
    #[arg(long, env = "UPDRAFT_ARCHIVE_EVERY", value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Age beyond which hours are removed; 0s: never. More: more storage.
    #[arg(long, env = "UPDRAFT_ARCHIVE_RETENTION", value_name = "DURATION", default_value = "8760h", value_parser = parse_duration)]
    pub retention: Duration,
    /// Time after which an hour without a later record (all bridges are silent) counts as over. More: later archives, and fewer
    /// late records in the next hour.
    #[arg(long, env = "UPDRAFT_ARCHIVE_SETTLE", value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    pub settle: Duration,
    /// Settings of an S3-compatible store.
    #[command(flatten)]
    pub s3: S3Options,
}

impl ArchiveOptions {
    /// `None`: hours are never removed.
    pub fn retention(&self) -> Option<Duration> {
        Some(self.retention).filter(|retention| !retention.is_zero())
    }

    /// Checks options that depend on each other.
    ///
    /// # Errors
    /// One line with the mistake.
    pub fn check(&self) -> Result<(), String> {
        self.s3.check()
    }
}
