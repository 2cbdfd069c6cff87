//! Corrections of the newest position by a person.

use geo::Position;
use schemas::v1;

use crate::core::aircraft::Aircraft;

impl Aircraft {
    /// Moves the newest position to where it really was.
    pub fn move_to(&mut self, at: v1::Position) {
        (self.latitude_deg, self.longitude_deg) = (at.latitude_deg, at.longitude_deg);
        self.altitude_m = at.altitude_m.into();
        self.track.pop(self.event_at_us);
    }

    /// Goes back to the position before the newest one, and returns it with its time. `None`: it is not known.
    pub fn step_back(&mut self) -> Option<(u64, Position)> {
        self.track.pop(self.event_at_us);
        let (event_at_us, fix) = self.track.before(self.event_at_us)?;
        let position = fix.position();
        self.event_at_us = event_at_us;
        (self.latitude_deg, self.longitude_deg) = (position.latitude_deg, position.longitude_deg);
        self.altitude_m = Some(fix.altitude_m()).into();
        Some((event_at_us, position))
    }
}
