//! Settings of `processor archive`.

use std::time::Duration;

use archive::{Location, S3Options};
use clap::Args;
use runtime::settings::parse_duration;

/// Settings of the archive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveOptions {
    /// Where the files go: a directory, or s3://bucket/folder.
    #[arg(long, env = "UPDRAFT_ARCHIVE_TO", value_name = "DIR|URL")]
    pub to: Location,
    /// Goes on until stopped, and looks for an hour that is over at this interval; without it, archives once what there is.
    #[arg(long, env = "UPDRAFT_ARCHIVE_EVERY", value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Hours older than this are removed; 0s: none ever.
    #[arg(long, env = "UPDRAFT_ARCHIVE_RETENTION", value_name = "DURATION", default_value = "8760h", value_parser = parse_duration)]
    pub retention: Duration,
    /// An hour that no later record ends (all bridges are silent) is taken to be over after this.
    #[arg(long, env = "UPDRAFT_ARCHIVE_SETTLE", value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    pub settle: Duration,
    /// How to reach an S3-compatible store.
    #[command(flatten)]
    pub s3: S3Options,
}

impl ArchiveOptions {
    /// `None`: for ever.
    pub fn retention(&self) -> Option<Duration> {
        Some(self.retention).filter(|retention| !retention.is_zero())
    }

    /// What no single option can know: one line.
    ///
    /// # Errors
    /// The line.
    pub fn check(&self) -> Result<(), String> {
        self.s3.check()
    }
}
