//! A position that a device reports, and its possible defects.

use flight::{ALTITUDES_M, is_missing_fix};
use geo::Position;

/// Why a frame is not plausible. The numbers are kept in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The speed it implies is above what its kind can do.
    Speed = 1,
    /// Latitude or longitude is out of range.
    Coordinates = 2,
    /// The altitude is out of range.
    Altitude = 3,
    /// The zeros that are sent without a GPS fix.
    NoFix = 4,
}

impl Reason {
    const ALL: [Self; 4] = [Self::Speed, Self::Coordinates, Self::Altitude, Self::NoFix];

    /// Its code, for operators and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Coordinates => "coordinates",
            Self::Altitude => "altitude",
            Self::NoFix => "no_fix",
        }
    }

    pub(super) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u32 == number)
    }
}

/// An earlier position that has become plausible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The id of its observation.
    pub observation_id: u64,
    /// Its event time.
    pub event_at_us: u64,
}

/// A position to be judged.
#[derive(Clone, Copy, Debug)]
pub struct ReportedPosition {
    /// The id of its observation.
    pub observation_id: u64,
    /// When.
    pub event_at_us: u64,
    /// Where.
    pub position: Position,
    /// Metres, where it was sent.
    pub altitude_m: Option<f64>,
    /// The fastest it can be, km/h.
    pub max_speed_kmh: f64,
    /// After a longer silence it is a first position, microseconds.
    pub lifetime_us: u64,
}

impl ReportedPosition {
    /// What is wrong with the position itself.
    pub(super) fn defect(&self) -> Option<Reason> {
        let Position { latitude_deg, longitude_deg } = self.position;
        if !self.position.is_on_earth() {
            return Some(Reason::Coordinates);
        }
        if self.altitude_m.is_some_and(|altitude_m| !ALTITUDES_M.contains(&altitude_m)) {
            return Some(Reason::Altitude);
        }
        is_missing_fix(latitude_deg, longitude_deg, self.altitude_m).then_some(Reason::NoFix)
    }
}
