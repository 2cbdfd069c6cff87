//! Shared snapshots: composed once, and sent to all clients that connect within a second with the same subscription.
//!
//! After a restart thousands of clients reconnect at once, and many of them have the same region. A shared snapshot is
//! older than a client's first delta, so the objects in its cells that have changed since are sent after it: the client
//! has the newest state of each, as with a snapshot of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::pages::{Form, Pages};
use crate::compose::{self, PendingObject, message};
use crate::subscription::Subscription;
use crate::view::{Change, ObjectId, View};
use crate::wire::{Encoder, Wire};

/// How long a snapshot is shared.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The maximum number of cached snapshots; the oldest is removed first.
const MAX_CACHED: usize = 32;
/// The maximum number of subscriptions that are stored as requested once.
const MAX_REQUESTED: usize = 256;
/// A snapshot of more objects is not shared.
const MAX_OBJECTS: usize = 4096;
/// A snapshot of which more objects have changed is removed.
const MAX_CHANGED: usize = 256;

/// The parameters of a snapshot.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct SnapshotKey {
    pub(crate) subscription: Subscription,
    pub(crate) wire: Wire,
    pub(crate) resumed: Option<bool>,
}

/// A snapshot, and the objects that have changed since.
#[derive(Debug)]
struct Cached {
    key: SnapshotKey,
    frames: Arc<[Bytes]>,
    made_at: Duration,
    changed: FxHashMap<ObjectId, bool>,
}

/// The snapshots of the last second.
#[derive(Debug, Default)]
pub(crate) struct SnapshotCache {
    cached: VecDeque<Cached>,
    requested: VecDeque<(SnapshotKey, Duration)>,
}

/// The frames of a shared snapshot that wait for one client.
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

impl SnapshotCache {
    /// The snapshot's frames, and the objects that have changed since; `None` for the first client with this key, which
    /// gets a snapshot of its own.
    pub(crate) fn take(
        &mut self,
        key: &SnapshotKey,
        view: &View,
        now: Duration,
        at_us: u64,
        encoder: &mut Encoder,
    ) -> Option<(Arc<[Bytes]>, Vec<PendingObject>)> {
        let young = |at: Duration| now.saturating_sub(at) < MAX_AGE;
        self.cached.retain(|cached| young(cached.made_at));
        if let Some(cached) = self.cached.iter().find(|cached| cached.key == *key) {
            let changed = cached.changed.iter().map(|(id, named)| PendingObject { id: *id, named: *named }).collect();
            return Some((cached.frames.clone(), changed));
        }
        self.requested.retain(|(_, at)| young(*at));
        if !self.requested.iter().any(|(requested, _)| requested == key) {
            self.requested.truncate(MAX_REQUESTED - 1);
            self.requested.push_front((key.clone(), now));
            return None;
        }
        let ids = compose::seen(view, &key.subscription);
        if ids.len() > MAX_OBJECTS {
            return None;
        }
        let frames = self.make(key, ids, view, at_us, encoder);
        self.cached.truncate(MAX_CACHED - 1);
        let changed = FxHashMap::default();
        self.cached.push_front(Cached { key: key.clone(), frames: frames.clone(), made_at: now, changed });
        Some((frames, Vec::new()))
    }

    /// Stores the changed object with each cached snapshot whose cells it is or was in. A snapshot that has a removed object is
    /// dropped: the object may have been hidden, and clients that connect after that must not receive it.
    pub(crate) fn apply(&mut self, change: &Change) {
        if let (Some(from), None) = (change.from, change.to) {
            let has_it = |shown: &Subscription| shown.kinds().contains(change.id.kind) && shown.covers(from);
            self.cached.retain(|cached| !has_it(&cached.key.subscription));
        }
        for cached in &mut self.cached {
            let subscription = &cached.key.subscription;
            let inside = |cell| subscription.covers(cell);
            if subscription.kinds().contains(change.id.kind)
                && (change.from.is_some_and(inside) || change.to.is_some_and(inside))
            {
                *cached.changed.entry(change.id).or_default() |=
                    change.named || change.from.is_none_or(|from| !inside(from));
            }
        }
        self.cached.retain(|cached| cached.changed.len() <= MAX_CHANGED);
    }

    fn make(
        &self,
        key: &SnapshotKey,
        ids: Vec<ObjectId>,
        view: &View,
        at_us: u64,
        encoder: &mut Encoder,
    ) -> Arc<[Bytes]> {
        let cells = key.subscription.cells().iter().map(ToString::to_string).collect();
        let mut pages = Pages::new(Form::Answer { request_id: 0, cells, resumed: key.resumed }, ids, false);
        let mut frames = Vec::new();
        while !pages.is_done() {
            let body = pages.next(view, &key.subscription, at_us);
            frames.push(encoder.frame(&message(body), key.wire));
        }
        frames.into()
    }
}
