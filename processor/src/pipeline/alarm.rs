//! An alarm for the case that this release, not its input, is wrong: much of the input is unusable.
//!
//! Any client that may publish can send data that no release can read, so nothing here ends a process: an alarm is a metric,
//! a line in the log and a text at `/ready`, and the group continues. A bad release loses no data: dead letters are bounded in
//! rate, and the raw topic keeps the originals for a replay by a good release.
//!
//! Two findings raise it:
//! - several receivers whose frames were readable before, and more than half of all such receivers, send mostly frames that
//!   cannot be read now. A receiver counts once, at any rate; frames that are too short for any release do not count.
//! - more than half of the records that our own programs wrote cannot be read.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use runtime::Part;

use air::core::ReceiverHealth;
use air::core::receiver_name::ReceiverName;

/// The period that is judged. Every partition reports its receivers twice in this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Receivers with fewer frames are not judged.
const MIN_FRAMES: u32 = 5;
/// Fewer affected receivers may all belong to one owner: they raise no alarm.
const MIN_RECEIVERS: usize = 3;
/// Fewer unreadable records of our own programs raise no alarm.
const MIN_RECORDS: u64 = 100;
/// Further receivers in a window are not judged.
const MAX_RECEIVERS: usize = 100_000;

/// The result of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is not judged: a tick, or a record that was applied before.
    #[default]
    NotJudged,
    /// It is usable.
    Usable,
    /// Data from outside is unusable.
    Rejected(Rejection),
    /// A record that one of our own programs wrote cannot be read.
    Unreadable(Rejection),
}

/// An unusable input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why: one identifier of a closed set.
    pub reason: &'static str,
    /// Whether it becomes a dead letter. False: there were too many; it is only counted.
    pub is_written: bool,
}

impl Verdict {
    /// Why it is unusable. `None`: it is not.
    pub(crate) fn rejection(self) -> Option<Rejection> {
        match self {
            Self::NotJudged | Self::Usable => None,
            Self::Rejected(rejection) | Self::Unreadable(rejection) => Some(rejection),
        }
    }
}

/// The verdicts of one batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    judged: u64,
    unreadable: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        self.judged += u64::from(verdict != Verdict::NotJudged);
        self.unreadable += u64::from(matches!(verdict, Verdict::Unreadable(_)));
    }
}

/// Watches the inputs of all partitions of a group in this process.
#[derive(Debug)]
pub(crate) struct RejectAlarm {
    watch: Mutex<Watch>,
    part: Part,
    raised: Gauge,
}

impl RejectAlarm {
    /// `part` is shown at `/ready`, `raised` is 1 during an alarm.
    pub(crate) fn new(part: Part, raised: Gauge) -> Self {
        part.ready();
        Self { watch: Mutex::default(), part, raised }
    }

    /// Adds the verdicts of a batch and the health of receivers; `now` is monotonic.
    pub(crate) fn add(&self, tally: Tally, health: &mut Vec<ReceiverHealth>, now: Duration) {
        match self.watch.lock().add(tally, health, now) {
            None => {}
            Some(Some(finding)) => {
                self.raised.set(1);
                tracing::error!("{finding}");
                self.part.degraded(finding);
            }
            Some(None) => {
                self.raised.set(0);
                tracing::info!("inputs are usable again");
                self.part.ready();
            }
        }
    }
}

/// One window after the other. Pure.
#[derive(Debug, Default)]
struct Watch {
    began: Option<Duration>,
    window: Window,
    is_raised: bool,
}

impl Watch {
    /// `Some`: an alarm begins, with its finding, or ends.
    fn add(&mut self, tally: Tally, health: &mut Vec<ReceiverHealth>, now: Duration) -> Option<Option<Finding>> {
        self.window.add(tally, health);
        let began = *self.began.get_or_insert(now);
        if now < began + WINDOW {
            return None;
        }
        self.began = Some(now);
        let window = std::mem::take(&mut self.window);
        match (self.is_raised, window.finding()) {
            (false, Some(finding)) => {
                self.is_raised = true;
                Some(Some(finding))
            }
            (true, None) if window.is_fine() => {
                self.is_raised = false;
                Some(None)
            }
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Window {
    tally: Tally,
    /// Readable and unreadable frames.
    receivers: HashMap<ReceiverName, (u32, u32)>,
}

/// Evidence that the release is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Finding {
    #[error(
        "most frames of {affected} of {known} receivers that could be read before are unusable now: check this release; the raw \
         topic keeps the frames for a replay"
    )]
    Receivers { affected: usize, known: usize },
    #[error(
        "{unreadable} of {judged} records of our own programs cannot be read: check that the releases of all programs \
         are compatible"
    )]
    OwnRecords { unreadable: u64, judged: u64 },
}

impl Window {
    fn add(&mut self, tally: Tally, health: &mut Vec<ReceiverHealth>) {
        self.tally.judged += tally.judged;
        self.tally.unreadable += tally.unreadable;
        for ReceiverHealth { receiver, readable, unreadable } in health.drain(..) {
            if self.receivers.len() >= MAX_RECEIVERS && !self.receivers.contains_key(&receiver) {
                continue;
            }
            let known = self.receivers.entry(receiver).or_default();
            *known = (known.0.saturating_add(readable), known.1.saturating_add(unreadable));
        }
    }

    /// Receivers of which most frames are unreadable, and all receivers that are judged.
    fn affected(&self) -> (usize, usize) {
        let judged = self.receivers.values().filter(|(read, unread)| read.saturating_add(*unread) >= MIN_FRAMES);
        let (affected, all) = judged.fold((0, 0), |(affected, all), (readable, unreadable)| {
            (affected + usize::from(unreadable > readable), all + 1)
        });
        (affected, all)
    }

    fn finding(&self) -> Option<Finding> {
        let (affected, known) = self.affected();
        if affected >= MIN_RECEIVERS && affected * 2 > known {
            return Some(Finding::Receivers { affected, known });
        }
        let Tally { judged, unreadable } = self.tally;
        (unreadable >= MIN_RECORDS && unreadable * 2 > judged).then_some(Finding::OwnRecords { unreadable, judged })
    }

    /// Whether enough inputs show that nothing is wrong: without inputs an alarm continues.
    fn is_fine(&self) -> bool {
        let (affected, known) = self.affected();
        // A few of many are no alarm, and keep none up.
        let is_minority = affected < MIN_RECEIVERS || affected * 4 <= known;
        self.tally.judged > 0 && is_minority && self.tally.unreadable * 4 <= self.tally.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Rejection = Rejection { reason: "truncated_payload", is_written: false };

    fn tally(verdict: Verdict, times: usize) -> Tally {
        let mut tally = Tally::default();
        (0..times).for_each(|_| tally.add(verdict));
        tally
    }

    fn health(receivers: &[(&str, u32, u32)]) -> Vec<ReceiverHealth> {
        let of = |&(name, readable, unreadable): &(&str, u32, u32)| ReceiverHealth {
            receiver: ReceiverName::new(name),
            readable,
            unreadable,
        };
        receivers.iter().map(of).collect()
    }

    /// The result of a minute with these inputs.
    fn minute(watch: &mut Watch, tally: Tally, receivers: &[(&str, u32, u32)]) -> Option<Option<Finding>> {
        let now = watch.began.map_or(Duration::ZERO, |began| began + WINDOW);
        if watch.began.is_none() {
            watch.began = Some(now);
            return minute(watch, tally, receivers);
        }
        watch.add(tally, &mut health(receivers), now)
    }

    #[test]
    fn one_busy_receiver_raises_no_alarm() {
        let mut watch = Watch::default();
        let garbage = tally(Verdict::Rejected(BAD), 1_000_000);
        assert_eq!(minute(&mut watch, garbage, &[("busy", 0, 1_000_000), ("a", 60, 0), ("b", 60, 2)]), None);
        assert_eq!(minute(&mut watch, garbage, &[("busy", 0, 1_000_000)]), None, "also when it is the only one");
    }

    #[test]
    fn a_release_that_reads_nothing_raises_an_alarm() {
        let mut watch = Watch::default();
        let frames = tally(Verdict::Rejected(BAD), 40);
        let found = minute(&mut watch, frames, &[("a", 0, 10), ("b", 1, 9), ("c", 0, 20), ("d", 10, 0), ("e", 0, 4)]);
        assert_eq!(found, Some(Some(Finding::Receivers { affected: 3, known: 4 })));
        assert_eq!(minute(&mut watch, frames, &[("a", 0, 10), ("b", 1, 9), ("c", 0, 20)]), None, "reported once");
        assert_eq!(minute(&mut watch, Tally::default(), &[]), None, "without inputs it continues");
        let good = tally(Verdict::Usable, 40);
        assert_eq!(minute(&mut watch, good, &[("a", 10, 0), ("b", 10, 0)]), Some(None));
    }

    #[test]
    fn a_minority_of_receivers_raises_no_alarm() {
        let mut watch = Watch::default();
        let receivers = [("a", 0, 50), ("b", 0, 50), ("c", 0, 50), ("d", 9, 0), ("e", 9, 0), ("f", 9, 0)];
        assert_eq!(minute(&mut watch, Tally::default(), &receivers), None);
    }

    #[test]
    fn a_few_of_many_receivers_keep_no_alarm_up() {
        let names: Vec<String> = (0..16).map(|number| number.to_string()).collect();
        let bad = |count: usize| -> Vec<(&str, u32, u32)> {
            let of = |(number, name)| if number < count { (name, 0, 50) } else { (name, 50, 0) };
            names.iter().map(String::as_str).enumerate().map(of).collect()
        };
        let mut watch = Watch::default();
        let judged = || tally(Verdict::Usable, 40);
        assert!(matches!(minute(&mut watch, judged(), &bad(9)), Some(Some(Finding::Receivers { .. }))));
        assert_eq!(minute(&mut watch, judged(), &bad(5)), None, "more than a quarter");
        assert_eq!(minute(&mut watch, judged(), &bad(4)), Some(None));
    }

    #[test]
    fn reports_of_all_partitions_add_up() {
        let mut watch = Watch::default();
        watch.add(Tally::default(), &mut health(&[("a", 0, 2), ("b", 0, 2), ("c", 0, 2)]), Duration::ZERO);
        let found = minute(&mut watch, Tally::default(), &[("a", 0, 3), ("b", 0, 3), ("c", 0, 3)]);
        assert_eq!(found, Some(Some(Finding::Receivers { affected: 3, known: 3 })));
    }

    #[test]
    fn unreadable_own_records_raise_an_alarm() {
        let mut watch = Watch::default();
        let found = minute(&mut watch, tally(Verdict::Unreadable(BAD), 100), &[]);
        assert_eq!(found, Some(Some(Finding::OwnRecords { unreadable: 100, judged: 100 })));
        let mut watch = Watch::default();
        assert_eq!(minute(&mut watch, tally(Verdict::Unreadable(BAD), 99), &[]), None);
        assert_eq!(minute(&mut watch, tally(Verdict::Rejected(BAD), 10_000), &[]), None, "unusable frames do not");
    }

    #[test]
    fn receivers_in_a_window_are_bounded() {
        let mut window = Window::default();
        for at in 0..MAX_RECEIVERS + 10 {
            window.add(Tally::default(), &mut health(&[(&at.to_string(), 1, 0)]));
        }
        assert_eq!(window.receivers.len(), MAX_RECEIVERS);
    }
}
