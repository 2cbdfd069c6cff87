//! Queues of live states for Redis: coalesced per object and bounded; a partition's task never waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use schemas::object::{Kind, State};
use tokio::sync::Notify;

use air::core::ScoreChange;

/// Beyond so many objects of one partition all are dropped, and requested again when Redis is back.
const MAX_PENDING: usize = 100_000;

/// The kinds of keys in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LiveKind {
    /// The states of objects of a kind that [Redis holds](schemas::redis::holds).
    Object(Kind),
    /// The scores of devices, for operators.
    Validation,
}

impl LiveKind {
    /// As keys name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object(kind) => kind.as_str(),
            Self::Validation => "validation",
        }
    }
}

/// A new state of one object or score of one device, or its end.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveUpdate {
    /// The kind of the key.
    pub kind: LiveKind,
    /// The number in the key: device address or thermal id.
    pub id: u64,
    /// Lower versions never replace higher ones.
    pub version: u64,
    /// The state; `None`: it has ended.
    pub state: Option<LiveState>,
}

impl LiveUpdate {
    /// A state of an object, or its end.
    pub fn of_object(kind: Kind, id: u64, version: u64, state: Option<State>) -> Self {
        Self { kind: LiveKind::Object(kind), id, version, state: state.map(LiveState::Object) }
    }

    /// The score of a device.
    pub fn of_score(score: ScoreChange) -> Self {
        let (id, version) = (score.device.into(), score.version);
        Self { kind: LiveKind::Validation, id, version, state: Some(LiveState::Validation(score)) }
    }

    /// The end of a device's score.
    pub fn score_ended(device: u32, version: u64) -> Self {
        Self { kind: LiveKind::Validation, id: device.into(), version, state: None }
    }
}

/// The content of a key in Redis.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "most of them are states; a box would cost an allocation per update")]
pub enum LiveState {
    /// The state of an object.
    Object(State),
    /// The score of a device.
    Validation(ScoreChange),
}

/// Updates of a partition that are not in Redis yet.
#[derive(Debug, Default)]
pub struct Pending {
    /// The newest update of each object.
    pub updates: FxHashMap<(LiveKind, u64), LiveUpdate>,
    /// The newest time of the partition, microseconds.
    pub clock_us: u64,
    /// The updates contain all live objects of the partition; other objects that Redis has ended at this version or before.
    pub complete_at: Option<u64>,
    /// The ends of those others are among the updates. They are looked for once: later, Redis also has what was written meanwhile.
    pub has_ends: bool,
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

/// The queue of one partition's updates for Redis.
#[derive(Debug)]
pub struct LiveFeed {
    /// The partition.
    pub partition: u32,
    /// The number of partitions.
    pub of_partitions: u32,
    pending: Mutex<Pending>,
    needs_all: AtomicBool,
    queued: Arc<Notify>,
}

impl LiveFeed {
    /// Queues updates; they replace older ones of the same objects.
    pub fn push(&self, updates: &mut Vec<LiveUpdate>, clock_us: u64) {
        let mut pending = self.pending.lock();
        pending.clock_us = clock_us;
        updates.drain(..).for_each(|update| pending.merge(update));
        if pending.updates.len() > MAX_PENDING {
            pending.updates = FxHashMap::default();
            (pending.complete_at, pending.has_ends) = (None, false);
            self.needs_all.store(true, Ordering::Release);
        }
        drop(pending);
        self.queued.notify_one();
    }

    /// Queues all states of the partition, as they are after the record `version`.
    pub fn push_all(&self, updates: &mut Vec<LiveUpdate>, clock_us: u64, version: u64) {
        let mut pending = self.pending.lock();
        pending.clock_us = clock_us;
        updates.drain(..).for_each(|update| pending.merge(update));
        (pending.complete_at, pending.has_ends) = (Some(version), false);
        drop(pending);
        self.needs_all.store(false, Ordering::Release);
        self.queued.notify_one();
    }

    /// Whether the partition's task has to queue all its states.
    pub fn needs_all(&self) -> bool {
        self.needs_all.load(Ordering::Acquire)
    }

    /// Requests all states from the partition's task, which queues them with its next batch.
    pub fn request_all(&self) {
        self.needs_all.store(true, Ordering::Release);
    }

    /// The newest time of the partition, microseconds.
    pub fn clock_us(&self) -> u64 {
        self.pending.lock().clock_us
    }

    /// Takes the pending updates.
    pub fn take(&self) -> Pending {
        let mut pending = self.pending.lock();
        let clock_us = pending.clock_us;
        std::mem::replace(&mut *pending, Pending { clock_us, ..Pending::default() })
    }

    /// Puts back updates that could not be written; newer ones stay.
    pub fn put_back(&self, taken: Pending) {
        let mut pending = self.pending.lock();
        let newer = std::mem::replace(&mut *pending, taken);
        pending.clock_us = pending.clock_us.max(newer.clock_us);
        if newer.complete_at.is_some() {
            (pending.complete_at, pending.has_ends) = (newer.complete_at, newer.has_ends);
        }
        newer.updates.into_values().for_each(|update| pending.merge(update));
    }
}

/// The feeds of all partitions that this process owns.
#[derive(Clone, Debug, Default)]
pub struct LiveFeeds {
    feeds: Arc<Mutex<Vec<std::sync::Weak<LiveFeed>>>>,
    queued: Arc<Notify>,
}

impl LiveFeeds {
    /// Opens the queue of a partition, of so many partitions; it closes when the partition's task drops it.
    pub fn open(&self, partition: u32, of_partitions: u32) -> Arc<LiveFeed> {
        let feed = Arc::new(LiveFeed {
            partition,
            of_partitions,
            pending: Mutex::default(),
            // It is not known which states the last owner has written.
            needs_all: AtomicBool::new(true),
            queued: self.queued.clone(),
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

    /// Waits until a task has queued an update.
    pub async fn queued(&self) {
        self.queued.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIRCRAFT: LiveKind = LiveKind::Object(Kind::Aircraft);

    fn ended(id: u64, version: u64) -> LiveUpdate {
        LiveUpdate::of_object(Kind::Aircraft, id, version, None)
    }

    #[test]
    fn the_newest_version_of_each_object_is_kept() {
        let feeds = LiveFeeds::default();
        let feed = feeds.open(0, 24);
        feed.push(&mut vec![ended(1, 5), ended(1, 7), ended(1, 6), ended(2, 1)], 9);
        let taken = feed.take();
        assert_eq!((taken.updates.len(), taken.updates[&(AIRCRAFT, 1)].version), (2, 7));
        feed.push(&mut vec![ended(1, 8)], 10);
        feed.put_back(taken);
        let again = feed.take();
        assert_eq!((again.updates.len(), again.updates[&(AIRCRAFT, 1)].version), (2, 8));
        assert_eq!(again.clock_us, 10);
    }

    #[test]
    fn missing_ends_are_looked_for_once_per_complete_set() {
        let feed = LiveFeeds::default().open(0, 24);
        feed.push_all(&mut vec![ended(1, 1)], 0, 7);
        let taken = Pending { has_ends: true, ..feed.take() };
        feed.push(&mut vec![ended(2, 8)], 1);
        feed.put_back(taken);
        let again = feed.take();
        assert_eq!((again.complete_at, again.has_ends), (Some(7), true));
        feed.push_all(&mut vec![ended(1, 9)], 2, 9);
        feed.put_back(again);
        let newest = feed.take();
        assert_eq!((newest.complete_at, newest.has_ends), (Some(9), false), "another set has other ends");
    }

    #[test]
    fn a_full_feed_is_dropped_and_requested_again() {
        let feed = LiveFeeds::default().open(0, 24);
        assert!(feed.needs_all(), "a new owner queues all its states");
        feed.push_all(&mut Vec::new(), 0, 0);
        feed.take();
        feed.push(&mut (0..=MAX_PENDING as u64).map(|id| ended(id, 1)).collect(), 1);
        assert!(feed.needs_all() && feed.take().updates.is_empty());
        feed.push_all(&mut vec![ended(1, 1)], 2, 7);
        assert!(!feed.needs_all());
        assert_eq!(feed.take().complete_at, Some(7));
    }

    #[test]
    fn a_feed_closes_with_its_task() {
        let feeds = LiveFeeds::default();
        let feed = feeds.open(3, 24);
        assert_eq!(feeds.all().len(), 1);
        drop(feed);
        assert!(feeds.all().is_empty());
    }
}
