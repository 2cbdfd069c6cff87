//! Server messages made from the view.

use schemas::v1::{self, removal, server_message};

use crate::subscription::{Subject, Subscription};
use crate::view::{Kind, ObjectId, View};

/// An object to tell of, and whether with its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct News {
    /// The object.
    pub id: ObjectId,
    /// True where the reader may not know its name.
    pub named: bool,
}

/// The newest state of each object, and removals of those that are gone.
pub fn updates(view: &View, news: impl IntoIterator<Item = News>, at_us: u64) -> v1::UpdateBatch {
    let mut objects = v1::Objects::default();
    let mut removals = Vec::new();
    let mut some = false;
    for News { id, named } in news {
        if let Some(object) = view.object(id) {
            object.add_to(&mut objects, at_us, named);
            some = true;
        } else if let Some(gone) = view.gone(id) {
            removals.push(removal(view, id, gone.version));
        }
    }
    v1::UpdateBatch { server_at_us: at_us, objects: some.then_some(objects), removals, stale: None }
}

fn removal(view: &View, id: ObjectId, version: u64) -> v1::Removal {
    let which = match id.kind {
        Kind::Aircraft | Kind::Ground | Kind::Station => removal::Id::Device(id.key as u32),
        Kind::Thermal | Kind::Alert => removal::Id::RecordId(id.key),
        Kind::Receiver => removal::Id::ReceiverId(view.receiver_id(id).unwrap_or_default().to_owned()),
    };
    v1::Removal { object_kind: id.kind.wire().into(), id: Some(which), version }
}

/// Everything the subscription sees now, in no order and without repetition.
pub fn seen(view: &View, subscription: &Subscription) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for subject in subscription.subjects() {
        match subject {
            Subject::Cell(kinds, cell) => ids.extend(kinds.iter().flat_map(|kind| view.in_cell(kind, cell))),
            Subject::Device(device) => {
                // What is in the region was listed with its cell.
                let outside = view.of_device(device).filter(|object| !subscription.covers_object(object));
                ids.extend(outside.map(|object| object.id));
            }
        }
    }
    ids
}

/// The names of everything the subscription sees now.
pub fn present(view: &View, subscription: &Subscription) -> v1::Present {
    let mut present = v1::Present::default();
    for id in seen(view, subscription) {
        match id.kind {
            Kind::Aircraft => present.aircraft_devices.push(id.key as u32),
            Kind::Ground => present.ground_devices.push(id.key as u32),
            Kind::Station => present.station_devices.push(id.key as u32),
            Kind::Thermal => present.thermal_ids.push(id.key),
            Kind::Alert => present.alert_ids.push(id.key),
            Kind::Receiver => {
                present.receiver_ids.push(view.receiver_id(id).unwrap_or_default().to_owned());
            }
        }
    }
    present
}

/// Wraps a message for the wire.
pub fn message(message: impl Into<server_message::Message>) -> v1::ServerMessage {
    v1::ServerMessage { message: Some(message.into()) }
}
