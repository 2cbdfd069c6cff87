//! The air picture in memory: the state topics, folded.
//!
//! Pure: records in, changes out. Invariants: per object the highest version; an object without a position is in no cell;
//! what is gone stays gone until a newer version comes.

mod bound;
mod live;
mod object;
mod positions;
mod privacy;
mod private;
mod quality;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use geo::Cell;
use rustc_hash::FxHashMap;
use schemas::{DeviceAddress, RecordId};
use smallvec::SmallVec;

pub use object::{Object, ObjectId, Origin};
pub use positions::{Positions, RegionMark, TokenError};
pub use privacy::PrivacyView;
pub use private::PrivateView;
pub use quality::quality;
pub use schemas::object::{Kind, KindSet, State};

/// How long it is remembered that an object is gone, so that a late older record cannot bring it back.
const GONE_MEMORY_US: u64 = 600_000_000;

/// What a record of a state topic says.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "lives for one call; a box would cost an allocation per record")]
pub enum Input {
    /// The object's newest state.
    State(State),
    /// A tombstone: the object of that key is gone.
    Gone {
        /// Of the topic.
        kind: Kind,
        /// The record's key.
        key: String,
        /// The offset that made the tombstone. `None`: it goes for whatever is known.
        version: Option<u64>,
    },
}

/// What became different: which object, and which cells have to hear of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// Its device, for those who follow it.
    pub device: Option<u32>,
    /// The cell it was in.
    pub from: Option<Cell>,
    /// The cell it is in now.
    pub to: Option<Cell>,
    /// True where the name is news: a new object, or another name.
    pub named: bool,
    /// True for what no batch may hold back.
    pub urgent: bool,
}

/// An object that is no more.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// The offset that ended it.
    pub version: u64,
    at_us: u64,
    /// Of an alert, whose id does not say it.
    device: Option<u32>,
}

/// The current air picture.
#[derive(Debug, Default)]
pub struct View {
    objects: FxHashMap<ObjectId, Arc<Object>>,
    /// Per kind, sorted by finest cell: the objects of any cell are neighbours.
    cells: [BTreeSet<(Cell, u64)>; Kind::COUNT],
    gone: FxHashMap<ObjectId, Gone>,
    gone_order: VecDeque<(u64, ObjectId)>,
    /// Alerts are keyed by device in their topic, and by their own id here and on the wire.
    alerts: FxHashMap<u32, ObjectId>,
    /// Those of a device that are over, for as long as that is remembered.
    gone_alerts: FxHashMap<u32, SmallVec<[ObjectId; 1]>>,
    receivers: FxHashMap<String, ObjectId>,
    /// By the view's own number.
    receiver_ids: FxHashMap<u64, String>,
    numbered_receivers: u64,
    most_objects: usize,
    positions: Positions,
    sequence: u64,
}

impl View {
    /// Nothing known, of so many topic partitions.
    pub fn new(partitions: usize) -> Self {
        Self { positions: Positions::new(partitions), most_objects: usize::MAX, ..Self::default() }
    }

    /// Holds at most so many objects, alerts not counted.
    #[must_use]
    pub fn with_bound(self, most_objects: usize) -> Self {
        Self { most_objects, ..self }
    }

    /// Takes a record and appends what it changed: nothing where it is older than what is known. `at_us`: now. Returns how
    /// many objects were dropped for it, since there were too many.
    pub fn apply(&mut self, origin: Origin, at_us: u64, input: Input, changes: &mut Vec<Change>) -> usize {
        self.positions.advance(origin);
        let before = changes.len();
        match input {
            Input::State(state) => self.set(state, origin, at_us, changes),
            Input::Gone { kind, key, version } => {
                if let Some(id) = self.find(kind, &key) {
                    self.remove(id, version, at_us, changes);
                } else if let (Some(id), Some(version)) = (plain_id(kind, &key), version) {
                    self.remember_gone(id, None, version, at_us);
                }
            }
        }
        let dropped = self.keep_bound(at_us, changes);
        self.sequence += (changes.len() - before) as u64;
        self.forget_gone(at_us);
        dropped
    }

    /// The object of that name.
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

    /// What is known of a device.
    pub fn of_device(&self, device: u32) -> impl Iterator<Item = &Arc<Object>> {
        let own = [Kind::Aircraft, Kind::Ground, Kind::Station].map(|kind| ObjectId { kind, key: u64::from(device) });
        own.into_iter().chain(self.alerts.get(&device).copied()).filter_map(|id| self.objects.get(&id))
    }

    /// What is known to have ended of a device, for ten minutes after it did.
    pub fn ended_of_device(&self, device: u32) -> impl Iterator<Item = ObjectId> {
        let own = [Kind::Aircraft, Kind::Ground, Kind::Station].map(|kind| ObjectId { kind, key: u64::from(device) });
        let alerts = self.gone_alerts.get(&device).into_iter().flatten().copied();
        own.into_iter().chain(alerts).filter(|id| self.gone.contains_key(id))
    }

    /// How an object ended, for ten minutes after it did.
    pub fn gone(&self, id: ObjectId) -> Option<Gone> {
        self.gone.get(&id).copied()
    }

    /// The receiver's own name of an object id, known for ten minutes after it is gone.
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

    /// How far the topics were read.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// Takes a record as read that changes nothing here.
    pub fn skip(&mut self, origin: Origin) {
        self.positions.advance(origin);
    }

    /// Grows with every change: equal numbers of one process mean the same picture.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// True where nothing is known.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.objects.keys().filter(|id| id.kind == kind).count()
    }

    fn set(&mut self, state: State, origin: Origin, at_us: u64, changes: &mut Vec<Change>) {
        let Some(id) = self.identify(&state) else { return };
        let version = state.version();
        if self.gone.get(&id).is_some_and(|gone| gone.version >= version) {
            return;
        }
        let known = self.objects.get(&id);
        if known.is_some_and(|known| known.version() >= version) {
            return;
        }
        if let State::Alert(alert) = &state {
            // One alert per device: another id means that the one before is over.
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
        self.move_in_cells(id, object.cell, None);
        let device = object.state.device();
        if let Some(device) = device.filter(|device| self.alerts.get(device) == Some(&id)) {
            self.alerts.remove(&device);
        }
        self.remember_gone(id, device.filter(|_| id.kind == Kind::Alert), version, at_us);
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

    fn remember_gone(&mut self, id: ObjectId, device: Option<u32>, version: u64, at_us: u64) {
        let before = self.gone.get(&id).map_or(0, |gone| gone.version);
        self.gone.insert(id, Gone { version: version.max(before), at_us, device });
        self.gone_order.push_back((at_us, id));
        if let Some(device) = device {
            let alerts = self.gone_alerts.entry(device).or_default();
            if !alerts.contains(&id) {
                alerts.push(id);
            }
        }
    }

    fn forget(&mut self, id: ObjectId) {
        let Some(device) = self.gone.remove(&id).and_then(|gone| gone.device) else { return };
        if let Some(alerts) = self.gone_alerts.get_mut(&device) {
            alerts.retain(|alert| *alert != id);
            if alerts.is_empty() {
                self.gone_alerts.remove(&device);
            }
        }
    }

    fn forget_gone(&mut self, at_us: u64) {
        while let Some((since_us, id)) = self.gone_order.front().copied() {
            if since_us + GONE_MEMORY_US > at_us {
                break;
            }
            self.gone_order.pop_front();
            if self.gone.get(&id).is_some_and(|gone| gone.at_us == since_us) {
                self.forget(id);
                self.forget_receiver(id);
            }
        }
    }

    /// Its name has been told to all who have to know that it is gone.
    fn forget_receiver(&mut self, id: ObjectId) {
        if id.kind == Kind::Receiver
            && !self.objects.contains_key(&id)
            && let Some(name) = self.receiver_ids.remove(&id.key)
        {
            self.receivers.remove(&name);
        }
    }

    /// The object's name; a receiver that is new gets a number.
    fn identify(&mut self, state: &State) -> Option<ObjectId> {
        let kind = state.kind();
        let key = match state {
            State::Thermal(thermal) => thermal.thermal_id,
            State::Alert(alert) => alert.alert_id,
            State::Receiver(receiver) => return Some(self.number_receiver(&receiver.receiver_id)),
            _ => u64::from(state.device()?),
        };
        Some(ObjectId { kind, key })
    }

    fn number_receiver(&mut self, receiver_id: &str) -> ObjectId {
        if let Some(id) = self.receivers.get(receiver_id) {
            return *id;
        }
        let id = ObjectId { kind: Kind::Receiver, key: self.numbered_receivers };
        self.numbered_receivers += 1;
        self.receiver_ids.insert(id.key, receiver_id.to_owned());
        self.receivers.insert(receiver_id.to_owned(), id);
        id
    }
}

/// The name of an object whose key says it all; `None` for receivers and alerts, and for what is no key.
fn plain_id(kind: Kind, key: &str) -> Option<ObjectId> {
    let key = match kind {
        Kind::Aircraft | Kind::Ground | Kind::Station => u64::from(key.parse::<DeviceAddress>().ok()?.0),
        Kind::Thermal => key.parse::<RecordId>().ok()?.0,
        Kind::Receiver | Kind::Alert => return None,
    };
    Some(ObjectId { kind, key })
}

#[cfg(test)]
mod tests;
