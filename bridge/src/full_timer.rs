//! Measures how long the window has been full. Pure.

use std::time::Duration;

/// After this time it is reported: a window that fills in a burst and empties again works normally; one that stays full
/// makes no progress.
pub(crate) const REPORT_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct FullTimer {
    full_since: Option<Duration>,
    counted_to: Duration,
}

impl FullTimer {
    /// Records whether the window is full now. Returns for how long it was full since the previous call.
    pub(crate) fn update(&mut self, full: bool, now: Duration) -> Duration {
        let counted = self.full_since.map(|_| now.saturating_sub(self.counted_to)).unwrap_or_default();
        self.full_since = full.then(|| self.full_since.unwrap_or(now));
        self.counted_to = now;
        counted
    }

    /// Whether the window has been full for at least [`REPORT_AFTER`]; then `/ready` reports it.
    pub(crate) fn is_full_too_long(&self, now: Duration) -> bool {
        self.full_since.is_some_and(|since| now.saturating_sub(since) >= REPORT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_while_it_is_full_is_counted_once() {
        let mut timer = FullTimer::default();
        let notes = [(false, 1), (true, 2), (true, 4), (false, 5), (false, 9), (true, 10), (false, 11)];
        let counted = notes.map(|(full, now)| timer.update(full, Duration::from_secs(now)).as_secs());
        assert_eq!(counted, [0, 0, 2, 1, 0, 0, 1]);
    }

    #[test]
    fn only_a_window_that_stays_full_is_reported() {
        let mut timer = FullTimer::default();
        let at = Duration::from_secs;
        timer.update(true, at(10));
        assert!(!timer.is_full_too_long(at(14)));
        timer.update(true, at(14));
        assert!(timer.is_full_too_long(at(15)));
        timer.update(false, at(16));
        assert!(!timer.is_full_too_long(at(30)));
    }
}
