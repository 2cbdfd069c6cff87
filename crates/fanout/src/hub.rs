//! Groups of clients that share an interest, and the changed objects that each group has to send.
//!
//! Pure. A change costs one look-up per precision, and a flush one encoding per dirty group, independent of the number
//! of clients. The key of a group is the cell, the set of kinds and the rate of its clients: nearly all clients
//! subscribe to every kind, so this gives one group and one frame where a key per kind would give six. A group stores
//! only the ids of changed objects; the states are read from the view at the flush, so that no group sends an older
//! state after a newer one.

mod group;
mod interest;

use geo::Cell;
use rustc_hash::FxHashMap;
use slab::Slab;
use smallvec::SmallVec;

use crate::compose::{self, PendingObject};
use crate::fleet::{Fleet, FleetKey, Sight};
use crate::subscription::{Rate, Subject};
use crate::view::{Change, KindSet, View};
use crate::wire::{Encoder, Frames, Wire};
use group::Group;
use interest::Interest;

pub use interest::ClientId;

/// A set of rates.
pub type RateSet = [bool; Rate::COUNT];

/// The encoded update of one group, for all its members.
#[derive(Debug)]
pub struct Delivery {
    /// The group's index in the hub; valid until the next join or leave.
    pub group: usize,
    /// The message in each form that a member reads.
    pub frames: Frames,
    /// The objects in the message, for a member whose socket cannot take it now.
    pub objects: Vec<PendingObject>,
}

/// The groups of one shard.
#[derive(Debug, Default)]
pub struct Hub {
    groups: Slab<Group>,
    by_interest: FxHashMap<Interest, SmallVec<[u32; 4]>>,
    dirty: [Vec<u32>; Rate::COUNT],
    urgent: Vec<u32>,
    memberships: usize,
    /// The fleets that groups have.
    fleets: FxHashMap<FleetKey, Fleet>,
    of_device: FxHashMap<u32, SmallVec<[FleetKey; 2]>>,
}

impl Hub {
    /// Learns the devices of a fleet, before the first client joins its group.
    pub fn know(&mut self, fleet: &Fleet) {
        if self.fleets.get(&fleet.key()) == Some(fleet) {
            return;
        }
        self.forget(fleet.key());
        for device in fleet.devices() {
            self.of_device.entry(*device).or_default().push(fleet.key());
        }
        self.fleets.insert(fleet.key(), fleet.clone());
    }

    /// The devices of a fleet have changed: its groups get the objects of those that are new.
    pub fn renew(&mut self, fleet: &Fleet, view: &View) {
        let Some(before) = self.fleets.get(&fleet.key()).cloned() else { return };
        self.know(fleet);
        let sight = Sight::of(Some(fleet));
        let added = fleet.devices().iter().filter(|device| !before.has(**device));
        for id in added.flat_map(|device| sight.of_device(view, *device)) {
            let change = Change { id, device: None, from: None, to: None, named: true, urgent: false };
            self.mark(Interest::Fleet(fleet.key()), &change, true);
        }
    }

    fn forget(&mut self, key: FleetKey) {
        let Some(fleet) = self.fleets.remove(&key) else { return };
        for device in fleet.devices() {
            let Some(keys) = self.of_device.get_mut(device) else { continue };
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.of_device.remove(device);
            }
        }
    }

    /// Adds a client to the group of a subject.
    pub fn join(&mut self, client: ClientId, wire: Wire, subject: Subject, rate: Rate) {
        let (interest, kinds) = subject.into();
        let index = self.find(interest, kinds, rate).unwrap_or_else(|| {
            let index = self.groups.insert(Group::new(interest, kinds, rate)) as u32;
            self.by_interest.entry(interest).or_default().push(index);
            index
        });
        self.memberships += usize::from(self.groups[index as usize].add(client, wire));
    }

    /// Removes a client from the group of a subject, and appends the objects that the group has not sent yet.
    pub fn leave(
        &mut self,
        client: ClientId,
        wire: Wire,
        subject: Subject,
        rate: Rate,
        unsent: &mut Vec<PendingObject>,
    ) {
        let (interest, kinds) = subject.into();
        let Some(index) = self.find(interest, kinds, rate) else { return };
        let group = &mut self.groups[index as usize];
        if !group.remove(client, wire) {
            return;
        }
        self.memberships -= 1;
        unsent.extend(group.pending());
        if group.is_empty() {
            self.dissolve(index);
        }
    }

    /// Marks the groups that a change makes dirty: those of the former and the present cells of the object, and its
    /// followers.
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
            self.mark_fleets(device, change, |_| true);
        }
    }

    /// Marks the groups of fleets whose clients see a hidden device.
    pub fn apply_hidden(&mut self, change: &Change) {
        if let Some(device) = change.device {
            self.mark_fleets(device, change, |key| key.sees_hidden);
        }
    }

    fn mark_fleets(&mut self, device: u32, change: &Change, is_meant: impl Fn(&FleetKey) -> bool) {
        let keys: SmallVec<[FleetKey; 4]> =
            self.of_device.get(&device).into_iter().flatten().copied().filter(is_meant).collect();
        keys.into_iter().for_each(|key| self.mark(Interest::Fleet(key), change, change.named));
    }

    /// Whether a group with one of the rates must be flushed.
    pub fn is_dirty(&self, rates: RateSet) -> bool {
        Rate::ALL.into_iter().any(|rate| rates[rate.index()] && !self.dirty[rate.index()].is_empty())
    }

    /// Whether a group must be flushed regardless of its rate.
    pub fn is_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    /// Encodes the messages of all dirty groups with these rates, and of all urgent ones.
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
            // Keeps the list's memory for the next flush.
            self.dirty[rate.index()] = dirty;
        }
        deliveries
    }

    /// The clients that must get a delivery, by the form of their frames.
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
                if let Interest::Fleet(key) = group.interest {
                    self.forget(key);
                }
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
        let objects = group.take_pending();
        let sight = match group.interest {
            Interest::Fleet(key) => Sight::of(self.fleets.get(&key)),
            Interest::Cell(_) | Interest::Device(_) => Sight::PUBLIC,
        };
        let batch = compose::updates(view, sight, objects.iter().copied(), at_us);
        if batch.objects.is_none() && batch.removals.is_empty() {
            return None;
        }
        let message = compose::message(schemas::v1::server_message::Message::Updates(batch));
        let frames = encoder.frames(&message, |wire| group.has_readers(wire));
        Some(Delivery { group: index as usize, frames, objects })
    }
}

#[cfg(test)]
mod tests;
