//! Snapshots that several clients get: made once, sent to all who come within a second and look at the same.
//!
//! After a restart thousands of clients come back at once, and many of them look at the same places. A snapshot that is sent
//! again is older than the client's first delta, so whatever changed in its cells since it was made is told after it, by
//! name: the client ends up with the newest state of each, as it would with a snapshot of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::pages::{Form, Pages};
use crate::compose::{self, News, message};
use crate::subscription::Subscription;
use crate::view::{Change, ObjectId, View};
use crate::wire::{Encoder, Wire};

/// How long a snapshot is shared.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Snapshots that are kept; the oldest goes first.
const MAX_KEPT: usize = 32;
/// Subscriptions that are remembered as asked for once.
const MAX_ASKED: usize = 256;
/// A snapshot of more objects is made page by page, each when its client's line can take it.
const MAX_OBJECTS: usize = 4096;
/// A snapshot of which more has changed is made anew.
const MAX_CHANGED: usize = 256;

/// What a snapshot is of, and for whom.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Wanted {
    pub(crate) subscription: Subscription,
    pub(crate) wire: Wire,
    pub(crate) resumed: Option<bool>,
}

/// A snapshot, and what became of it since.
#[derive(Debug)]
struct Kept {
    wanted: Wanted,
    frames: Arc<[Bytes]>,
    made_at: Duration,
    changed: FxHashMap<ObjectId, bool>,
}

/// The snapshots of the last second.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    kept: VecDeque<Kept>,
    asked: VecDeque<(Wanted, Duration)>,
}

/// The frames of a shared snapshot, on their way to one client.
#[derive(Debug)]
pub(super) struct SharedPages {
    frames: Arc<[Bytes]>,
    next: usize,
}

impl SharedPages {
    pub(super) fn new(frames: Arc<[Bytes]>) -> Self {
        Self { frames, next: 0 }
    }

    pub(super) fn next(&mut self) -> Option<Bytes> {
        let frame = self.frames.get(self.next).cloned();
        self.next += 1;
        frame
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.frames.len()
    }
}

impl Shelf {
    /// The snapshot's frames, and the news since it was made; `None` for who comes first: that one gets its own.
    pub(crate) fn take(
        &mut self,
        wanted: &Wanted,
        view: &View,
        now: Duration,
        at_us: u64,
        encoder: &mut Encoder,
    ) -> Option<(Arc<[Bytes]>, Vec<News>)> {
        let young = |at: Duration| now.saturating_sub(at) < MAX_AGE;
        self.kept.retain(|kept| young(kept.made_at));
        if let Some(kept) = self.kept.iter().find(|kept| kept.wanted == *wanted) {
            let news = kept.changed.iter().map(|(id, named)| News { id: *id, named: *named }).collect();
            return Some((kept.frames.clone(), news));
        }
        self.asked.retain(|(_, at)| young(*at));
        if !self.asked.iter().any(|(asked, _)| asked == wanted) {
            self.asked.truncate(MAX_ASKED - 1);
            self.asked.push_front((wanted.clone(), now));
            return None;
        }
        let ids = compose::seen(view, &wanted.subscription);
        if ids.len() > MAX_OBJECTS {
            return None;
        }
        let frames = self.make(wanted, ids, view, at_us, encoder);
        self.kept.truncate(MAX_KEPT - 1);
        let changed = FxHashMap::default();
        self.kept.push_front(Kept { wanted: wanted.clone(), frames: frames.clone(), made_at: now, changed });
        Some((frames, Vec::new()))
    }

    /// Notes what changes in the cells of the snapshots that are kept.
    pub(crate) fn apply(&mut self, change: &Change) {
        for kept in &mut self.kept {
            let subscription = &kept.wanted.subscription;
            let inside = |cell| subscription.covers(cell);
            if subscription.kinds().contains(change.id.kind)
                && (change.from.is_some_and(inside) || change.to.is_some_and(inside))
            {
                *kept.changed.entry(change.id).or_default() |=
                    change.named || change.from.is_none_or(|from| !inside(from));
            }
        }
        self.kept.retain(|kept| kept.changed.len() <= MAX_CHANGED);
    }

    fn make(
        &self,
        wanted: &Wanted,
        ids: Vec<ObjectId>,
        view: &View,
        at_us: u64,
        encoder: &mut Encoder,
    ) -> Arc<[Bytes]> {
        let cells = wanted.subscription.cells().iter().map(ToString::to_string).collect();
        let mut pages = Pages::new(Form::Answer { request_id: 0, cells, resumed: wanted.resumed }, ids, false);
        let mut frames = Vec::new();
        while !pages.is_done() {
            let body = pages.next(view, &wanted.subscription, at_us);
            frames.push(encoder.frame(&message(body), wanted.wire));
        }
        frames.into()
    }
}
