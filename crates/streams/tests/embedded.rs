//! The contract of the log on the embedded implementation.

use std::time::Duration;

use streams::contract::Fixture;
use streams::{EmbeddedLog, EmbeddedSettings, JournalSettings, Log};
use tempfile::TempDir;

struct Embedded {
    log: EmbeddedLog,
    /// Of its file; removed with the log.
    _folder: Option<TempDir>,
}

#[async_trait::async_trait]
impl Fixture for Embedded {
    fn log(&self) -> &dyn Log {
        &self.log
    }

    fn prefix(&self) -> &str {
        ""
    }

    /// The log has no server to restart.
    async fn restart(&self) {}

    /// A member only ends when it is dropped.
    fn unresponsive_after(&self) -> Duration {
        Duration::ZERO
    }

    fn holds_the_log_in_memory(&self) -> bool {
        true
    }
}

fn in_memory() -> EmbeddedLog {
    // As in production: the offsets start at the Unix milliseconds of the start.
    let settings = EmbeddedSettings { max_bytes_per_partition: 256 << 20, ..EmbeddedSettings::new(1_790_000_000_000) };
    EmbeddedLog::new(settings)
}

async fn fixture(_case: &str) -> Embedded {
    Embedded { log: in_memory(), _folder: None }
}

streams::contract!(fixture);

/// The same with a file.
mod kept {
    use super::*;

    async fn fixture(_case: &str) -> Embedded {
        let (log, folder) = (in_memory(), tempfile::tempdir().expect("a folder"));
        let settings = JournalSettings {
            file: folder.path().join("log"),
            synced_topics: Vec::new(),
            now_ms: 1_790_000_000_000,
            report: Box::new(|_| {}),
        };
        log.keep_in(settings).expect("the file can be written");
        Embedded { log, _folder: Some(folder) }
    }

    streams::contract!(fixture);
}
