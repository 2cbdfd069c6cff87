//! Who hears of what: groups of clients that share an interest, and what became dirty for each group.
//!
//! Pure. A change costs as many look-ups as there are precisions, and a flush one encoding per dirty group: neither
//! depends on how many clients there are. Pending news are only names; the state is read from the view when the group is
//! flushed, so that no group ever sends an older state after a newer one.

mod group;

use geo::Cell;
use rustc_hash::FxHashMap;
use slab::Slab;

use crate::compose::{self, News};
use crate::subscription::{Rate, Subject};
use crate::view::{Change, View};
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

/// The groups of one shard.
#[derive(Debug, Default)]
pub struct Hub {
    groups: Slab<Group>,
    by_subject: FxHashMap<Subject, [Option<u32>; Rate::COUNT]>,
    dirty: [Vec<u32>; Rate::COUNT],
    urgent: Vec<u32>,
}

impl Hub {
    /// Lets a client hear of a subject.
    pub fn join(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate) {
        let slot = &mut self.by_subject.entry(subject).or_default()[rate.index()];
        let group = *slot.get_or_insert_with(|| self.groups.insert(Group::new(subject, rate)) as u32);
        self.groups[group as usize].add(client, wire);
    }

    /// Lets a client hear no more of it, and appends what it has not heard yet.
    pub fn leave(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate, unheard: &mut Vec<News>) {
        let Some(slots) = self.by_subject.get_mut(&subject) else { return };
        let Some(index) = slots[rate.index()] else { return };
        let group = &mut self.groups[index as usize];
        if !group.remove(client, wire) {
            return;
        }
        unheard.extend(group.pending());
        if group.is_empty() {
            if group.is_dirty() {
                self.dirty[rate.index()].retain(|dirty| *dirty != index);
                self.urgent.retain(|urgent| *urgent != index);
            }
            self.groups.remove(index as usize);
            slots[rate.index()] = None;
            if slots.iter().all(Option::is_none) {
                self.by_subject.remove(&subject);
            }
        }
    }

    /// Marks what a change makes dirty: the groups of the cells that the object was in and is in, and its followers.
    pub fn apply(&mut self, change: &Change) {
        let kind = change.id.kind;
        for precision in 1..=Cell::MAX_PRECISION {
            let [from, to] = [change.from, change.to].map(|cell| cell.map(|cell| cell.ancestor(precision)));
            let entered = from != to;
            if let Some(to) = to {
                self.mark(Subject::Cell(kind, to), change, change.named || entered);
            }
            if let Some(from) = from.filter(|_| entered) {
                self.mark(Subject::Cell(kind, from), change, change.named);
            }
        }
        if let Some(device) = change.device {
            self.mark(Subject::Device(device), change, change.named);
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
            self.dirty[self.groups[index as usize].rate().index()].retain(|dirty| *dirty != index);
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

    fn mark(&mut self, subject: Subject, change: &Change, named: bool) {
        let Some(slots) = self.by_subject.get(&subject) else { return };
        for (rate, index) in slots.iter().enumerate().filter_map(|(rate, slot)| slot.map(|index| (rate, index))) {
            let group = &mut self.groups[index as usize];
            if !group.is_dirty() {
                self.dirty[rate].push(index);
            }
            if change.urgent && !self.urgent.contains(&index) {
                self.urgent.push(index);
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
