//! Since when the window is full. Pure.

use std::time::Duration;

/// A window that fills in a burst and empties again works normally; one that stays full makes no progress.
const LASTING: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Fill {
    full_since: Option<Duration>,
    counted_to: Duration,
}

impl Fill {
    /// The time for which it was full since the last note.
    pub(crate) fn note(&mut self, full: bool, now: Duration) -> Duration {
        let counted = self.full_since.map(|_| now.saturating_sub(self.counted_to)).unwrap_or_default();
        self.full_since = full.then(|| self.full_since.unwrap_or(now));
        self.counted_to = now;
        counted
    }

    /// Whether it has been full for so long that it is reported.
    pub(crate) fn is_lasting(&self, now: Duration) -> bool {
        self.full_since.is_some_and(|since| now.saturating_sub(since) >= LASTING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_while_it_is_full_is_counted_once() {
        let mut fill = Fill::default();
        let notes = [(false, 1), (true, 2), (true, 4), (false, 5), (false, 9), (true, 10), (false, 11)];
        let counted = notes.map(|(full, now)| fill.note(full, Duration::from_secs(now)).as_secs());
        assert_eq!(counted, [0, 0, 2, 1, 0, 0, 1]);
    }

    #[test]
    fn only_a_window_that_stays_full_is_reported() {
        let mut fill = Fill::default();
        let at = Duration::from_secs;
        fill.note(true, at(10));
        assert!(!fill.is_lasting(at(14)));
        fill.note(true, at(14));
        assert!(fill.is_lasting(at(15)));
        fill.note(false, at(16));
        assert!(!fill.is_lasting(at(30)));
    }
}
