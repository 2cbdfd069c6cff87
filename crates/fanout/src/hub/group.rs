//! One group: its members by the form of their frames, and the objects to send.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::interest::{ClientId, Interest};
use crate::compose::PendingObject;
use crate::subscription::Rate;
use crate::view::{KindSet, ObjectId};
use crate::wire::Wire;

/// The clients that share an interest and a rate.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) interest: Interest,
    pub(super) kinds: KindSet,
    pub(super) rate: Rate,
    /// By form, each sorted. Vectors with four bytes per member, since there are many groups and most are small.
    members: SmallVec<[(Wire, Vec<ClientId>); 1]>,
    /// The objects to send, and whether with their names.
    pending: FxHashMap<ObjectId, bool>,
}

impl Group {
    pub(super) fn new(interest: Interest, kinds: KindSet, rate: Rate) -> Self {
        Self { interest, kinds, rate, members: SmallVec::new(), pending: FxHashMap::default() }
    }

    /// Returns false when the client was a member already.
    pub(super) fn add(&mut self, client: ClientId, wire: Wire) -> bool {
        let readers = match self.members.iter_mut().position(|(form, _)| *form == wire) {
            Some(index) => &mut self.members[index].1,
            None => {
                self.members.push((wire, Vec::with_capacity(1)));
                let last = self.members.len() - 1;
                &mut self.members[last].1
            }
        };
        let found = readers.binary_search(&client);
        if let Err(index) = found {
            readers.insert(index, client);
        }
        found.is_err()
    }

    pub(super) fn remove(&mut self, client: ClientId, wire: Wire) -> bool {
        let Some(index) = self.members.iter().position(|(form, _)| *form == wire) else { return false };
        let readers = &mut self.members[index].1;
        let Ok(member) = readers.binary_search(&client) else { return false };
        readers.remove(member);
        if readers.is_empty() {
            self.members.remove(index);
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn has_readers(&self, wire: Wire) -> bool {
        self.members.iter().any(|(form, _)| *form == wire)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = ClientId> {
        self.members.iter().flat_map(|(_, readers)| readers).copied()
    }

    pub(super) fn mark(&mut self, id: ObjectId, named: bool) {
        *self.pending.entry(id).or_default() |= named;
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = PendingObject> {
        self.pending.iter().map(|(id, named)| PendingObject { id: *id, named: *named })
    }

    /// Takes the objects; frees the memory after many.
    pub(super) fn take_pending(&mut self) -> Vec<PendingObject> {
        let objects = self.pending.drain().map(|(id, named)| PendingObject { id, named }).collect();
        if self.pending.capacity() > 64 {
            self.pending = FxHashMap::default();
        }
        objects
    }
}
