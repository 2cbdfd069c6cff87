//! The air picture of a subscription: the state from the server's messages. It uses no socket and no clock.

use std::collections::{HashMap, HashSet};
use std::fmt;

use schemas::v1::{self, ObjectKind, removal};
use schemas::{DeviceAddress, RecordId};
use serde_json::{Value, json};

use crate::cells::covers;

/// Names an object.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Id {
    Device(u32),
    Record(u64),
    Receiver(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => DeviceAddress(*device).fmt(f),
            Self::Record(id) => RecordId(*id).fmt(f),
            Self::Receiver(id) => f.write_str(id),
        }
    }
}

type Key = (ObjectKind, Id);

/// Fields of all kinds of updates.
struct Update {
    key: Key,
    version: u64,
    /// Receivers and alerts may have none.
    position_deg: Option<(f64, f64)>,
}

/// The state of a subscription.
pub(crate) struct Picture {
    /// The position of each object. Your own program would keep the complete update.
    objects: HashMap<Key, Option<(f64, f64)>>,
    /// The highest version seen, also of ended objects and of those outside.
    versions: HashMap<Key, u64>,
    cells: Vec<String>,
    /// Devices to keep independent of the region.
    followed: HashSet<u32>,
    /// Gets each change.
    report: fn(Value),
}

impl Picture {
    pub(crate) fn new(followed: &[u32], report: fn(Value)) -> Self {
        let followed = followed.iter().copied().collect();
        Self { objects: HashMap::new(), versions: HashMap::new(), cells: Vec::new(), followed, report }
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Another epoch, or a snapshot of everything: discard everything.
    pub(crate) fn clear(&mut self) {
        self.objects.clear();
        self.versions.clear();
    }

    pub(crate) fn snapshot(&mut self, snapshot: v1::Snapshot) {
        if snapshot.page == 0 {
            if snapshot.request_id == 0 && snapshot.resumed != Some(true) {
                self.clear();
            }
            if !snapshot.cells.is_empty() {
                self.cells = snapshot.cells;
                self.retain(|picture, key, position_deg| picture.is_inside(key, position_deg));
            }
        }
        self.put(snapshot.objects.unwrap_or_default());
    }

    pub(crate) fn updates(&mut self, batch: v1::UpdateBatch) {
        self.put(batch.objects.unwrap_or_default());
        for removal in batch.removals {
            let kind = removal.object_kind();
            let id = match removal.id {
                Some(removal::Id::Device(device)) => Id::Device(device),
                Some(removal::Id::RecordId(id)) => Id::Record(id),
                Some(removal::Id::ReceiverId(id)) => Id::Receiver(id),
                None => continue,
            };
            if self.is_newer(&(kind, id.clone()), removal.version) {
                self.drop_object(&(kind, id));
            }
        }
    }

    /// After a resume: objects that are not named here ended or left meanwhile.
    pub(crate) fn present(&mut self, present: v1::Present) {
        let devices = |kind, ids: Vec<u32>| ids.into_iter().map(move |id| (kind, Id::Device(id)));
        let records = |kind, ids: Vec<u64>| ids.into_iter().map(move |id| (kind, Id::Record(id)));
        let receivers = present.receiver_ids.into_iter().map(|id| (ObjectKind::Receiver, Id::Receiver(id)));
        let named: HashSet<Key> = devices(ObjectKind::Aircraft, present.aircraft_devices)
            .chain(devices(ObjectKind::Ground, present.ground_devices))
            .chain(devices(ObjectKind::Station, present.station_devices))
            .chain(records(ObjectKind::Thermal, present.thermal_ids))
            .chain(records(ObjectKind::Alert, present.alert_ids))
            .chain(records(ObjectKind::Landmark, present.landmark_ids))
            .chain(receivers)
            .collect();
        self.retain(|_, key, _| named.contains(key));
    }

    fn put(&mut self, objects: v1::Objects) {
        for Update { key, version, position_deg } in updates(objects) {
            if !self.is_newer(&key, version) {
                continue;
            }
            if !self.is_inside(&key, position_deg) {
                // It left the region: the server sends no further updates of it.
                self.drop_object(&key);
                continue;
            }
            let mut event = json!({"event": "object", "kind": label(key.0), "id": key.1.to_string()});
            if let Some((latitude_deg, longitude_deg)) = position_deg {
                event["latitude_deg"] = latitude_deg.into();
                event["longitude_deg"] = longitude_deg.into();
            }
            (self.report)(event);
            self.objects.insert(key, position_deg);
        }
    }

    /// An equal version is a repetition, and current.
    fn is_newer(&mut self, key: &Key, version: u64) -> bool {
        if self.versions.get(key).is_some_and(|known| *known > version) {
            return false;
        }
        self.versions.insert(key.clone(), version);
        true
    }

    fn is_inside(&self, (_, id): &Key, position_deg: Option<(f64, f64)>) -> bool {
        let followed = matches!(id, Id::Device(device) if self.followed.contains(device));
        followed || position_deg.is_none_or(|(latitude, longitude)| covers(&self.cells, latitude, longitude))
    }

    fn retain(&mut self, stays: impl Fn(&Self, &Key, Option<(f64, f64)>) -> bool) {
        let removed: Vec<Key> = self
            .objects
            .iter()
            .filter(|(key, position)| !stays(self, key, **position))
            .map(|(key, _)| key.clone())
            .collect();
        removed.iter().for_each(|key| self.drop_object(key));
    }

    fn drop_object(&mut self, key: &Key) {
        if self.objects.remove(key).is_some() {
            (self.report)(json!({"event": "gone", "kind": label(key.0), "id": key.1.to_string()}));
        }
    }
}

fn updates(objects: v1::Objects) -> Vec<Update> {
    let degrees = |latitude_e7: i32, longitude_e7: i32| (f64::from(latitude_e7) / 1e7, f64::from(longitude_e7) / 1e7);
    let mut updates = Vec::new();
    let mut add = |kind, id, version, latitude_e7: Option<i32>, longitude_e7: Option<i32>| {
        let position_deg = latitude_e7.zip(longitude_e7).map(|(latitude, longitude)| degrees(latitude, longitude));
        updates.push(Update { key: (kind, id), version, position_deg });
    };
    for one in objects.aircraft {
        add(ObjectKind::Aircraft, Id::Device(one.device), one.version, Some(one.latitude_e7), Some(one.longitude_e7));
    }
    for one in objects.ground {
        add(ObjectKind::Ground, Id::Device(one.device), one.version, Some(one.latitude_e7), Some(one.longitude_e7));
    }
    for one in objects.stations {
        add(ObjectKind::Station, Id::Device(one.device), one.version, Some(one.latitude_e7), Some(one.longitude_e7));
    }
    for one in objects.thermals {
        add(
            ObjectKind::Thermal,
            Id::Record(one.thermal_id),
            one.version,
            Some(one.latitude_e7),
            Some(one.longitude_e7),
        );
    }
    for one in objects.alerts {
        add(ObjectKind::Alert, Id::Record(one.alert_id), one.version, one.latitude_e7, one.longitude_e7);
    }
    for one in objects.landmarks {
        let (id, latitude_e7, longitude_e7) = (Id::Record(one.landmark_id), one.latitude_e7, one.longitude_e7);
        add(ObjectKind::Landmark, id, one.version, Some(latitude_e7), Some(longitude_e7));
    }
    for one in objects.receivers {
        add(ObjectKind::Receiver, Id::Receiver(one.receiver_id), one.version, one.latitude_e7, one.longitude_e7);
    }
    updates
}

fn label(kind: ObjectKind) -> String {
    kind.as_str_name().trim_start_matches("OBJECT_KIND_").to_ascii_lowercase()
}
