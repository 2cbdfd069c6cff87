//! The kinds of aircraft.

use serde::Serialize;

/// The kind of aircraft, in the protocol's order (0 to 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AircraftKind {
    /// Anything else; here a paramotor.
    Other,
    /// Soars.
    Paraglider,
    /// Soars, faster.
    HangGlider,
    /// Drifts with the wind.
    Balloon,
    /// Soars, faster still, in wide circles.
    Glider,
    /// Flies a round trip.
    Powered,
    /// Flies a round trip.
    Helicopter,
    /// Flies a small round trip, low.
    Uav,
}

impl AircraftKind {
    /// Whether it soars in thermals.
    pub(crate) fn soars(self) -> bool {
        matches!(self, Self::Paraglider | Self::HangGlider | Self::Glider)
    }
}
