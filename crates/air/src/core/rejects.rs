//! Unusable frames: counts them for their receivers, and decides which of them become dead dead_letters.
//!
//! Any publisher can send unusable frames, so memory and dead letters are bounded: a limit per receiver, and one for all
//! receivers of a partition. The counts reach the receiver's state in one report per interval. All time is the
//! partition's clock, so a replay writes the same dead dead_letters. Every unusable frame also stays in the raw topic.

use std::borrow::Cow;

use rate::{RateLimit, TokenBucket};
use rustc_hash::FxHashMap;
use schemas::v1;

use crate::core::evict::{lowest, surplus};
use crate::core::receiver_name::{ReceiverName, ReceiverNames};
use crate::decode::known_reason;

/// One receiver's dead letters in one partition: enough to see what it sends.
const RECEIVER_DEAD_LETTERS: RateLimit = RateLimit::every_us(5_000_000, 20);
/// The limit of all receivers together: a sender can invent any number of receiver ids, so a limit per receiver is not
/// enough.
const PARTITION_DEAD_LETTERS: RateLimit = RateLimit::per_second(10, 200);

/// Unusable frames of all receivers of a partition. [`Rejects::take_reports`] removes an entry whose token bucket is full
/// again: it equals a new one.
#[derive(Debug, Default)]
pub struct Rejects {
    by_receiver: FxHashMap<ReceiverName, ReceiverRejects>,
    dead_letters: TokenBucket,
}

#[derive(Debug, Default)]
struct ReceiverRejects {
    unreported: u32,
    reason: Cow<'static, str>,
    dead_letters: TokenBucket,
    last_us: u64,
}

/// Unusable frames of one receiver since its last report.
#[derive(Debug, PartialEq, Eq)]
pub struct RejectReport {
    /// The receiver.
    pub receiver: ReceiverName,
    /// How many.
    pub frames: u32,
    /// Why the newest could not be used.
    pub reason: Cow<'static, str>,
}

impl Rejects {
    /// Counts an unusable record. Returns whether to write it as a dead letter. `receiver` is empty if the record has none.
    pub fn count_and_sample(&mut self, receiver: &str, reason: &'static str, clock_us: u64) -> bool {
        if receiver.is_empty() {
            return self.dead_letters.take(PARTITION_DEAD_LETTERS, clock_us);
        }
        if !self.by_receiver.contains_key(receiver) {
            self.by_receiver.insert(ReceiverName::new(receiver), ReceiverRejects::default());
        }
        let rejects = self.by_receiver.get_mut(receiver).expect("inserted above");
        rejects.unreported = rejects.unreported.saturating_add(1);
        (rejects.reason, rejects.last_us) = (Cow::Borrowed(reason), clock_us);
        rejects.dead_letters.take(RECEIVER_DEAD_LETTERS, clock_us)
            && self.dead_letters.take(PARTITION_DEAD_LETTERS, clock_us)
    }

    /// Returns the counts since the previous call, sorted by receiver, and resets them.
    pub fn take_reports(&mut self, clock_us: u64) -> Vec<RejectReport> {
        let report = |(receiver, rejects): (&ReceiverName, &mut ReceiverRejects)| {
            let frames = std::mem::take(&mut rejects.unreported);
            (frames > 0).then(|| RejectReport { receiver: receiver.clone(), frames, reason: rejects.reason.clone() })
        };
        let mut reports: Vec<_> = self.by_receiver.iter_mut().filter_map(report).collect();
        reports.sort_unstable_by(|a, b| a.receiver.cmp(&b.receiver));
        self.by_receiver.retain(|_, rejects| !rejects.dead_letters.is_full(clock_us));
        reports
    }

    /// The partition's clock was ahead and is set back: refills all token buckets, whose times would lie in the future.
    pub fn set_back(&mut self, clock_us: u64) {
        self.dead_letters = TokenBucket::default();
        for rejects in self.by_receiver.values_mut() {
            (rejects.dead_letters, rejects.last_us) = (TokenBucket::default(), rejects.last_us.min(clock_us));
        }
    }

    /// If there are more than `max` receivers, evicts those whose last unusable frame is oldest, a few more than necessary
    /// (see [`surplus`]). Returns the number evicted.
    pub fn evict(&mut self, max: usize) -> usize {
        let surplus = surplus(self.by_receiver.len(), max);
        if surplus == 0 {
            return 0;
        }
        let all = self.by_receiver.iter().map(|(receiver, rejects)| (rejects.last_us, receiver.clone()));
        let victims = lowest(all, surplus);
        victims.iter().for_each(|(_, receiver)| drop(self.by_receiver.remove(receiver)));
        victims.len()
    }

    /// As the checkpoint keeps them: by receiver, and when all dead letters may be written again.
    pub fn to_checkpoint(&self) -> (Vec<v1::ReceiverRejects>, u64) {
        let checkpoint = |(receiver, rejects): (&ReceiverName, &ReceiverRejects)| v1::ReceiverRejects {
            receiver_id: receiver.to_string(),
            unreported_frames: rejects.unreported,
            reason: rejects.reason.to_string(),
            dead_letters_full_at_us: rejects.dead_letters.full_at_us(),
            last_rejected_us: rejects.last_us,
        };
        let mut receivers: Vec<_> = self.by_receiver.iter().map(checkpoint).collect();
        receivers.sort_unstable_by(|a, b| a.receiver_id.cmp(&b.receiver_id));
        (receivers, self.dead_letters.full_at_us())
    }

    /// From a checkpoint.
    pub fn from_checkpoint(receivers: &[v1::ReceiverRejects], full_at_us: u64, names: &mut ReceiverNames) -> Self {
        let rejects = |checkpoint: &v1::ReceiverRejects| ReceiverRejects {
            unreported: checkpoint.unreported_frames,
            reason: known_reason(&checkpoint.reason)
                .map_or_else(|| Cow::Owned(checkpoint.reason.clone()), Cow::Borrowed),
            dead_letters: TokenBucket::full_at(checkpoint.dead_letters_full_at_us),
            last_us: checkpoint.last_rejected_us,
        };
        let by_receiver =
            receivers.iter().map(|checkpoint| (names.shared(&checkpoint.receiver_id), rejects(checkpoint)));
        Self { by_receiver: by_receiver.collect(), dead_letters: TokenBucket::full_at(full_at_us) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START_US: u64 = 1_750_000_000_000_000;
    const SECOND_US: u64 = 1_000_000;

    fn dead_letters(rejects: &mut Rejects, receiver: &str, frames: usize, clock_us: u64) -> usize {
        (0..frames).filter(|_| rejects.count_and_sample(receiver, "frame_too_short", clock_us)).count()
    }

    #[test]
    fn a_receiver_causes_dead_letters_at_a_bounded_rate() {
        let mut rejects = Rejects::default();
        assert_eq!(dead_letters(&mut rejects, "loud", 20_000, START_US), 20);
        assert_eq!(dead_letters(&mut rejects, "other", 3, START_US), 3, "another one is not held back");
        assert_eq!(dead_letters(&mut rejects, "loud", 20_000, START_US + 60 * SECOND_US), 12);
    }

    #[test]
    fn made_up_receivers_share_one_rate() {
        let mut rejects = Rejects::default();
        let written: usize = (0..5_000).map(|at| dead_letters(&mut rejects, &format!("r{at}"), 2, START_US)).sum();
        assert_eq!(written, 200);
        assert!(!rejects.count_and_sample("", "no_input", START_US), "records without a receiver share it, too");
    }

    #[test]
    fn reports_count_all_and_are_sorted() {
        let mut rejects = Rejects::default();
        dead_letters(&mut rejects, "b", 70, START_US);
        dead_letters(&mut rejects, "a", 1, START_US);
        let reported: Vec<_> =
            rejects.take_reports(START_US).into_iter().map(|r| (r.receiver.to_string(), r.frames)).collect();
        assert_eq!(reported, [("a".to_owned(), 1), ("b".to_owned(), 70)]);
        assert_eq!(rejects.take_reports(START_US), []);
        assert_eq!(rejects.by_receiver.len(), 2, "what they may still write is remembered");
        rejects.take_reports(START_US + 101 * SECOND_US);
        assert_eq!(rejects.by_receiver.len(), 0);
    }

    #[test]
    fn the_longest_silent_are_forgotten_first() {
        let mut rejects = Rejects::default();
        for at in 0..40 {
            dead_letters(&mut rejects, &format!("r{at:02}"), 1, START_US + at);
        }
        assert_eq!(rejects.evict(40), 0);
        assert_eq!(rejects.evict(32), 10);
        let left: Vec<_> = rejects.take_reports(START_US + 50).into_iter().map(|r| r.receiver.to_string()).collect();
        assert_eq!((left.len(), left[0].as_str()), (30, "r10"));
    }

    proptest! {
        #[test]
        fn a_restart_changes_no_dead_letter(
            steps in prop::collection::vec((0..3_u8, 0..8_000_000_u64, any::<bool>()), 1..200),
            restart_at in 0..200_usize,
        ) {
            let (mut straight, mut restarted, mut clock_us) = (Rejects::default(), Rejects::default(), START_US);
            for (step, (receiver, pause_us, report)) in steps.into_iter().enumerate() {
                clock_us += pause_us / 40;
                if step == restart_at {
                    let (receivers, full_at_us) = restarted.to_checkpoint();
                    restarted = Rejects::from_checkpoint(&receivers, full_at_us, &mut ReceiverNames::default());
                }
                let receiver = ["", "a", "b"][usize::from(receiver)];
                let letter = straight.count_and_sample(receiver, "truncated_payload", clock_us);
                prop_assert_eq!(letter, restarted.count_and_sample(receiver, "truncated_payload", clock_us));
                if report {
                    prop_assert_eq!(straight.take_reports(clock_us), restarted.take_reports(clock_us));
                }
            }
            prop_assert_eq!(straight.to_checkpoint(), restarted.to_checkpoint());
        }
    }
}
