//! Who hears of what: groups of clients that share an interest, and what became dirty for each group.
//!
//! Pure. A change costs as many look-ups as there are precisions, and a flush one encoding per dirty group: neither
//! depends on how many clients there are. A group is keyed by cell, the set of kinds its clients look at, and their rate:
//! nearly all look at every kind, so this makes one group where a key per kind would make six, and one frame instead of
//! several. Pending news are only names; the state is read from the view when the group is
//! flushed, so that no group ever sends an older state after a newer one.

mod group;
mod interest;

use geo::Cell;
use rustc_hash::FxHashMap;
use slab::Slab;
use smallvec::SmallVec;

use crate::compose::{self, News};
use crate::subscription::{Rate, Subject};
use crate::view::{Change, KindSet, View};
use crate::wire::{Encoder, Frames, Wire};
use group::Group;
use interest::Interest;

pub use interest::ClientId;

/// Some of the rates.
pub type RateSet = [bool; Rate::COUNT];

/// One group's news, ready to go out to all its members.
#[derive(Debug)]
pub struct Delivery {
    /// Of the hub; good until the next join or leave.
    pub group: usize,
    /// The message in each form that a member reads.
    pub frames: Frames,
    /// What it tells of, for a member that cannot take it now.
    pub news: Vec<News>,
}

/// The groups of one shard.
#[derive(Debug, Default)]
pub struct Hub {
    groups: Slab<Group>,
    by_interest: FxHashMap<Interest, SmallVec<[u32; 4]>>,
    dirty: [Vec<u32>; Rate::COUNT],
    urgent: Vec<u32>,
    memberships: usize,
}

impl Hub {
    /// Lets a client hear of a subject.
    pub fn join(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate) {
        let (interest, kinds) = subject.into();
        let index = self.find(interest, kinds, rate).unwrap_or_else(|| {
            let index = self.groups.insert(Group::new(interest, kinds, rate)) as u32;
            self.by_interest.entry(interest).or_default().push(index);
            index
        });
        self.memberships += usize::from(self.groups[index as usize].add(client, wire));
    }

    /// Lets a client hear no more of it, and appends what it has not heard yet.
    pub fn leave(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate, unheard: &mut Vec<News>) {
        let (interest, kinds) = subject.into();
        let Some(index) = self.find(interest, kinds, rate) else { return };
        let group = &mut self.groups[index as usize];
        if !group.remove(client, wire) {
            return;
        }
        self.memberships -= 1;
        unheard.extend(group.pending());
        if group.is_empty() {
            self.dissolve(index);
        }
    }

    /// Marks what a change makes dirty: the groups of the cells that the object was in and is in, and its followers.
    pub fn apply(&mut self, change: &Change) {
        for precision in 1..=Cell::MAX_PRECISION {
            let [from, to] = [change.from, change.to].map(|cell| cell.map(|cell| cell.ancestor(precision)));
            let entered = from != to;
            if let Some(to) = to {
                self.mark(Interest::Cell(to), change, change.named || entered);
            }
            if let Some(from) = from.filter(|_| entered) {
                self.mark(Interest::Cell(from), change, change.named);
            }
        }
        if let Some(device) = change.device {
            self.mark(Interest::Device(device), change, change.named);
        }
    }

    /// True where something waits to be flushed at one of the rates.
    pub fn is_dirty(&self, rates: RateSet) -> bool {
        Rate::ALL.into_iter().any(|rate| rates[rate.index()] && !self.dirty[rate.index()].is_empty())
    }

    /// True where something waits that no rate may hold back.
    pub fn is_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    /// Makes the messages of all dirty groups of these rates, and of all urgent ones.
    pub fn flush(&mut self, rates: RateSet, view: &View, at_us: u64, encoder: &mut Encoder) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for index in std::mem::take(&mut self.urgent) {
            self.dirty[self.groups[index as usize].rate.index()].retain(|dirty| *dirty != index);
            deliveries.extend(self.flush_group(index, view, at_us, encoder));
        }
        for rate in Rate::ALL.into_iter().filter(|rate| rates[rate.index()]) {
            let mut dirty = std::mem::take(&mut self.dirty[rate.index()]);
            for index in dirty.drain(..) {
                deliveries.extend(self.flush_group(index, view, at_us, encoder));
            }
            // Keeps the list's memory for the next tick.
            self.dirty[rate.index()] = dirty;
        }
        deliveries
    }

    /// Who has to get a delivery, by the form they read.
    pub fn members(&self, delivery: &Delivery) -> impl Iterator<Item = ClientId> {
        self.groups.get(delivery.group).into_iter().flat_map(Group::members)
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many memberships of clients in groups there are.
    pub fn subscriptions(&self) -> usize {
        self.memberships
    }

    fn find(&self, interest: Interest, kinds: KindSet, rate: Rate) -> Option<u32> {
        let here = self.by_interest.get(&interest)?.iter().copied();
        here.into_iter().find(|index| {
            let group = &self.groups[*index as usize];
            (group.kinds, group.rate) == (kinds, rate)
        })
    }

    fn dissolve(&mut self, index: u32) {
        let group = self.groups.remove(index as usize);
        if group.is_dirty() {
            self.dirty[group.rate.index()].retain(|dirty| *dirty != index);
            self.urgent.retain(|urgent| *urgent != index);
        }
        if let Some(here) = self.by_interest.get_mut(&group.interest) {
            here.retain(|other| *other != index);
            if here.is_empty() {
                self.by_interest.remove(&group.interest);
            }
        }
    }

    fn mark(&mut self, interest: Interest, change: &Change, named: bool) {
        let Some(here) = self.by_interest.get(&interest) else { return };
        for index in here {
            let group = &mut self.groups[*index as usize];
            if !group.kinds.contains(change.id.kind) {
                continue;
            }
            if !group.is_dirty() {
                self.dirty[group.rate.index()].push(*index);
            }
            if change.urgent && !self.urgent.contains(index) {
                self.urgent.push(*index);
            }
            group.mark(change.id, named);
        }
    }

    fn flush_group(&mut self, index: u32, view: &View, at_us: u64, encoder: &mut Encoder) -> Option<Delivery> {
        let group = &mut self.groups[index as usize];
        let news = group.take_pending();
        let batch = compose::updates(view, news.iter().copied(), at_us);
        if batch.objects.is_none() && batch.removals.is_empty() {
            return None;
        }
        let message = compose::message(schemas::v1::server_message::Message::Updates(batch));
        let frames = encoder.frames(&message, |wire| group.has_readers(wire));
        Some(Delivery { group: index as usize, frames, news })
    }
}

#[cfg(test)]
mod tests;
