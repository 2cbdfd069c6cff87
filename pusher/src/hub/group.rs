//! One group: its members by the form they read, and what they have not heard yet.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::ClientId;
use crate::compose::News;
use crate::subscription::{Rate, Subject};
use crate::view::ObjectId;
use crate::wire::Wire;

/// The clients that share a subject and a rate.
#[derive(Debug)]
pub(super) struct Group {
    #[allow(dead_code, reason = "says in a debugger what the group is about")]
    subject: Subject,
    rate: Rate,
    members: [IndexSet<ClientId, FxBuildHasher>; Wire::COUNT],
    /// With the name or without.
    pending: FxHashMap<ObjectId, bool>,
}

impl Group {
    pub(super) fn new(subject: Subject, rate: Rate) -> Self {
        Self { subject, rate, members: Default::default(), pending: FxHashMap::default() }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    pub(super) fn add(&mut self, client: ClientId, wire: Wire) {
        self.members[wire.index()].insert(client);
    }

    pub(super) fn remove(&mut self, client: ClientId, wire: Wire) -> bool {
        self.members[wire.index()].swap_remove(&client)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.iter().all(IndexSet::is_empty)
    }

    pub(super) fn has_readers(&self, wire: Wire) -> bool {
        !self.members[wire.index()].is_empty()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = ClientId> {
        self.members.iter().flatten().copied()
    }

    pub(super) fn mark(&mut self, id: ObjectId, named: bool) {
        *self.pending.entry(id).or_default() |= named;
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = News> {
        self.pending.iter().map(|(id, named)| News { id: *id, named: *named })
    }

    pub(super) fn take_pending(&mut self) -> Vec<News> {
        self.pending.drain().map(|(id, named)| News { id, named }).collect()
    }
}
