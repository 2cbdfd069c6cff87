//! Bodies of answers that were made a moment ago: who asks the same gets the same bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use parking_lot::Mutex;

/// How long a body is given out again: its `server_time` must not be old.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Smaller ones are made again.
const MIN_BYTES: usize = 8 << 10;
/// Of all bodies that are kept; the oldest goes first.
const MAX_BYTES: usize = 16 << 20;

/// What was made lately. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedBodies(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bodies: VecDeque<Made>,
    bytes: usize,
}

#[derive(Debug)]
struct Made {
    etag: String,
    at: Duration,
    bytes: Bytes,
}

impl SharedBodies {
    /// The body of the answer with that ETag.
    pub(super) fn get(&self, etag: &str, now: Duration) -> Option<Bytes> {
        let mut kept = self.0.lock();
        kept.expire(now);
        kept.bodies.iter().find(|made| made.etag == etag).map(|made| made.bytes.clone())
    }

    /// Keeps a body for who asks next.
    pub(super) fn keep(&self, etag: &str, bytes: &Bytes, now: Duration) {
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) {
            return;
        }
        let mut kept = self.0.lock();
        kept.expire(now);
        if kept.bodies.iter().any(|made| made.etag == etag) {
            return;
        }
        kept.bytes += bytes.len();
        kept.bodies.push_back(Made { etag: etag.to_owned(), at: now, bytes: bytes.clone() });
        while kept.bytes > MAX_BYTES {
            kept.drop_oldest();
        }
    }
}

impl Kept {
    fn expire(&mut self, now: Duration) {
        while self.bodies.front().is_some_and(|made| now.saturating_sub(made.at) >= MAX_AGE) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.bodies.pop_front() {
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
        let bodies = SharedBodies::default();
        let (large, small) = (Bytes::from(vec![1; MIN_BYTES]), Bytes::from(vec![2; MIN_BYTES - 1]));
        bodies.keep("a", &large, NOW);
        bodies.keep("b", &small, NOW);
        assert_eq!((bodies.get("a", NOW), bodies.get("b", NOW)), (Some(large), None));
        assert_eq!(bodies.get("a", NOW + MAX_AGE), None);
        assert_eq!(bodies.0.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_body_makes_room() {
        let bodies = SharedBodies::default();
        let half = Bytes::from(vec![1; MAX_BYTES / 2]);
        ["a", "b", "c"].iter().for_each(|etag| bodies.keep(etag, &half, NOW));
        assert_eq!((bodies.get("a", NOW), bodies.0.lock().bytes), (None, MAX_BYTES));
        assert!(bodies.get("c", NOW).is_some());
    }
}
