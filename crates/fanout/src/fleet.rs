//! The fleet of a subscription, and what its clients see of hidden devices.

use std::sync::Arc;

use schemas::v1;

use crate::view::{Object, ObjectId, View};

/// A fleet as one client may see it: its devices, wherever they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    id: Arc<str>,
    key: FleetKey,
    /// Sorted.
    devices: Arc<[u32]>,
}

/// What the group of a fleet's clients has in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FleetKey {
    /// The number of the fleet in this process: no other fleet ever has it.
    pub number: u32,
    /// Whether the clients see its hidden devices.
    pub sees_hidden: bool,
}

impl Fleet {
    /// `devices` are sorted.
    pub fn new(id: Arc<str>, key: FleetKey, devices: Arc<[u32]>) -> Self {
        Self { id, key, devices }
    }

    /// What people and clients name it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What its clients have in common.
    pub fn key(&self) -> FleetKey {
        self.key
    }

    /// Its devices, sorted.
    pub fn devices(&self) -> &[u32] {
        &self.devices
    }

    /// Whether a device is of it.
    pub fn has(&self, device: u32) -> bool {
        self.devices.binary_search(&device).is_ok()
    }

    /// The list for clients.
    pub fn message(&self) -> v1::FleetDevices {
        v1::FleetDevices { fleet_id: self.id.to_string(), devices: self.devices.to_vec() }
    }
}

/// What a client, or the clients of a group, may see: the public view, and with a fleet its hidden devices.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a>(Option<&'a Fleet>);

impl<'a> Sight<'a> {
    /// The public view alone.
    pub const PUBLIC: Self = Self(None);

    /// With what the clients of a fleet see.
    pub fn of(fleet: Option<&'a Fleet>) -> Self {
        Self(fleet.filter(|fleet| fleet.key.sees_hidden))
    }

    /// The newest state of an object that may be seen.
    pub fn object<'v>(&self, view: &'v View, id: ObjectId) -> Option<&'v Arc<Object>> {
        let public = view.object(id);
        let Some(fleet) = self.0 else { return public };
        let hidden = view.private().object(id).filter(|object| object.state.device().is_some_and(|of| fleet.has(of)));
        match (public, hidden) {
            (Some(public), Some(hidden)) if public.version() >= hidden.version() => Some(public),
            (public, hidden) => hidden.or(public),
        }
    }

    /// The version with which the removal of an object is sent. `None`: it was not removed lately.
    pub fn removed(&self, view: &View, id: ObjectId) -> Option<u64> {
        let public = view.removed(id);
        match self.0 {
            None => public.map(|removed| removed.version),
            // The record that hides a device removes its public state and makes the hidden one. So the removal is that of the
            // last state: with its own version a client would not take the hidden state, which has the same.
            Some(_) => public.map(|removed| removed.last_version).max(view.private().removed(id)),
        }
    }

    /// The objects of a device that may be seen, each once.
    pub fn of_device(&self, view: &View, device: u32) -> Vec<ObjectId> {
        let mut ids: Vec<ObjectId> = view.of_device(device).map(|object| object.id).collect();
        if self.0.is_some_and(|fleet| fleet.has(device)) {
            let hidden = view.private().of_device(device).map(|object| object.id);
            ids.extend(hidden.filter(|id| view.object(*id).is_none()));
        }
        ids
    }
}
