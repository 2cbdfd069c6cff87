//! Limits per receiver, so that none can use the capacity of the others. Pure.
//!
//! Messages that a broker queued while this bridge was disconnected, or its window full, arrive at once: that time
//! counts as time in which the frames could have arrived, up to an hour.

use std::time::Duration;

use rate::{Lru, RateLimit, TokenBucket};

/// The maximum time that is credited.
const LONGEST_AWAY: Duration = Duration::from_secs(3_600);
/// Queued messages arrive within this time.
const CATCH_UP: Duration = Duration::from_secs(900);
/// After this time without a refused frame, the next one is another incident.
const CALM: Duration = Duration::from_secs(60);
/// Dead letters of one receiver: enough to see what it sends.
const RECEIVER_LETTERS: RateLimit = RateLimit::every_us(5_000_000, 20);
/// Dead letters of all receivers together.
const LETTERS: RateLimit = RateLimit::per_second(10, 200);
/// Log lines about receivers, of all receivers together.
const LINES: RateLimit = RateLimit::every_us(10_000_000, 10);

/// Whether a frame is forwarded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is.
    Admitted,
    /// It is not: its receiver exceeded its limit. `Some`: an incident begins and is logged once; the refused frames of
    /// the last one.
    Refused(Option<u64>),
}

/// The limits of all receivers.
#[derive(Debug)]
pub(crate) struct ReceiverLimits {
    /// `None`: there is none.
    rate: Option<RateLimit>,
    receivers: Lru<Receiver>,
    evicted: u64,
    letters: TokenBucket,
    lines: TokenBucket,
    credit: Duration,
    credit_until: Duration,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Receiver {
    frames: TokenBucket,
    letters: TokenBucket,
    /// When the newest refused frame arrived.
    refused_at: Option<Duration>,
    /// Refused frames of the present or last incident.
    refused: u64,
}

impl ReceiverLimits {
    /// `rate` frames a second (0: any number) and `burst` at once of each of at most `most` receivers.
    pub(crate) fn new(rate: u32, burst: u32, most: usize) -> Self {
        Self {
            rate: (rate > 0).then(|| RateLimit::per_second(rate, burst)),
            receivers: Lru::new(most),
            evicted: 0,
            letters: TokenBucket::default(),
            lines: TokenBucket::default(),
            credit: Duration::ZERO,
            credit_until: Duration::ZERO,
        }
    }

    /// The broker queued frames for this time, which ended now.
    pub(crate) fn credit(&mut self, away: Duration, now: Duration) {
        let left = if now < self.credit_until { self.credit } else { Duration::ZERO };
        (self.credit, self.credit_until) = ((left + away).min(LONGEST_AWAY), now + CATCH_UP);
    }

    /// Judges a frame of a receiver.
    pub(crate) fn admit(&mut self, receiver: &[u8], now: Duration) -> Admission {
        let Some(rate) = self.rate else { return Admission::Admitted };
        let credit = if now < self.credit_until { self.credit } else { Duration::ZERO };
        let known = self.touch(receiver);
        if known.frames.take_with_credit(rate, micros(credit), micros(now)) {
            return Admission::Admitted;
        }
        let is_new = known.refused_at.is_none_or(|last| now >= last + CALM);
        known.refused_at = Some(now);
        let before = known.refused;
        known.refused = if is_new { 1 } else { before + 1 };
        let is_logged = is_new && self.lines.take(LINES, micros(now));
        Admission::Refused(is_logged.then_some(before))
    }

    /// Whether an unusable message of a receiver may become a dead letter.
    pub(crate) fn admit_dead_letter(&mut self, receiver: &[u8], now: Duration) -> bool {
        let known = self.touch(receiver);
        known.letters.take(RECEIVER_LETTERS, micros(now)) && self.letters.take(LETTERS, micros(now))
    }

    /// Receivers that were evicted since the last call.
    pub(crate) fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    /// How many receivers are remembered.
    pub(crate) fn len(&self) -> usize {
        self.receivers.len()
    }

    fn touch(&mut self, receiver: &[u8]) -> &mut Receiver {
        let (known, dropped) = self.receivers.touch(receiver);
        self.evicted += u64::from(dropped.is_some());
        known
    }
}

/// The monotonic time as buckets take it.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> ReceiverLimits {
        ReceiverLimits::new(100, 500, 1_000)
    }

    fn admitted(limits: &mut ReceiverLimits, receiver: &[u8], frames: usize, now: Duration) -> usize {
        (0..frames).filter(|_| limits.admit(receiver, now) == Admission::Admitted).count()
    }

    #[test]
    fn a_burst_of_one_leaves_the_others_alone() {
        let mut limits = limits();
        assert_eq!(admitted(&mut limits, b"loud", 4_000, 10 * SECOND), 500);
        assert_eq!(admitted(&mut limits, b"other", 100, 10 * SECOND), 100);
        assert_eq!(admitted(&mut limits, b"loud", 4_000, 11 * SECOND), 100);
    }

    #[test]
    fn no_limit_is_none() {
        let mut limits = ReceiverLimits::new(0, 0, 10);
        assert_eq!(admitted(&mut limits, b"r", 100_000, SECOND), 100_000);
    }

    #[test]
    fn a_backlog_of_an_absence_is_carried() {
        let mut limits = limits();
        limits.credit(60 * SECOND, 100 * SECOND);
        assert_eq!(admitted(&mut limits, b"r", 20_000, 100 * SECOND), 6_500);
        assert_eq!(admitted(&mut limits, b"late", 20_000, 100 * SECOND + CATCH_UP), 500, "it is over by then");
        limits.credit(1_000_000 * SECOND, 10_000 * SECOND);
        assert_eq!(admitted(&mut limits, b"x", 1_000_000, 10_000 * SECOND), 360_500, "an hour at most");
    }

    #[test]
    fn an_incident_is_logged_once() {
        let mut limits = limits();
        let mut logged = Vec::new();
        for second in [1, 2, 3, 59, 200] {
            for _ in 0..20_000 {
                if let Admission::Refused(Some(before)) = limits.admit(b"loud", SECOND * second) {
                    logged.push((second, before));
                }
            }
        }
        let first_incident = (20_000 - 500) + 2 * 19_900 + 19_500;
        assert_eq!(logged, [(1, 0), (200, first_incident)]);
    }

    #[test]
    fn lines_are_bounded_for_all_senders() {
        let mut limits = ReceiverLimits::new(1, 1, 10_000);
        let mut logged = 0;
        for at in 0..1_000_u32 {
            let id = at.to_string();
            limits.admit(id.as_bytes(), SECOND);
            logged += usize::from(matches!(limits.admit(id.as_bytes(), SECOND), Admission::Refused(Some(_))));
        }
        assert_eq!(logged, 10);
    }

    #[test]
    fn made_up_receivers_are_bounded_and_counted() {
        let mut limits = limits();
        for at in 0..50_000_u32 {
            limits.admit(&at.to_be_bytes(), SECOND);
        }
        assert_eq!((limits.len(), limits.take_evicted(), limits.take_evicted()), (1_000, 49_000, 0));
    }

    #[test]
    fn dead_letters_are_bounded_for_one_and_for_all() {
        let mut limits = limits();
        assert_eq!((0..1_000).filter(|_| limits.admit_dead_letter(b"loud", SECOND)).count(), 20);
        let all = (0..1_000_u32).filter(|at| limits.admit_dead_letter(&at.to_be_bytes(), SECOND)).count();
        assert_eq!(all, 180);
    }
}
