//! Settings of the historian.

use std::time::Duration;

use clap::Args;
use runtime::settings::parse_duration;

/// Settings of the historian.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Historian")]
pub struct HistorianOptions {
    /// Largest number of records in one block of a partition. More: fewer, larger inserts.
    #[arg(long, env = "UPDRAFT_HISTORIAN_BLOCK_RECORDS", value_name = "RECORDS", default_value_t = 20_000)]
    pub block_records: usize,
    /// Age of its oldest record at which a block is written. More: fewer, larger inserts, and tracks that end earlier.
    #[arg(long, env = "UPDRAFT_HISTORIAN_BLOCK_AGE", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub block_age: Duration,
    /// Largest number of records that wait to be written; beyond it reading pauses until half of them are written. More: more
    /// memory.
    #[arg(long, env = "UPDRAFT_HISTORIAN_MAX_WAITING_RECORDS", value_name = "RECORDS", default_value_t = 200_000)]
    pub max_waiting_records: usize,
    /// Number of blocks that are written at the same time. More: more load on the store.
    #[arg(long, env = "UPDRAFT_HISTORIAN_WRITERS", value_name = "COUNT", default_value_t = 2)]
    pub writers: usize,
}

impl Default for HistorianOptions {
    fn default() -> Self {
        runtime::settings::defaults()
    }
}

impl HistorianOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// One line with the mistake.
    pub fn check(&self) -> Result<(), String> {
        let counts = [
            ("--block-records", self.block_records),
            ("--max-waiting-records", self.max_waiting_records),
            ("--writers", self.writers),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(format!("invalid {name} 0: expected 1 or more")),
            None => Ok(()),
        }
    }
}
