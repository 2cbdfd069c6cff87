//! When each rate is flushed, and when checkpoints are sent.

use std::time::Duration;

use crate::hub::RateSet;
use crate::subscription::Rate;

const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Schedule {
    flushed_at: [Duration; Rate::COUNT],
    checkpoint_at: [Duration; Rate::COUNT],
}

impl Schedule {
    /// The rates whose interval has passed.
    pub(super) fn due(&self, now: Duration) -> RateSet {
        Rate::ALL.map(|rate| {
            let interval = Duration::from_secs(rate.interval_s());
            now.saturating_sub(self.flushed_at[rate.index()]) >= interval
        })
    }

    pub(super) fn flushed(&mut self, rates: RateSet, now: Duration) {
        for rate in Rate::ALL.into_iter().filter(|rate| rates[rate.index()]) {
            self.flushed_at[rate.index()] = now;
        }
    }

    /// Whether a rate that is flushed now must be followed by a checkpoint.
    pub(super) fn checkpoint_is_due(&self, now: Duration) -> bool {
        Rate::ALL.into_iter().any(|rate| self.is_checkpoint_due(rate, now))
    }

    /// The flushed rates that get a checkpoint.
    pub(super) fn checkpoint(&mut self, flushed: RateSet, now: Duration) -> RateSet {
        Rate::ALL.map(|rate| {
            let due = flushed[rate.index()] && self.is_checkpoint_due(rate, now);
            if due {
                self.checkpoint_at[rate.index()] = now;
            }
            due
        })
    }

    fn is_checkpoint_due(&self, rate: Rate, now: Duration) -> bool {
        let interval = CHECKPOINT_INTERVAL.max(Duration::from_secs(rate.interval_s()));
        now.saturating_sub(self.checkpoint_at[rate.index()]) >= interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rate_has_its_flushes_and_checkpoints() {
        let mut schedule = Schedule::default();
        let (mut flushes, mut checkpoints) = ([0; Rate::COUNT], [0; Rate::COUNT]);
        for tick in 1..=1200_u64 {
            let now = Duration::from_millis(tick * 50);
            let due = schedule.due(now);
            schedule.flushed(due, now);
            let checkpointed = schedule.checkpoint(due, now);
            for rate in 0..Rate::COUNT {
                flushes[rate] += u32::from(due[rate]);
                checkpoints[rate] += u32::from(checkpointed[rate]);
            }
        }
        assert_eq!((flushes, checkpoints), ([1200, 60, 12, 2], [12, 12, 12, 2]));
    }
}
