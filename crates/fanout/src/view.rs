//! The air picture in memory: the newest state of each object, from the records of the state topics.
//!
//! Pure: records in, changes out. Invariants: an object has its highest version; an object without a position is in no
//! cell; a removed object stays removed until a newer version arrives.

mod bound;
mod change;
mod live;
mod object;
mod offsets;
mod privacy;
mod private;
mod quality;
mod way;
mod winds;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use geo::Cell;
use rustc_hash::FxHashMap;
use schemas::{DeviceAddress, RecordId};
use smallvec::SmallVec;

use change::REMOVED_TTL_US;

pub use change::Change;
pub use object::{Object, ObjectId, Origin};
pub use offsets::{Offsets, RegionMark, TokenError};
pub use privacy::{PrivacyView, Restriction};
pub use private::PrivateView;
pub use quality::quality;
pub use schemas::object::{Kind, KindSet, State};
pub use way::Way;
pub use winds::WindView;

/// The content of a record of a state topic.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "lives for one call; a box would cost an allocation per record")]
pub enum Input {
    /// The object's newest state.
    State(State),
    /// A tombstone: the object of that key has ended.
    Removed {
        /// The kind of the topic's objects.
        kind: Kind,
        /// The record's key.
        key: String,
        /// The offset that made the tombstone. `None`: it removes any known version.
        version: Option<u64>,
    },
}

/// A removed object.
#[derive(Clone, Copy, Debug)]
pub struct Removed {
    /// The offset that removed it.
    pub version: u64,
    /// The version of its last state.
    pub last_version: u64,
    at_us: u64,
    /// The device of an alert, which is not in the alert's id.
    device: Option<u32>,
}

/// The current air picture.
#[derive(Debug, Default)]
pub struct View {
    objects: FxHashMap<ObjectId, Arc<Object>>,
    /// Per kind, sorted by cell of the maximum precision: the objects of any cell are adjacent.
    cells: [BTreeSet<(Cell, u64)>; Kind::COUNT],
    removed: FxHashMap<ObjectId, Removed>,
    removed_order: VecDeque<(u64, ObjectId)>,
    /// The present alert of each device: alerts have the device as key in their topic, but an id of their own here.
    alerts: FxHashMap<u32, ObjectId>,
    /// The removed alerts of each device.
    removed_alerts: FxHashMap<u32, SmallVec<[ObjectId; 1]>>,
    receivers: FxHashMap<String, ObjectId>,
    /// By the view's number of the receiver.
    receiver_ids: FxHashMap<u64, String>,
    last_receiver_number: u64,
    /// Of the present state of an object, where its record has one.
    ways: FxHashMap<ObjectId, Way>,
    max_objects: usize,
    offsets: Offsets,
    sequence: u64,
    /// Nothing of it is in the rest of the view.
    private: PrivateView,
}

impl View {
    /// An empty view of this number of topic partitions.
    pub fn new(partitions: usize) -> Self {
        Self { offsets: Offsets::new(partitions), max_objects: usize::MAX, ..Self::default() }
    }

    /// The same with a bound on the number of objects without alerts.
    #[must_use]
    pub fn with_bound(self, max_objects: usize) -> Self {
        Self { max_objects, ..self }
    }

    /// Applies a record and appends the changes; a record that is older than the known state changes nothing. `at_us`:
    /// now. Returns how many objects were dropped because of the bound.
    pub fn apply(&mut self, origin: Origin, at_us: u64, input: Input, changes: &mut Vec<Change>) -> usize {
        self.offsets.advance(origin);
        let before = changes.len();
        match input {
            Input::State(state) => self.set(state, origin, at_us, changes),
            Input::Removed { kind, key, version } => {
                if let Some(id) = self.find(kind, &key) {
                    self.remove(id, version, at_us, changes);
                } else if let (Some(id), Some(version)) = (plain_id(kind, &key), version) {
                    self.store_removed(id, None, version, version, at_us);
                }
            }
        }
        let dropped = self.apply_bound(at_us, changes);
        self.sequence += (changes.len() - before) as u64;
        self.expire_removed(at_us);
        dropped
    }

    /// The object of an id.
    pub fn object(&self, id: ObjectId) -> Option<&Arc<Object>> {
        self.objects.get(&id)
    }

    /// All objects of a kind, in no order.
    pub fn objects(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values().filter(move |object| object.id.kind == kind)
    }

    /// The objects of a kind in a cell of any precision.
    pub fn in_cell(&self, kind: Kind, cell: Cell) -> impl Iterator<Item = ObjectId> {
        let (first, last) = cell.finest_range();
        let found = self.cells[kind.index()].range((first, 0)..=(last, u64::MAX));
        found.map(move |(_, key)| ObjectId { kind, key: *key })
    }

    /// The objects of a device.
    pub fn of_device(&self, device: u32) -> impl Iterator<Item = &Arc<Object>> {
        let own = [Kind::Aircraft, Kind::Ground, Kind::Station].map(|kind| ObjectId { kind, key: u64::from(device) });
        own.into_iter().chain(self.alerts.get(&device).copied()).filter_map(|id| self.objects.get(&id))
    }

    /// The removed objects of a device, for ten minutes after the removal.
    pub fn ended_of_device(&self, device: u32) -> impl Iterator<Item = ObjectId> {
        let own = [Kind::Aircraft, Kind::Ground, Kind::Station].map(|kind| ObjectId { kind, key: u64::from(device) });
        let alerts = self.removed_alerts.get(&device).into_iter().flatten().copied();
        own.into_iter().chain(alerts).filter(|id| self.removed.contains_key(id))
    }

    /// The removal of an object, for ten minutes.
    pub fn removed(&self, id: ObjectId) -> Option<Removed> {
        self.removed.get(&id).copied()
    }

    /// The receiver's id of an object id, until ten minutes after the removal.
    pub fn receiver_id(&self, id: ObjectId) -> Option<&str> {
        self.receiver_ids.get(&id.key).filter(|_| id.kind == Kind::Receiver).map(String::as_str)
    }

    /// Finds an object by the key of its topic.
    pub fn find(&self, kind: Kind, key: &str) -> Option<ObjectId> {
        match kind {
            Kind::Receiver => self.receivers.get(key).copied(),
            Kind::Alert => self.alerts.get(&key.parse::<DeviceAddress>().ok()?.0).copied(),
            _ => plain_id(kind, key).filter(|id| self.objects.contains_key(id)),
        }
    }

    /// Hidden devices, for those who may see them.
    pub fn private(&self) -> &PrivateView {
        &self.private
    }

    /// Hidden devices, to be changed.
    pub fn private_mut(&mut self) -> &mut PrivateView {
        &mut self.private
    }

    /// The offsets up to which the topics were read.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Marks a record as read that changes nothing here.
    pub fn skip(&mut self, origin: Origin) {
        self.offsets.advance(origin);
    }

    /// A number that increases with every change: within a process, equal numbers mean the same view.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The number of objects of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.objects.keys().filter(|id| id.kind == kind).count()
    }

    fn set(&mut self, state: State, origin: Origin, at_us: u64, changes: &mut Vec<Change>) {
        let Some(id) = self.identify(&state) else { return };
        let version = state.version();
        if self.removed.get(&id).is_some_and(|removed| removed.version >= version) {
            return;
        }
        let known = self.objects.get(&id);
        if known.is_some_and(|known| known.version() >= version) {
            return;
        }
        if let State::Alert(alert) = &state {
            // A device has one alert: another id means that the one before has ended.
            let before = self.alerts.get(&alert.device).copied().filter(|before| *before != id);
            if let Some(before) = before {
                if self.objects.get(&before).is_some_and(|object| object.version() >= version) {
                    return;
                }
                self.remove(before, Some(version), at_us, changes);
            }
            self.alerts.insert(alert.device, id);
        }
        let object = Arc::new(Object::new(id, state, origin));
        let known = self.objects.insert(id, object.clone());
        self.ways.remove(&id);
        let from = known.as_ref().and_then(|known| known.cell);
        self.forget(id);
        self.move_in_cells(id, from, object.cell);
        changes.push(Change {
            id,
            device: object.state.device(),
            from,
            to: object.cell,
            named: known.as_ref().is_none_or(|known| known.state.name() != object.state.name()),
            urgent: object.state.is_urgent(),
        });
    }

    fn remove(&mut self, id: ObjectId, version: Option<u64>, at_us: u64, changes: &mut Vec<Change>) {
        let Some(object) = self.objects.get(&id) else { return };
        let version = version.unwrap_or(object.version());
        if object.version() > version {
            return;
        }
        let object = object.clone();
        self.objects.remove(&id);
        self.ways.remove(&id);
        self.move_in_cells(id, object.cell, None);
        let device = object.state.device();
        if let Some(device) = device.filter(|device| self.alerts.get(device) == Some(&id)) {
            self.alerts.remove(&device);
        }
        let of_alert = device.filter(|_| id.kind == Kind::Alert);
        self.store_removed(id, of_alert, version, object.version(), at_us);
        changes.push(Change { id, device, from: object.cell, to: None, named: false, urgent: false });
    }

    fn move_in_cells(&mut self, id: ObjectId, from: Option<Cell>, to: Option<Cell>) {
        if from == to {
            return;
        }
        let index = &mut self.cells[id.kind.index()];
        if let Some(from) = from {
            index.remove(&(from, id.key));
        }
        if let Some(to) = to {
            index.insert((to, id.key));
        }
    }

    fn store_removed(&mut self, id: ObjectId, device: Option<u32>, version: u64, last_version: u64, at_us: u64) {
        let before = self.removed.get(&id).map_or(0, |removed| removed.version);
        self.removed.insert(id, Removed { version: version.max(before), last_version, at_us, device });
        self.removed_order.push_back((at_us, id));
        if let Some(device) = device {
            let alerts = self.removed_alerts.entry(device).or_default();
            if !alerts.contains(&id) {
                alerts.push(id);
            }
        }
    }

    fn forget(&mut self, id: ObjectId) {
        let Some(device) = self.removed.remove(&id).and_then(|removed| removed.device) else { return };
        if let Some(alerts) = self.removed_alerts.get_mut(&device) {
            alerts.retain(|alert| *alert != id);
            if alerts.is_empty() {
                self.removed_alerts.remove(&device);
            }
        }
    }

    fn expire_removed(&mut self, at_us: u64) {
        while let Some((since_us, id)) = self.removed_order.front().copied() {
            if since_us + REMOVED_TTL_US > at_us {
                break;
            }
            self.removed_order.pop_front();
            if self.removed.get(&id).is_some_and(|removed| removed.at_us == since_us) {
                self.forget(id);
                self.forget_receiver(id);
            }
        }
    }

    /// Removes the receiver's id, once every client has received its removal.
    fn forget_receiver(&mut self, id: ObjectId) {
        if id.kind == Kind::Receiver
            && !self.objects.contains_key(&id)
            && let Some(name) = self.receiver_ids.remove(&id.key)
        {
            self.receivers.remove(&name);
        }
    }

    /// The object's id; a new receiver gets a number.
    fn identify(&mut self, state: &State) -> Option<ObjectId> {
        let kind = state.kind();
        let key = match state {
            State::Thermal(thermal) => thermal.thermal_id,
            State::Alert(alert) => alert.alert_id,
            State::Landmark(landmark) => landmark.landmark_id,
            State::Receiver(receiver) => return Some(self.number_receiver(&receiver.receiver_id)),
            _ => u64::from(state.device()?),
        };
        Some(ObjectId { kind, key })
    }

    fn number_receiver(&mut self, receiver_id: &str) -> ObjectId {
        if let Some(id) = self.receivers.get(receiver_id) {
            return *id;
        }
        let id = ObjectId { kind: Kind::Receiver, key: self.last_receiver_number };
        self.last_receiver_number += 1;
        self.receiver_ids.insert(id.key, receiver_id.to_owned());
        self.receivers.insert(receiver_id.to_owned(), id);
        id
    }
}

/// The id of an object by its key alone; `None` for receivers and alerts, and for an invalid key.
fn plain_id(kind: Kind, key: &str) -> Option<ObjectId> {
    let key = match kind {
        Kind::Aircraft | Kind::Ground | Kind::Station => u64::from(key.parse::<DeviceAddress>().ok()?.0),
        Kind::Thermal | Kind::Landmark => key.parse::<RecordId>().ok()?.0,
        Kind::Receiver | Kind::Alert => return None,
    };
    Some(ObjectId { kind, key })
}

#[cfg(test)]
mod tests;
