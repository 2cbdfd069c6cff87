//! Event times, and the lateness of frames.

use crate::core::settings::{HOUR_US, SECOND_US};

/// A shorter delay counts as none, microseconds.
pub const PROMPT_US: i64 = 2 * SECOND_US as i64;
/// Older frames are written to the history only, microseconds.
const OLDEST_LIVE_US: i64 = HOUR_US as i64;

/// How late a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lateness {
    /// Without delay, or no delay is known.
    Prompt,
    /// Delayed on its way.
    Delayed,
    /// More than an hour: for the history only.
    HistoryOnly,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Microseconds since the epoch.
    pub at_us: u64,
    /// When it arrived, by the partition's clock.
    pub arrived_at_us: u64,
    /// Whether the two differ.
    pub lateness: Lateness,
    /// The delay is proven. False: it is credible, and what follows may show that there was none.
    pub is_proven: bool,
    /// When it happened by its stamp, believed or not: a frame that another receiver heard just then is the same one.
    pub claimed_at_us: u64,
}

impl EventTime {
    /// Something that happened when it arrived.
    pub fn prompt(arrived_at_us: u64) -> Self {
        let lateness = Lateness::Prompt;
        Self { at_us: arrived_at_us, arrived_at_us, lateness, is_proven: false, claimed_at_us: arrived_at_us }
    }

    /// Something that happened `delay_us` before it arrived.
    pub fn delayed(arrived_at_us: u64, delay_us: i64, is_proven: bool) -> Self {
        if delay_us <= PROMPT_US {
            return Self::prompt(arrived_at_us);
        }
        let lateness = if delay_us > OLDEST_LIVE_US { Lateness::HistoryOnly } else { Lateness::Delayed };
        let at_us = arrived_at_us.saturating_sub_signed(delay_us);
        Self { at_us, arrived_at_us, lateness, is_proven, claimed_at_us: at_us }
    }

    /// Something that happened when it arrived, though its stamp claims a delay.
    pub fn refused(arrived_at_us: u64, delay_us: i64) -> Self {
        let claimed_at_us = arrived_at_us.saturating_sub_signed(delay_us.max(0));
        Self { claimed_at_us, ..Self::prompt(arrived_at_us) }
    }

    /// The time that calls for help go by: that of the arrival, unless a delay is proven.
    pub fn call_at_us(&self) -> u64 {
        if self.is_proven { self.at_us } else { self.arrived_at_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_by_table() {
        let now_us = 10 * HOUR_US;
        for (delay_us, lateness) in [
            (-5, Lateness::Prompt),
            (PROMPT_US, Lateness::Prompt),
            (PROMPT_US + 1, Lateness::Delayed),
            (OLDEST_LIVE_US, Lateness::Delayed),
            (OLDEST_LIVE_US + 1, Lateness::HistoryOnly),
        ] {
            let time = EventTime::delayed(now_us, delay_us, false);
            assert_eq!(time.lateness, lateness, "{delay_us}");
            assert_eq!(time.at_us < now_us, lateness != Lateness::Prompt, "{delay_us}");
            assert_eq!(time.call_at_us(), now_us, "unproven: a call counts from its arrival");
        }
        assert_eq!(EventTime::delayed(now_us, 5 * PROMPT_US, true).call_at_us(), now_us - 10 * SECOND_US);
    }
}
