//! Whether a reader of the log gets on, and what to do where it does not. Pure: what is seen comes in, a judgement goes out.
//!
//! Whoever reads may stand still for reasons that nobody tells: a client that has lost its way, a membership that was never
//! taken up again, a caller that no longer asks. What counts is what the cluster says: where a partition ends, and whether
//! somebody goes towards it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::TopicPartition;

/// How long something that has reason to move has not moved.
#[derive(Clone, Debug, Default)]
pub struct Standstill {
    mark: Option<u64>,
    since: Option<Duration>,
    has_moved: bool,
}

impl Standstill {
    /// What is seen at `now` (monotonic): whether there is reason to move, and a mark that every move changes. Answers for how
    /// long it has stood still.
    pub fn observe(&mut self, now: Duration, is_due: bool, mark: u64) -> Duration {
        let moved = self.mark.replace(mark).is_some_and(|before| before != mark);
        self.has_moved |= moved;
        if !is_due {
            self.since = None;
        } else if moved || self.since.is_none() {
            self.since = Some(now);
        }
        self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }
}

/// How patient the watchdog is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// With the client: after so long it joins again.
    pub client: Duration,
    /// With the caller, which may be busy: after so long it is not well.
    pub caller: Duration,
    /// With the caller: after so long the process should end.
    pub hung_caller: Duration,
    /// So often in a row it may join again without getting on; then the process should end.
    pub rejoins: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            client: Duration::from_secs(10),
            caller: Duration::from_secs(60),
            hung_caller: Duration::from_secs(300),
            rejoins: 5,
        }
    }
}

/// What is seen at one time.
#[derive(Clone, Debug)]
pub enum Sight {
    /// The cluster does not answer: nobody can get on, and nothing can be said.
    Silent,
    /// The cluster answers.
    Seen {
        /// All partitions of what is to be read.
        partitions: Vec<PartitionSight>,
        /// Whether other members of the group own any of them; what they own is theirs to read.
        others_own: bool,
    },
}

/// One partition.
#[derive(Clone, Debug)]
pub struct PartitionSight {
    /// Which.
    pub partition: TopicPartition,
    /// The lowest offset there is.
    pub low: u64,
    /// Where it ends.
    pub end: u64,
    /// What the group has committed.
    pub committed: Option<u64>,
    /// How far this member is with it. `None`: it does not own it.
    pub owned: Option<OwnedSight>,
}

impl PartitionSight {
    /// Records that the group has not committed.
    pub fn lag(&self) -> u64 {
        self.end.saturating_sub(self.committed.map_or(self.low, |committed| committed.max(self.low)))
    }
}

/// A partition that is this member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedSight {
    /// The next offset to read. `None`: nothing was read yet, not even its end.
    pub position: Option<u64>,
    /// Whose turn it is.
    pub turn: Turn,
}

/// Whose turn it is that a partition gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// The client's: the caller wants more, and has taken what there was.
    Client,
    /// The caller's: something waits for it.
    Caller,
    /// Nobody's: the caller has paused it.
    Nobody,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The caller does not take what waits for it.
    NotTaken,
    /// Partitions that are owned are not read.
    NotRead,
    /// Partitions are nobody's, though this member owns others.
    NotOwned,
    /// Nobody owns any partition.
    OwnsNothing,
}

/// A reader that does not get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// What is wrong.
    pub reason: Reason,
    /// How many partitions are concerned.
    pub partitions: usize,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.partitions;
        match self.reason {
            Reason::NotTaken => write!(f, "records of {count} partitions wait and are not taken"),
            Reason::NotRead => write!(f, "{count} partitions have more, and nothing of it is read"),
            Reason::NotOwned => write!(f, "{count} partitions have more, and nobody owns them"),
            Reason::OwnsNothing => write!(f, "none of the {count} partitions is owned"),
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing can be said: the cluster does not answer.
    Unknown,
    /// It gets on, or has nothing to do.
    Healthy,
    /// It does not get on, and what can be done is done. `is_new`: since now.
    Stalled {
        /// What is wrong.
        stall: Stall,
        /// The first time that it is said of this incident.
        is_new: bool,
    },
    /// It should join again, with another client.
    Rejoin {
        /// What is wrong.
        stall: Stall,
        /// The first time in this incident.
        is_new: bool,
    },
    /// Nothing helped: the process should end.
    End(Stall),
}

/// One partition over time.
#[derive(Clone, Debug)]
struct Standing {
    /// Who should move it. `None`: it is not owned.
    turn: Option<Turn>,
    still: Standstill,
}

/// Judges one reader over time.
#[derive(Clone, Debug)]
pub struct Watchdog {
    patience: Patience,
    standings: BTreeMap<TopicPartition, Standing>,
    /// That nobody owns anything.
    unowned: Standstill,
    /// The incident, until it is over.
    stall: Option<Stall>,
    rejoins: u32,
}

impl Watchdog {
    /// Nothing is seen yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, standings: BTreeMap::new(), unowned: Standstill::default(), stall: None, rejoins: 0 }
    }

    /// Judges by what is seen at `now` (monotonic).
    pub fn judge(&mut self, now: Duration, sight: &Sight) -> Verdict {
        let Sight::Seen { partitions, others_own } = sight else {
            self.begin_anew();
            return Verdict::Unknown;
        };
        self.standings.retain(|known, _| partitions.iter().any(|seen| seen.partition == *known));
        let owns_any = partitions.iter().any(|seen| seen.owned.is_some());
        let nobody_owns = !partitions.is_empty() && !owns_any && !others_own;
        let mut stood: Vec<(Reason, Duration)> = Vec::new();
        for seen in partitions {
            // What is another member's is its to move; where nobody owns anything that is said once, below.
            let judged = seen.owned.is_some() || (owns_any && !others_own);
            stood.push((reason_of(seen), self.stand(now, seen, judged)));
        }
        let unowned_for = self.unowned.observe(now, nobody_owns, 0);
        self.weigh(stood, (unowned_for, partitions.len()))
    }

    fn stand(&mut self, now: Duration, seen: &PartitionSight, judged: bool) -> Duration {
        let turn = seen.owned.map(|owned| owned.turn);
        let fresh = || Standing { turn, still: Standstill::default() };
        let standing = self.standings.entry(seen.partition.clone()).or_insert_with(fresh);
        if standing.turn != turn {
            let has_moved = standing.still.has_moved;
            *standing = fresh();
            standing.still.has_moved = has_moved && turn.is_some();
        }
        let (is_due, mark) = match seen.owned {
            None => (seen.lag() > 0, seen.committed),
            Some(OwnedSight { turn: Turn::Nobody, position }) => (false, position),
            Some(OwnedSight { turn: Turn::Caller, position }) => (true, position),
            Some(OwnedSight { turn: Turn::Client, position }) => {
                (position.is_none_or(|position| position.max(seen.low) < seen.end), position)
            }
        };
        // That nothing was read is another mark than offset 0.
        standing.still.observe(now, judged && is_due, mark.map_or(0, |offset| offset + 1))
    }

    fn weigh(&mut self, stood: Vec<(Reason, Duration)>, (unowned_for, count): (Duration, usize)) -> Verdict {
        let Patience { client, caller, hung_caller, rejoins } = self.patience;
        let of = |wanted: Reason, limit: Duration| {
            let partitions = stood.iter().filter(|(reason, time)| *reason == wanted && *time >= limit).count();
            (partitions > 0).then_some(Stall { reason: wanted, partitions })
        };
        let unowned = (unowned_for >= client).then_some(Stall { reason: Reason::OwnsNothing, partitions: count });
        let of_client = unowned.or_else(|| of(Reason::NotRead, client)).or_else(|| of(Reason::NotOwned, client));
        if let Some(stall) = of_client {
            let is_new = self.stall.replace(stall).is_none();
            self.begin_anew();
            if self.rejoins == rejoins {
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

    /// Whether all that stood still has moved since, or has no reason to any more.
    fn is_over(&self, stall: Stall) -> bool {
        let gets_on = |standing: &Standing| {
            let at_rest = standing.still.since.is_none() && standing.turn != Some(Turn::Nobody);
            standing.still.has_moved || at_rest
        };
        stall.reason == Reason::NotTaken || self.unowned.since.is_none() && self.standings.values().all(gets_on)
    }

    /// What stood still may have been kept from moving: its time begins now.
    fn begin_anew(&mut self) {
        self.standings.clear();
        self.unowned = Standstill::default();
    }
}

/// What is wrong with a partition where it does not move.
fn reason_of(seen: &PartitionSight) -> Reason {
    match seen.owned.map(|owned| owned.turn) {
        None => Reason::NotOwned,
        Some(Turn::Client) => Reason::NotRead,
        Some(Turn::Caller | Turn::Nobody) => Reason::NotTaken,
    }
}

#[cfg(test)]
mod tests;
