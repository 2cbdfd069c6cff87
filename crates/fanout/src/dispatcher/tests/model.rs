//! A simple implementation of a client.

use std::collections::BTreeMap;

use geo::Cell;
use prost::Message as _;
use schemas::v1::{self, server_message};

use crate::view::{Kind, KindSet};

/// The client's objects and its subscription.
#[derive(Default, Clone)]
pub(super) struct Model {
    pub(super) objects: BTreeMap<(Kind, u64), Held>,
    pub(super) cells: Vec<Cell>,
    pub(super) kinds: KindSet,
    pub(super) followed: Vec<u32>,
    pub(super) token: Option<String>,
    pub(super) resumed: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub(super) version: u64,
    /// With the maximum precision.
    pub(super) cell: Cell,
    pub(super) device: u32,
}

impl Model {
    pub(super) fn receive(&mut self, frame: &[u8]) {
        let body = match frame[1] {
            126 => &frame[4..],
            127 => &frame[10..],
            _ => &frame[2..],
        };
        if frame[0] == 0x89 {
            return;
        }
        match v1::ServerMessage::decode(body).unwrap().message.unwrap() {
            server_message::Message::Snapshot(snapshot) => {
                if snapshot.page == 0 {
                    self.cells = snapshot.cells.iter().map(|cell| cell.parse().unwrap()).collect();
                    self.resumed = snapshot.resumed;
                    if snapshot.resumed == Some(false) {
                        self.objects.clear();
                        self.token = None;
                    }
                }
                self.take(&snapshot.objects.unwrap_or_default());
            }
            server_message::Message::Updates(batch) => {
                self.take(&batch.objects.unwrap_or_default());
                for removal in batch.removals {
                    let kind = Kind::from_wire(removal.object_kind).unwrap();
                    let key = match removal.id {
                        Some(v1::removal::Id::Device(device)) => (kind, u64::from(device)),
                        Some(v1::removal::Id::RecordId(id)) => (kind, id),
                        _ => panic!("{removal:?}"),
                    };
                    if self.objects.get(&key).is_some_and(|held| held.version <= removal.version) {
                        self.objects.remove(&key);
                    }
                }
            }
            server_message::Message::Present(present) => {
                self.objects.retain(|(kind, key), _| match kind {
                    Kind::Aircraft => present.aircraft_devices.contains(&(*key as u32)),
                    Kind::Ground => present.ground_devices.contains(&(*key as u32)),
                    _ => present.alert_ids.contains(key),
                });
            }
            server_message::Message::Checkpoint(checkpoint) => self.token = Some(checkpoint.resume),
            _ => {}
        }
        self.drop_unseen();
    }

    fn take(&mut self, objects: &v1::Objects) {
        let aircraft = objects
            .aircraft
            .iter()
            .map(|o| ((Kind::Aircraft, u64::from(o.device)), o.device, (o.latitude_e7, o.longitude_e7), o.version));
        let ground = objects
            .ground
            .iter()
            .map(|o| ((Kind::Ground, u64::from(o.device)), o.device, (o.latitude_e7, o.longitude_e7), o.version));
        let alerts = objects.alerts.iter().map(|o| {
            ((Kind::Alert, o.alert_id), o.device, (o.latitude_e7.unwrap(), o.longitude_e7.unwrap()), o.version)
        });
        for (key, device, (lat_e7, lon_e7), version) in aircraft.chain(ground).chain(alerts) {
            let cell = Cell::at(f64::from(lat_e7) / 1e7, f64::from(lon_e7) / 1e7, 6);
            let known = self.objects.entry(key).or_insert(Held { version, cell, device });
            if known.version <= version {
                *known = Held { version, cell, device };
            }
        }
    }

    pub(super) fn drop_unseen(&mut self) {
        let (cells, kinds, followed) = (&self.cells, self.kinds, &self.followed);
        self.objects.retain(|(kind, _), held| {
            followed.contains(&held.device)
                || kinds.contains(*kind) && cells.iter().any(|cell| cell.contains(held.cell))
        });
    }
}
