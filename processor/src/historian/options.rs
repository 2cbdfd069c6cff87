//! Settings of the historian.

use std::time::Duration;

use clap::Args;
use runtime::settings::parse_duration;

/// How rows are gathered.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Historian")]
pub struct HistorianOptions {
    /// Most records in one block of a partition. More: fewer, larger inserts.
    #[arg(long, env = "UPDRAFT_HISTORIAN_BLOCK_RECORDS", value_name = "RECORDS", default_value_t = 20_000)]
    pub block_records: usize,
    /// A block is written when its oldest record was read so long ago. More: fewer, larger inserts, and tracks that end
    /// earlier.
    #[arg(long, env = "UPDRAFT_HISTORIAN_BLOCK_AGE", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub block_age: Duration,
    /// Records that may wait to be written; when there are more, nothing is read until half of them are.
    #[arg(long, env = "UPDRAFT_HISTORIAN_MAX_WAITING_RECORDS", value_name = "RECORDS", default_value_t = 200_000)]
    pub max_waiting_records: usize,
    /// Blocks that are written at the same time.
    #[arg(long, env = "UPDRAFT_HISTORIAN_WRITERS", value_name = "COUNT", default_value_t = 2)]
    pub writers: usize,
}

impl Default for HistorianOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl HistorianOptions {
    /// One line that says what is wrong with it.
    ///
    /// # Errors
    /// The line.
    pub fn check(&self) -> Result<(), String> {
        let counts = [
            ("--block-records", self.block_records),
            ("--max-waiting-records", self.max_waiting_records),
            ("--writers", self.writers),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(format!("{name} 0: 1 or more is needed")),
            None => Ok(()),
        }
    }
}
