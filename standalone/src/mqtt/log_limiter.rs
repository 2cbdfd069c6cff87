//! Rate limit of log lines about clients, so that clients cannot fill the log. Pure.

use std::collections::HashMap;
use std::time::Duration;

/// One line of each kind in this time; the rest is counted.
const INTERVAL: Duration = Duration::from_secs(10);

/// Holds one entry for each kind of line.
#[derive(Debug, Default)]
pub(super) struct LogLimiter {
    kinds: HashMap<&'static str, (Duration, u64)>,
}

impl LogLimiter {
    /// How many of this kind were omitted before this one; `None`: omit this one too.
    pub(super) fn admit(&mut self, kind: &'static str, now: Duration) -> Option<u64> {
        match self.kinds.get_mut(kind) {
            Some((written_at, omitted)) if now.saturating_sub(*written_at) < INTERVAL => {
                *omitted += 1;
                None
            }
            found => {
                let omitted = found.map_or(0, |(_, omitted)| *omitted);
                self.kinds.insert(kind, (now, 0));
                Some(omitted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_a_kind_counts_those_omitted() {
        let mut log = LogLimiter::default();
        let at = Duration::from_secs;
        assert_eq!([log.admit("a", at(1)), log.admit("a", at(2)), log.admit("b", at(2))], [Some(0), None, Some(0)]);
        assert_eq!([log.admit("a", at(10)), log.admit("a", at(11)), log.admit("a", at(21))], [None, Some(2), Some(0)]);
    }
}
