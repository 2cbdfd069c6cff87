//! A cache of recent response bodies: equal requests within a second share their bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use parking_lot::Mutex;

/// How long a body is shared: its `server_time` must not be old.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Smaller bodies are not cached.
const MIN_BYTES: usize = 8 << 10;
/// All bodies together. Beyond it, the oldest are removed.
const MAX_BYTES: usize = 16 << 20;

/// Recent bodies by their ETag. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseCache(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    queue: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    etag: String,
    inserted_at: Duration,
    bytes: Bytes,
}

impl ResponseCache {
    /// The body with this ETag.
    pub(super) fn get(&self, etag: &str, now: Duration) -> Option<Bytes> {
        let mut entries = self.0.lock();
        entries.expire(now);
        entries.find(etag).map(|entry| entry.bytes.clone())
    }

    /// Adds a body.
    pub(super) fn insert(&self, etag: &str, bytes: &Bytes, now: Duration) {
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) {
            return;
        }
        let mut entries = self.0.lock();
        entries.expire(now);
        if entries.find(etag).is_some() {
            return;
        }
        entries.bytes += bytes.len();
        entries.queue.push_back(Entry { etag: etag.to_owned(), inserted_at: now, bytes: bytes.clone() });
        while entries.bytes > MAX_BYTES {
            entries.remove_oldest();
        }
    }
}

impl Entries {
    fn find(&self, etag: &str) -> Option<&Entry> {
        self.queue.iter().find(|entry| entry.etag == etag)
    }

    fn expire(&mut self, now: Duration) {
        while self.queue.front().is_some_and(|entry| now.saturating_sub(entry.inserted_at) >= MAX_AGE) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some(oldest) = self.queue.pop_front() {
            self.bytes -= oldest.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(7);

    #[test]
    fn a_body_is_shared_for_a_second() {
        let cache = ResponseCache::default();
        let (large, small) = (Bytes::from(vec![1; MIN_BYTES]), Bytes::from(vec![2; MIN_BYTES - 1]));
        cache.insert("a", &large, NOW);
        cache.insert("b", &small, NOW);
        assert_eq!((cache.get("a", NOW), cache.get("b", NOW)), (Some(large), None));
        assert_eq!(cache.get("a", NOW + MAX_AGE), None);
        assert_eq!(cache.0.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_body_is_removed_first() {
        let cache = ResponseCache::default();
        let half = Bytes::from(vec![1; MAX_BYTES / 2]);
        ["a", "b", "c"].iter().for_each(|etag| cache.insert(etag, &half, NOW));
        assert_eq!((cache.get("a", NOW), cache.0.lock().bytes), (None, MAX_BYTES));
        assert!(cache.get("c", NOW).is_some());
    }
}
