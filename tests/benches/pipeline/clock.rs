//! The real clock, for measurements.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods, reason = "figures are measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Microseconds since the epoch, as the programs write them into the `way` header of a record.
#[allow(clippy::disallowed_methods, reason = "receivers and programs use real time")]
pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A receiver's timestamp.
pub(crate) fn unix_s() -> u32 {
    u32::try_from(unix_us() / 1_000_000).unwrap_or(u32::MAX)
}
