//! Who hears of what: groups of clients that share an interest, and what became dirty for each group.
//!
//! Pure. A change costs as many look-ups as there are precisions, and a flush one encoding per dirty group: neither
//! depends on how many clients there are. A group is keyed by cell, the set of kinds its clients look at, and their rate:
//! nearly all look at every kind, so this makes one group where a key per kind would make six, and one frame instead of
//! several. Pending news are only names; the state is read from the view when the group is
//! flushed, so that no group ever sends an older state after a newer one.

mod group;

use geo::Cell;
use rustc_hash::FxHashMap;
use slab::Slab;
use smallvec::SmallVec;

use crate::compose::{self, News};
use crate::subscription::{Rate, Subject};
use crate::view::{Change, KindSet, View};
use crate::wire::{Encoder, Frames, Wire};
use group::Group;

/// Names a client within its shard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ClientId(pub u32);

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

/// Where a change is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    Cell(Cell),
    Device(u32),
}

impl From<Subject> for (Place, KindSet) {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Cell(kinds, cell) => (Place::Cell(cell), kinds),
            Subject::Device(device) => (Place::Device(device), KindSet::ALL),
        }
    }
}

/// The groups of one shard.
#[derive(Debug, Default)]
pub struct Hub {
    groups: Slab<Group>,
    by_place: FxHashMap<Place, SmallVec<[u32; 4]>>,
    dirty: [Vec<u32>; Rate::COUNT],
    urgent: Vec<u32>,
    memberships: usize,
}

impl Hub {
    /// Lets a client hear of a subject.
    pub fn join(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate) {
        let (place, kinds) = subject.into();
        let index = self.find(place, kinds, rate).unwrap_or_else(|| {
            let index = self.groups.insert(Group::new(place, kinds, rate)) as u32;
            self.by_place.entry(place).or_default().push(index);
            index
        });
        self.memberships += usize::from(self.groups[index as usize].add(client, wire));
    }

    /// Lets a client hear no more of it, and appends what it has not heard yet.
    pub fn leave(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate, unheard: &mut Vec<News>) {
        let (place, kinds) = subject.into();
        let Some(index) = self.find(place, kinds, rate) else { return };
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
                self.mark(Place::Cell(to), change, change.named || entered);
            }
            if let Some(from) = from.filter(|_| entered) {
                self.mark(Place::Cell(from), change, change.named);
            }
        }
        if let Some(device) = change.device {
            self.mark(Place::Device(device), change, change.named);
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

    fn find(&self, place: Place, kinds: KindSet, rate: Rate) -> Option<u32> {
        let here = self.by_place.get(&place)?.iter().copied();
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
        if let Some(here) = self.by_place.get_mut(&group.place) {
            here.retain(|other| *other != index);
            if here.is_empty() {
                self.by_place.remove(&group.place);
            }
        }
    }

    fn mark(&mut self, place: Place, change: &Change, named: bool) {
        let Some(here) = self.by_place.get(&place) else { return };
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
