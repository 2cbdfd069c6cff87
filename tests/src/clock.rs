//! The wall clock of the harness: it waits for real processes, so tests cannot set it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now.
#[allow(clippy::disallowed_methods, reason = "real processes take real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Microseconds since the epoch.
#[allow(clippy::disallowed_methods, reason = "real processes take real time")]
pub fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Time since a start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "real processes take real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
