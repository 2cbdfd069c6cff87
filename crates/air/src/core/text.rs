//! The newest text that a device has broadcast (packet type 3).

use crate::core::settings::MINUTE_US;

/// How long a text is shown, microseconds.
const SHOWN_US: u64 = 30 * MINUTE_US;

/// A text, and its event time.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Cleaned, not empty.
    pub text: Box<str>,
    /// When it was sent.
    pub at_us: u64,
}

impl Text {
    /// Whether a state of this event time shows it.
    pub fn is_shown_at(&self, event_at_us: u64) -> bool {
        event_at_us < self.at_us + SHOWN_US
    }
}
