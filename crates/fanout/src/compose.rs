//! Composes server messages from the view.

use schemas::v1::{self, removal, server_message};

use crate::fleet::Sight;
use crate::subscription::{Subject, Subscription};
use crate::view::{Kind, ObjectId, View};

/// An object whose state or removal must be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PendingObject {
    /// The object.
    pub id: ObjectId,
    /// Whether the client may not know its name, so that the name must be sent too.
    pub named: bool,
}

/// The newest state of each object that may be seen, or its removal.
pub fn updates(
    view: &View,
    sight: Sight<'_>,
    pending: impl IntoIterator<Item = PendingObject>,
    at_us: u64,
) -> v1::UpdateBatch {
    let mut objects = v1::Objects::default();
    let mut removals = Vec::new();
    let mut has_objects = false;
    for PendingObject { id, named } in pending {
        if let Some(object) = sight.object(view, id) {
            object.add_to(&mut objects, at_us, named);
            has_objects = true;
        } else if let Some(version) = sight.removed(view, id) {
            removals.push(removal(view, id, version));
        }
    }
    v1::UpdateBatch { server_at_us: at_us, objects: has_objects.then_some(objects), removals, ..Default::default() }
}

fn removal(view: &View, id: ObjectId, version: u64) -> v1::Removal {
    let which = match id.kind {
        Kind::Aircraft | Kind::Ground | Kind::Station => removal::Id::Device(id.key as u32),
        Kind::Thermal | Kind::Alert | Kind::Landmark => removal::Id::RecordId(id.key),
        Kind::Receiver => removal::Id::ReceiverId(view.receiver_id(id).unwrap_or_default().to_owned()),
    };
    v1::Removal { object_kind: id.kind.wire().into(), id: Some(which), version }
}

/// All objects that the subscription sees now, in no order and without repetition.
pub fn seen(view: &View, subscription: &Subscription) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for subject in subscription.subjects() {
        match subject {
            Subject::Cell(kinds, cell) => ids.extend(kinds.iter().flat_map(|kind| view.in_cell(kind, cell))),
            Subject::Device(device) => {
                // Objects in the region are listed with their cells.
                let outside = view.of_device(device).filter(|object| !subscription.covers_object(object));
                ids.extend(outside.map(|object| object.id));
            }
            Subject::Fleet(_) => {
                ids.extend(of_fleet(view, subscription));
                // A device may be in the region or followed, too.
                ids.sort_unstable();
                ids.dedup();
            }
        }
    }
    ids
}

/// The objects of the fleet of a subscription.
pub(crate) fn of_fleet(view: &View, subscription: &Subscription) -> Vec<ObjectId> {
    let fleet = subscription.fleet();
    let sight = Sight::of(fleet);
    fleet.into_iter().flat_map(|fleet| fleet.devices()).flat_map(|device| sight.of_device(view, *device)).collect()
}

/// The ids of all objects that the subscription sees now.
pub fn present(view: &View, subscription: &Subscription) -> v1::Present {
    let mut present = v1::Present::default();
    for id in seen(view, subscription) {
        match id.kind {
            Kind::Aircraft => present.aircraft_devices.push(id.key as u32),
            Kind::Ground => present.ground_devices.push(id.key as u32),
            Kind::Station => present.station_devices.push(id.key as u32),
            Kind::Thermal => present.thermal_ids.push(id.key),
            Kind::Alert => present.alert_ids.push(id.key),
            Kind::Landmark => present.landmark_ids.push(id.key),
            Kind::Receiver => {
                present.receiver_ids.push(view.receiver_id(id).unwrap_or_default().to_owned());
            }
        }
    }
    present
}

/// Wraps a message.
pub fn message(message: impl Into<server_message::Message>) -> v1::ServerMessage {
    v1::ServerMessage { message: Some(message.into()) }
}
