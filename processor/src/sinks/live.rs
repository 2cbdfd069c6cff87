//! Live states on their way to Redis: coalesced per object, bounded, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use schemas::v1::{AircraftState, GroundState, StationState, ThermalState};
use tokio::sync::Notify;

use air::core::ScoreChange;

/// Beyond so many objects of one partition all are dropped and asked for again when Redis is back.
const MOST_PENDING: usize = 100_000;

/// The kinds of keys in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LiveKind {
    /// Aircraft.
    Aircraft,
    /// Ground objects.
    Ground,
    /// Weather stations.
    Station,
    /// Thermals.
    Thermal,
    /// Trust, for operators.
    Validation,
}

impl LiveKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Aircraft, Self::Ground, Self::Station, Self::Thermal, Self::Validation];

    /// As keys name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aircraft => "aircraft",
            Self::Ground => "ground",
            Self::Station => "station",
            Self::Thermal => "thermal",
            Self::Validation => "validation",
        }
    }
}

/// A new state of one object, or its end.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveUpdate {
    /// What it is about.
    pub kind: LiveKind,
    /// Device address or thermal id.
    pub id: u64,
    /// Lower versions never replace higher ones.
    pub version: u64,
    /// The state; `None`: it is gone.
    pub state: Option<LiveState>,
}

/// A state as Redis shows it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LiveState {
    Aircraft(AircraftState),
    Ground(GroundState),
    Station(StationState),
    Thermal(ThermalState),
    Validation(ScoreChange),
}

/// What a partition's task has handed over and Redis has not taken yet.
#[derive(Debug, Default)]
pub struct Pending {
    /// The newest of each object.
    pub updates: FxHashMap<(LiveKind, u64), LiveUpdate>,
    /// The newest time of the partition, microseconds.
    pub clock_us: u64,
    /// All that lives in the partition is among the updates; what Redis has beside it ended at this version or before.
    pub complete_at: Option<u64>,
}

impl Pending {
    fn merge(&mut self, update: LiveUpdate) {
        let known = self.updates.entry((update.kind, update.id));
        known
            .and_modify(|known| {
                if known.version <= update.version {
                    known.clone_from(&update);
                }
            })
            .or_insert(update);
    }
}

/// One partition's way to Redis.
#[derive(Debug)]
pub struct LiveFeed {
    /// The partition.
    pub partition: u32,
    /// Of so many.
    pub of_partitions: u32,
    pending: Mutex<Pending>,
    wants_all: AtomicBool,
    news: Arc<Notify>,
}

impl LiveFeed {
    /// Hands over updates; older ones of the same objects are forgotten.
    pub fn offer(&self, updates: &mut Vec<LiveUpdate>, clock_us: u64) {
        let mut pending = self.pending.lock();
        pending.clock_us = clock_us;
        updates.drain(..).for_each(|update| pending.merge(update));
        if pending.updates.len() > MOST_PENDING {
            pending.updates = FxHashMap::default();
            pending.complete_at = None;
            self.wants_all.store(true, Ordering::Release);
        }
        drop(pending);
        self.news.notify_one();
    }

    /// Hands over all states of the partition, as they are after the record `version`.
    pub fn offer_all(&self, updates: &mut Vec<LiveUpdate>, clock_us: u64, version: u64) {
        let mut pending = self.pending.lock();
        pending.clock_us = clock_us;
        updates.drain(..).for_each(|update| pending.merge(update));
        pending.complete_at = Some(version);
        drop(pending);
        self.wants_all.store(false, Ordering::Release);
        self.news.notify_one();
    }

    /// Whether the task is to hand over all that it has.
    pub fn wants_all(&self) -> bool {
        self.wants_all.load(Ordering::Acquire)
    }

    /// Asks the task for all that it has; it answers with its next batch.
    pub fn ask_for_all(&self) {
        self.wants_all.store(true, Ordering::Release);
    }

    /// The newest time of the partition, microseconds.
    pub fn clock_us(&self) -> u64 {
        self.pending.lock().clock_us
    }

    /// Takes what is pending.
    pub fn take(&self) -> Pending {
        let mut pending = self.pending.lock();
        let clock_us = pending.clock_us;
        std::mem::replace(&mut *pending, Pending { clock_us, ..Pending::default() })
    }

    /// Gives back what could not be written: newer updates win.
    pub fn give_back(&self, taken: Pending) {
        let mut pending = self.pending.lock();
        let newer = std::mem::replace(&mut *pending, taken);
        pending.clock_us = pending.clock_us.max(newer.clock_us);
        pending.complete_at = newer.complete_at.or(pending.complete_at);
        newer.updates.into_values().for_each(|update| pending.merge(update));
    }
}

/// The feeds of all partitions that this process owns.
#[derive(Clone, Debug, Default)]
pub struct LiveFeeds {
    feeds: Arc<Mutex<Vec<std::sync::Weak<LiveFeed>>>>,
    news: Arc<Notify>,
}

impl LiveFeeds {
    /// A way for a partition of so many; it ends when the partition's task drops it.
    pub fn open(&self, partition: u32, of_partitions: u32) -> Arc<LiveFeed> {
        let feed = Arc::new(LiveFeed {
            partition,
            of_partitions,
            pending: Mutex::default(),
            // What the last owner wrote, and whether it got to the end of it, nobody knows.
            wants_all: AtomicBool::new(true),
            news: self.news.clone(),
        });
        let mut feeds = self.feeds.lock();
        feeds.retain(|feed| feed.strong_count() > 0);
        feeds.push(Arc::downgrade(&feed));
        feed
    }

    /// The feeds that are open.
    pub fn all(&self) -> Vec<Arc<LiveFeed>> {
        self.feeds.lock().iter().filter_map(std::sync::Weak::upgrade).collect()
    }

    /// Waits until a task has handed something over.
    pub async fn news(&self) {
        self.news.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(id: u64, version: u64) -> LiveUpdate {
        LiveUpdate { kind: LiveKind::Aircraft, id, version, state: None }
    }

    #[test]
    fn the_newest_version_of_each_object_is_kept() {
        let feeds = LiveFeeds::default();
        let feed = feeds.open(0, 24);
        feed.offer(&mut vec![gone(1, 5), gone(1, 7), gone(1, 6), gone(2, 1)], 9);
        let taken = feed.take();
        assert_eq!((taken.updates.len(), taken.updates[&(LiveKind::Aircraft, 1)].version), (2, 7));
        feed.offer(&mut vec![gone(1, 8)], 10);
        feed.give_back(taken);
        let again = feed.take();
        assert_eq!((again.updates.len(), again.updates[&(LiveKind::Aircraft, 1)].version), (2, 8));
        assert_eq!(again.clock_us, 10);
    }

    #[test]
    fn too_much_is_dropped_and_asked_for_again() {
        let feed = LiveFeeds::default().open(0, 24);
        assert!(feed.wants_all(), "a new owner hands over all that it has");
        feed.offer_all(&mut Vec::new(), 0, 0);
        feed.take();
        feed.offer(&mut (0..=MOST_PENDING as u64).map(|id| gone(id, 1)).collect(), 1);
        assert!(feed.wants_all() && feed.take().updates.is_empty());
        feed.offer_all(&mut vec![gone(1, 1)], 2, 7);
        assert!(!feed.wants_all());
        assert_eq!(feed.take().complete_at, Some(7));
    }

    #[test]
    fn a_feed_ends_with_its_task() {
        let feeds = LiveFeeds::default();
        let feed = feeds.open(3, 24);
        assert_eq!(feeds.all().len(), 1);
        drop(feed);
        assert!(feeds.all().is_empty());
    }
}
