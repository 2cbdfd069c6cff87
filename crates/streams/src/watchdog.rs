//! Detects a reader of the log that makes no progress, and decides what to do about it. Pure: the caller passes what
//! the cluster reports and acts on the verdict.
//!
//! A reader can stop without an error: its client has lost all brokers, its membership was never renewed, or its caller
//! stopped taking records. The watchdog therefore compares what the cluster reports: where each partition ends, and
//! whether a member advances towards that end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::TopicPartition;

/// Measures how long something has made no progress although it should.
#[derive(Clone, Debug, Default)]
pub struct StallTimer {
    mark: Option<u64>,
    since: Option<Duration>,
    has_progressed: bool,
}

impl StallTimer {
    /// Takes a sample at `now` (monotonic): `is_due` says whether progress is expected, and every progress changes
    /// `mark`. Returns the time without progress.
    pub fn observe(&mut self, now: Duration, is_due: bool, mark: u64) -> Duration {
        let progressed = self.mark.replace(mark).is_some_and(|before| before != mark);
        self.has_progressed |= progressed;
        if !is_due {
            self.since = None;
        } else if progressed || self.since.is_none() {
            self.since = Some(now);
        }
        self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }
}

/// The watchdog's time limits.
#[derive(Clone, Copy, Debug)]
pub struct WatchdogLimits {
    /// The client may make no progress for this long; then it must join again.
    pub client: Duration,
    /// The caller may take no records for this long, since it can be busy; then the reader is reported as stalled.
    pub caller: Duration,
    /// The caller may take no records for this long; then the process should end.
    pub hung_caller: Duration,
    /// How many times in a row the reader may join again without progress; then the process should end.
    pub max_rejoins: u32,
}

impl Default for WatchdogLimits {
    fn default() -> Self {
        Self {
            client: Duration::from_secs(10),
            caller: Duration::from_secs(60),
            hung_caller: Duration::from_secs(300),
            max_rejoins: 5,
        }
    }
}

/// What the cluster reports about one reader.
#[derive(Clone, Debug)]
pub enum ReaderStatus {
    /// The cluster does not answer, so that no member can make progress.
    Unavailable,
    /// The cluster answers.
    Known {
        /// All partitions that the reader or its group reads.
        partitions: Vec<PartitionStatus>,
        /// Whether other members of the group own any of them; this member does not read those.
        others_own: bool,
    },
}

/// What is known of one partition.
#[derive(Clone, Debug)]
pub struct PartitionStatus {
    /// Its name.
    pub partition: TopicPartition,
    /// The lowest offset that is available.
    pub low: u64,
    /// The offset after the last record.
    pub end: u64,
    /// The offset that the group has committed.
    pub committed: Option<u64>,
    /// This member's progress. `None`: it does not own the partition.
    pub owned: Option<OwnedStatus>,
}

impl PartitionStatus {
    /// Records that the group has not committed.
    pub fn lag(&self) -> u64 {
        self.end.saturating_sub(self.committed.map_or(self.low, |committed| committed.max(self.low)))
    }
}

/// This member's progress with a partition that it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedStatus {
    /// The next offset to read. `None`: neither a record nor the partition's end has been read.
    pub position: Option<u64>,
    /// What the partition waits for.
    pub waiting_for: WaitingFor,
}

/// What a partition waits for before it can make progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitingFor {
    /// The client must fetch: the caller has taken all records.
    Client,
    /// The caller must take the records that are queued for it.
    Caller,
    /// The caller has paused the partition and must resume it.
    Resume,
}

/// Why a reader makes no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The caller does not take the records that are queued for it.
    NotTaken,
    /// Partitions that this member owns are not read.
    NotRead,
    /// No member owns some partitions, though this member owns others.
    NotOwned,
    /// No member owns any partition.
    OwnsNothing,
}

/// A reader that makes no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Why.
    pub reason: Reason,
    /// How many partitions are affected.
    pub partitions: usize,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.partitions;
        match self.reason {
            Reason::NotTaken => write!(f, "records of {count} partitions wait and are not taken"),
            Reason::NotRead => write!(f, "{count} partitions have unread records, and none is fetched"),
            Reason::NotOwned => write!(f, "{count} partitions have unread records, and no member owns them"),
            Reason::OwnsNothing => write!(f, "no member owns any of the {count} partitions"),
        }
    }
}

/// What the caller of the watchdog should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The cluster does not answer, so that the reader cannot be judged.
    Unknown,
    /// The reader makes progress, or has nothing to read.
    Healthy,
    /// The reader makes no progress; there is nothing to do but wait.
    Stalled {
        /// Why.
        stall: Stall,
        /// The first verdict about this stall.
        is_new: bool,
    },
    /// The reader should join again with another client.
    Rejoin {
        /// Why.
        stall: Stall,
        /// The first verdict about this stall.
        is_new: bool,
    },
    /// Joining again did not help: the process should end.
    End(Stall),
}

/// The progress of one partition.
#[derive(Clone, Debug)]
struct PartitionTimer {
    /// `None`: this member does not own the partition.
    waiting_for: Option<WaitingFor>,
    timer: StallTimer,
}

/// Judges one reader over time.
#[derive(Clone, Debug)]
pub struct Watchdog {
    limits: WatchdogLimits,
    partitions: BTreeMap<TopicPartition, PartitionTimer>,
    /// Runs while no member owns any partition.
    unowned: StallTimer,
    /// The present stall.
    stall: Option<Stall>,
    rejoins: u32,
}

impl Watchdog {
    /// A watchdog without samples.
    pub fn new(limits: WatchdogLimits) -> Self {
        Self { limits, partitions: BTreeMap::new(), unowned: StallTimer::default(), stall: None, rejoins: 0 }
    }

    /// Judges the reader by its status at `now` (monotonic).
    pub fn judge(&mut self, now: Duration, status: &ReaderStatus) -> Verdict {
        let ReaderStatus::Known { partitions, others_own } = status else {
            self.reset_timers();
            return Verdict::Unknown;
        };
        self.partitions.retain(|known, _| partitions.iter().any(|status| status.partition == *known));
        let owns_any = partitions.iter().any(|status| status.owned.is_some());
        let is_unowned = !partitions.is_empty() && !owns_any && !others_own;
        let mut stalled: Vec<(Reason, Duration)> = Vec::new();
        for status in partitions {
            // Partitions of other members are theirs to read. A group without any owner is reported once, below.
            let is_judged = status.owned.is_some() || (owns_any && !others_own);
            stalled.push((reason_of(status), self.stalled_for(now, status, is_judged)));
        }
        let unowned_for = self.unowned.observe(now, is_unowned, 0);
        self.decide(stalled, (unowned_for, partitions.len()))
    }

    fn stalled_for(&mut self, now: Duration, status: &PartitionStatus, is_judged: bool) -> Duration {
        let waiting_for = status.owned.map(|owned| owned.waiting_for);
        let new = || PartitionTimer { waiting_for, timer: StallTimer::default() };
        let known = self.partitions.entry(status.partition.clone()).or_insert_with(new);
        if known.waiting_for != waiting_for {
            let has_progressed = known.timer.has_progressed;
            *known = new();
            known.timer.has_progressed = has_progressed && waiting_for.is_some();
        }
        let (is_due, mark) = match status.owned {
            None => (status.lag() > 0, status.committed),
            Some(OwnedStatus { waiting_for: WaitingFor::Resume, position }) => (false, position),
            Some(OwnedStatus { waiting_for: WaitingFor::Caller, position }) => (true, position),
            Some(OwnedStatus { waiting_for: WaitingFor::Client, position }) => {
                (position.is_none_or(|position| position.max(status.low) < status.end), position)
            }
        };
        // The mark of "nothing read" differs from that of offset 0.
        known.timer.observe(now, is_judged && is_due, mark.map_or(0, |offset| offset + 1))
    }

    fn decide(&mut self, stalled: Vec<(Reason, Duration)>, (unowned_for, count): (Duration, usize)) -> Verdict {
        let WatchdogLimits { client, caller, hung_caller, max_rejoins } = self.limits;
        let of = |wanted: Reason, limit: Duration| {
            let partitions = stalled.iter().filter(|(reason, time)| *reason == wanted && *time >= limit).count();
            (partitions > 0).then_some(Stall { reason: wanted, partitions })
        };
        let unowned = (unowned_for >= client).then_some(Stall { reason: Reason::OwnsNothing, partitions: count });
        let of_client = unowned.or_else(|| of(Reason::NotRead, client)).or_else(|| of(Reason::NotOwned, client));
        if let Some(stall) = of_client {
            let is_new = self.stall.replace(stall).is_none();
            self.reset_timers();
            if self.rejoins == max_rejoins {
                return Verdict::End(stall);
            }
            self.rejoins += 1;
            return Verdict::Rejoin { stall, is_new };
        }
        if let Some(stall) = of(Reason::NotTaken, hung_caller) {
            return Verdict::End(stall);
        }
        if let Some(stall) = of(Reason::NotTaken, caller) {
            let is_new = self.stall.replace(stall).is_none();
            return Verdict::Stalled { stall, is_new };
        }
        match self.stall {
            Some(stall) if !self.is_over(stall) => Verdict::Stalled { stall, is_new: false },
            _ => {
                (self.stall, self.rejoins) = (None, 0);
                Verdict::Healthy
            }
        }
    }

    /// Whether every stalled partition has progressed since, or has nothing left to read.
    fn is_over(&self, stall: Stall) -> bool {
        let is_healthy = |known: &PartitionTimer| {
            let is_idle = known.timer.since.is_none() && known.waiting_for != Some(WaitingFor::Resume);
            known.timer.has_progressed || is_idle
        };
        stall.reason == Reason::NotTaken || self.unowned.since.is_none() && self.partitions.values().all(is_healthy)
    }

    /// Starts every time limit again: the cluster was unavailable, or another client takes over.
    fn reset_timers(&mut self) {
        self.partitions.clear();
        self.unowned = StallTimer::default();
    }
}

/// Why a partition makes no progress, if it makes none.
fn reason_of(status: &PartitionStatus) -> Reason {
    match status.owned.map(|owned| owned.waiting_for) {
        None => Reason::NotOwned,
        Some(WaitingFor::Client) => Reason::NotRead,
        Some(WaitingFor::Caller | WaitingFor::Resume) => Reason::NotTaken,
    }
}

#[cfg(test)]
mod tests;
