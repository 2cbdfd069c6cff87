//! The objects of deliveries that a client's socket could not take: ids instead of messages, so that the client gets
//! the newest states and the memory has a bound.

use rustc_hash::FxHashMap;

use crate::compose::PendingObject;
use crate::view::ObjectId;

/// With more objects, sending all objects again is cheaper and has a bound.
const MAX_OBJECTS: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Missed {
    objects: FxHashMap<ObjectId, bool>,
    overflowed: bool,
}

impl Missed {
    pub(super) fn add(&mut self, objects: impl IntoIterator<Item = PendingObject>) {
        for PendingObject { id, named } in objects {
            if self.overflowed {
                return;
            }
            *self.objects.entry(id).or_default() |= named;
            if self.objects.len() > MAX_OBJECTS {
                self.overflowed = true;
                self.objects = FxHashMap::default();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && !self.overflowed
    }

    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Takes all objects and frees their memory, since a client is rarely behind.
    pub(super) fn take(&mut self) -> impl Iterator<Item = PendingObject> + use<> {
        std::mem::take(&mut self.objects).into_iter().map(|(id, named)| PendingObject { id, named })
    }
}
