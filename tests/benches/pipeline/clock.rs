//! Measuring needs the real clock.

use std::time::Instant;

#[allow(clippy::disallowed_methods, reason = "figures are measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A receiver's stamp.
#[allow(clippy::disallowed_methods, reason = "receivers stamp in real time")]
pub(crate) fn unix_s() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
