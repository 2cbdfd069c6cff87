//! Real processes take real time.

use std::time::Instant;

#[allow(clippy::disallowed_methods, reason = "what is measured is outside of this process")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
