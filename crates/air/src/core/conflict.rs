//! Two devices that use one address: the data that operators need to find them.

mod second;

use geo::Position;
use schemas::v1;

pub use self::second::Conflict;
use crate::core::device::Device;
use crate::core::settings::{HOUR_US, Settings};

/// A conflict without a frame of the other device for so long is over, microseconds.
const OVER_US: u64 = HOUR_US;

impl Device {
    /// Counts a frame of another device that uses the address.
    pub(super) fn count_conflict(&mut self, event_at_us: u64, position: Position, receiver: Option<&str>) {
        let other_receiver = receiver.map(Into::into);
        let conflict = &mut self.rare_mut().conflict;
        let (since_us, frames, receiver) =
            conflict.take().map_or((event_at_us, 0, None), |known| (known.since_us, known.frames, known.receiver));
        let frames = frames.saturating_add(1);
        let newest_us = event_at_us;
        let now = Conflict { since_us, newest_us, frames, receiver, other_position: position, other_receiver };
        *conflict = Some(Box::new(now));
    }

    /// Notes where the followed device was received, while there is a conflict.
    pub(super) fn note_followed(&mut self, event_at_us: u64, receiver: Option<&str>) {
        let Some(rare) = &mut self.rare else { return };
        rare.conflict.take_if(|conflict| event_at_us >= conflict.newest_us.saturating_add(OVER_US));
        if let Some(conflict) = &mut rare.conflict
            && conflict.receiver.as_deref() != receiver
        {
            conflict.receiver = receiver.map(Into::into);
        }
    }

    /// Whether another device uses the address.
    pub fn has_conflict(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.conflict.is_some())
    }

    /// The conflict for operators: with the positions of the two only while the device may be shown.
    pub fn address_conflict(&self, settings: &Settings) -> Option<v1::AddressConflict> {
        let mut conflict = self.conflict_checkpoint()?;
        match self.is_hidden(settings) {
            true => conflict.other_position = None,
            false => conflict.position = self.score.position().map(to_wire),
        }
        Some(conflict)
    }

    /// As the checkpoint keeps it.
    pub(super) fn conflict_checkpoint(&self) -> Option<v1::AddressConflict> {
        let conflict = self.rare.as_ref()?.conflict.as_deref()?;
        Some(v1::AddressConflict {
            since_us: conflict.since_us,
            newest_us: conflict.newest_us,
            frames: conflict.frames.into(),
            position: None,
            receiver_id: conflict.receiver.as_deref().map(str::to_owned),
            other_position: Some(to_wire(conflict.other_position)),
            other_receiver_id: conflict.other_receiver.as_deref().map(str::to_owned),
        })
    }
}

fn to_wire(position: Position) -> v1::Position {
    let Position { latitude_deg, longitude_deg } = position;
    v1::Position { latitude_deg, longitude_deg, altitude_m: None }
}
