//! The public past of a device: the one rule, and the record that carries it from the processor to all readers.
//!
//! Rows and records of hidden devices are marked as private when they are made, and stay so. [`PublicPast`] says which
//! of the others are still public: a withdrawal of consent hides the past too, and a new consent starts without a past.
//! A device without a record has never been hidden.

use crate::v1::PrivacyState;

/// The part of a device's recorded past that is public. Ordered from most to least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PublicPast {
    /// All that was public when it was recorded.
    #[default]
    Everything,
    /// Of that, what happened at this event time or later, microseconds since the epoch.
    Since(u64),
    /// Nothing: the device is hidden.
    Nothing,
}

impl PublicPast {
    /// As the newest record of a device says.
    pub fn of(state: &PrivacyState) -> Self {
        match (state.hidden, state.public_since_us) {
            (true, _) => Self::Nothing,
            (false, 0) => Self::Everything,
            (false, since_us) => Self::Since(since_us),
        }
    }

    /// Whether the public may see what happened at an event time, microseconds since the epoch.
    pub fn shows(self, event_at_us: u64) -> bool {
        self.first_us().is_some_and(|first_us| event_at_us >= first_us)
    }

    /// The first event time that the public may see, microseconds since the epoch. `None`: there is none.
    pub fn first_us(self) -> Option<u64> {
        match self {
            Self::Everything => Some(0),
            Self::Since(since_us) => Some(since_us),
            Self::Nothing => None,
        }
    }

    /// The first event time that the public may see where times are kept in milliseconds. `None`: there is none.
    pub fn first_ms(self) -> Option<i64> {
        self.first_us().map(|first_us| i64::try_from(first_us / 1_000).unwrap_or(i64::MAX))
    }

    /// Whether the public may see what happened at an event time that was cut to milliseconds since the epoch.
    pub fn shows_ms(self, event_at_ms: i64) -> bool {
        self.first_ms().is_some_and(|first_ms| event_at_ms >= first_ms)
    }

    /// Writes it into a record.
    #[must_use]
    pub fn put(self, state: PrivacyState) -> PrivacyState {
        let public_since_us = self.first_us().unwrap_or_default();
        PrivacyState { hidden: self == Self::Nothing, public_since_us, ..state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_by_table() {
        let cases = [
            (PublicPast::Everything, 0, true),
            (PublicPast::Everything, u64::MAX, true),
            (PublicPast::Since(100), 99, false),
            (PublicPast::Since(100), 100, true),
            (PublicPast::Nothing, 0, false),
            (PublicPast::Nothing, u64::MAX, false),
        ];
        for (past, event_at_us, shown) in cases {
            assert_eq!(past.shows(event_at_us), shown, "{past:?} at {event_at_us}");
        }
    }

    #[test]
    fn a_row_cut_to_milliseconds_is_shown_with_its_frame() {
        let past = PublicPast::Since(1_234_567);
        assert!(past.shows(1_234_567) && past.shows_ms(1_234) && !past.shows_ms(1_233));
        assert!(!PublicPast::Nothing.shows_ms(i64::MAX) && PublicPast::Everything.shows_ms(0));
    }

    #[test]
    fn records_round_trip() {
        for past in [PublicPast::Everything, PublicPast::Since(1), PublicPast::Since(u64::MAX), PublicPast::Nothing] {
            assert_eq!(PublicPast::of(&past.put(PrivacyState::default())), past);
        }
    }
}
