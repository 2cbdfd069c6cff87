//! Ids of clients, and the interests of groups.

use geo::Cell;

use crate::fleet::FleetKey;
use crate::subscription::Subject;
use crate::view::KindSet;

/// A client within its shard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// What the clients of a group subscribe to: changes in a cell, of a device, or of a fleet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Interest {
    Cell(Cell),
    Device(u32),
    Fleet(FleetKey),
}

impl From<Subject> for (Interest, KindSet) {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Cell(kinds, cell) => (Interest::Cell(cell), kinds),
            Subject::Device(device) => (Interest::Device(device), KindSet::ALL),
            Subject::Fleet(key) => (Interest::Fleet(key), KindSet::ALL),
        }
    }
}
