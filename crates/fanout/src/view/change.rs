//! What a record changes in the view.

use geo::Cell;

use super::object::ObjectId;

/// How long a removal is stored, so that a late older record cannot restore the object.
pub(super) const REMOVED_TTL_US: u64 = 600_000_000;

/// A change of an object, with the cells whose subscribers must receive it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// Its device, for the followers.
    pub device: Option<u32>,
    /// Its former cell.
    pub from: Option<Cell>,
    /// Its present cell.
    pub to: Option<Cell>,
    /// Whether the name must be sent: a new object, or another name.
    pub named: bool,
    /// Whether the change must be sent before the next flush is due.
    pub urgent: bool,
}
