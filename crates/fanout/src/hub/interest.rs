//! Clients, and what they wait for.

use geo::Cell;

use crate::subscription::Subject;
use crate::view::KindSet;

/// Names a client within its shard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// What a group waits for: changes in a cell, or of a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Interest {
    Cell(Cell),
    Device(u32),
}

impl From<Subject> for (Interest, KindSet) {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Cell(kinds, cell) => (Interest::Cell(cell), kinds),
            Subject::Device(device) => (Interest::Device(device), KindSet::ALL),
        }
    }
}
