//! When so much cannot be used that it is rather this release that is wrong than its inputs.
//!
//! Every unusable input becomes a dead letter and the offset advances. A release that refuses what it should not would
//! drain the whole log that way: so a group stops, with its offsets where they are, when too many in a row or too great
//! a share of the latest inputs are unusable.

use parking_lot::Mutex;

/// Shares are of the latest 10,000 to 20,000 inputs of a process; of fewer nothing can be said.
const WINDOW: u64 = 10_000;

/// How much may be unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectLimits {
    /// Inputs in a row; 0: any number.
    pub run: u64,
    /// Percent of the latest inputs; 100: all of them.
    pub share_pct: u8,
}

/// More than the limits allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyRejects {
    /// In a row.
    #[error(
        "{run} inputs in a row could not be used, the last one because of {reason}: is this the right release and the \
         right topic? (--max-reject-run)"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Run { run: u64, reason: &'static str },
    /// Of the latest.
    #[error(
        "{rejected} of the latest {seen} inputs could not be used, the last one because of {reason}: is this the right \
         release and the right topic? (--max-reject-share)"
    )]
    #[allow(missing_docs, reason = "the message says it")]
    Share { rejected: u64, seen: u64, reason: &'static str },
}

/// What became of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is none that could be judged: a tick, or one that was seen before.
    #[default]
    NotJudged,
    /// It could be used.
    Usable,
    /// It could not: why, as a word of a closed set. It becomes a dead letter.
    Rejected(&'static str),
}

/// The verdicts of one batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    usable: u64,
    rejected: u64,
    /// Rejected since the last usable one.
    run: u64,
    reason: Option<&'static str>,
}

impl Tally {
    pub(crate) fn note(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::NotJudged => {}
            Verdict::Usable => (self.usable, self.run) = (self.usable + 1, 0),
            Verdict::Rejected(reason) => {
                (self.rejected, self.run, self.reason) = (self.rejected + 1, self.run + 1, Some(reason));
            }
        }
    }
}

/// Watches over the inputs of all partitions of a process.
#[derive(Debug)]
pub(crate) struct RejectGuard {
    limits: RejectLimits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    seen: u64,
    rejected: u64,
    run: u64,
}

impl RejectGuard {
    pub(crate) fn new(limits: RejectLimits) -> Self {
        Self { limits, counts: Mutex::default() }
    }

    /// Takes the verdicts of a batch.
    pub(crate) fn judge(&self, tally: Tally) -> Result<(), TooManyRejects> {
        if tally.usable + tally.rejected == 0 {
            return Ok(());
        }
        let counts = &mut *self.counts.lock();
        counts.run = if tally.usable > 0 { tally.run } else { counts.run + tally.run };
        counts.seen += tally.usable + tally.rejected;
        counts.rejected += tally.rejected;
        let Some(reason) = tally.reason else {
            counts.fade();
            return Ok(());
        };
        if self.limits.run > 0 && counts.run >= self.limits.run {
            return Err(TooManyRejects::Run { run: counts.run, reason });
        }
        let (rejected, seen) = (counts.rejected, counts.seen);
        if seen >= WINDOW && rejected * 100 > seen * u64::from(self.limits.share_pct) {
            return Err(TooManyRejects::Share { rejected, seen, reason });
        }
        counts.fade();
        Ok(())
    }
}

impl Counts {
    /// Half of what is counted is forgotten whenever it is two windows.
    fn fade(&mut self) {
        while self.seen >= 2 * WINDOW {
            (self.seen, self.rejected) = (self.seen / 2, self.rejected / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(run: u64, share_pct: u8) -> RejectGuard {
        RejectGuard::new(RejectLimits { run, share_pct })
    }

    fn tally(verdicts: &[(Verdict, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (verdict, times) in verdicts {
            (0..*times).for_each(|_| tally.note(*verdict));
        }
        tally
    }

    const BAD: Verdict = Verdict::Rejected("short");

    #[test]
    fn a_run_ends_with_a_usable_input_and_not_with_a_tick() {
        let guard = guard(100, 100);
        for _ in 0..50 {
            guard.judge(tally(&[(BAD, 60), (Verdict::Usable, 1), (BAD, 30)])).expect("never a hundred in a row");
        }
        guard.judge(tally(&[(Verdict::NotJudged, 5), (BAD, 69)])).expect("99");
        let stopped = guard.judge(tally(&[(BAD, 1)]));
        assert_eq!(stopped, Err(TooManyRejects::Run { run: 100, reason: "short" }));
    }

    #[test]
    fn a_share_counts_from_a_full_window_on() {
        let guard = guard(0, 50);
        guard.judge(tally(&[(BAD, 9_000)])).expect("too few to say anything");
        let stopped = guard.judge(tally(&[(Verdict::Usable, 900), (BAD, 100)]));
        assert_eq!(stopped, Err(TooManyRejects::Share { rejected: 9_100, seen: 10_000, reason: "short" }));
    }

    #[test]
    fn old_sins_are_forgotten() {
        let guard = guard(0, 50);
        guard.judge(tally(&[(BAD, 9_000)])).expect("too few to say anything");
        for _ in 0..30 {
            guard.judge(tally(&[(Verdict::Usable, 5_000)])).expect("all of it is usable");
        }
        guard.judge(tally(&[(BAD, 4_000)])).expect("a bad moment among many good ones");
    }

    #[test]
    fn limits_can_be_lifted() {
        let guard = guard(0, 100);
        for _ in 0..100 {
            guard.judge(tally(&[(BAD, 1_000)])).expect("nothing is too much");
        }
    }
}
