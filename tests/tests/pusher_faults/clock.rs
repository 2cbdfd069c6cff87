//! Real processes take real time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods, reason = "what is measured is outside of this process")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Microseconds since the epoch.
#[allow(clippy::disallowed_methods, reason = "what is measured is outside of this process")]
pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
