//! The contract of the log on the embedded implementation.

use std::time::Duration;

use streams::contract::Fixture;
use streams::{EmbeddedLog, EmbeddedSettings, Log};

struct Embedded(EmbeddedLog);

#[async_trait::async_trait]
impl Fixture for Embedded {
    fn log(&self) -> &dyn Log {
        &self.0
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

async fn fixture(_case: &str) -> Embedded {
    // As in production: the offsets start at the Unix milliseconds of the start.
    let settings = EmbeddedSettings { max_bytes_per_partition: 256 << 20, ..EmbeddedSettings::new(1_790_000_000_000) };
    Embedded(EmbeddedLog::new(settings))
}

streams::contract!(fixture);
