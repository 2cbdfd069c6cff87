//! What one raw record leads to. A buffer that its owner clears and hands in again.

use schemas::v1::{
    AircraftState, AlertState, Audience, GroundState, ObjectKind, Observation, Reception, StationState, ThermalReport,
};

use crate::core::score::Reason;
use crate::decode::Reject;

/// Outputs of one record, per topic in the order in which they must appear there.
#[derive(Debug, Default, PartialEq)]
pub struct Outputs {
    /// Public ones and private ones; each says which it is.
    pub observations: Vec<Observation>,
    /// Receptions, hardware messages and clocks, each with the time it is about.
    pub receptions: Vec<(u64, Reception)>,
    /// Changed states and tombstones.
    pub states: Vec<StateChange>,
    /// Climbs and clocks, each with the time it is about.
    pub thermal_reports: Vec<(u64, ThermalReport)>,
    /// Changed trust, for operators.
    pub scores: Vec<ScoreChange>,
    /// The record could not be used.
    pub reject: Option<Reject>,
    /// Somebody calls for help: to be published at once, past every batch.
    pub urgent: bool,
}

impl Outputs {
    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.observations.clear();
        self.receptions.clear();
        self.states.clear();
        self.thermal_reports.clear();
        self.scores.clear();
        self.reject = None;
        self.urgent = false;
    }
}

/// A new state of one object, or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct StateChange {
    /// The device.
    pub device: u32,
    /// The raw offset that made it.
    pub version: u64,
    /// The time it is about: the event, or the partition's clock for tombstones.
    pub at_us: u64,
    /// Who may see it.
    pub audience: Audience,
    /// The state.
    pub content: Content,
}

/// A state, or a tombstone with the kind of what ended.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Content {
    Aircraft(AircraftState),
    Ground(GroundState),
    Station(StationState),
    Alert(AlertState),
    Gone(ObjectKind),
}

impl Content {
    /// What it is about.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Aircraft(_) => ObjectKind::Aircraft,
            Self::Ground(_) => ObjectKind::Ground,
            Self::Station(_) => ObjectKind::Station,
            Self::Alert(_) => ObjectKind::Alert,
            Self::Gone(kind) => *kind,
        }
    }
}

/// A device's trust after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreChange {
    /// The device.
    pub device: u32,
    /// The raw offset that made it.
    pub version: u64,
    /// 0 to 100.
    pub score: u8,
    /// Whether the device has the trust to be shown.
    pub published: bool,
    /// Frames judged plausible and implausible so far.
    pub plausible_frames: u32,
    /// See above.
    pub implausible_frames: u32,
    /// Why the newest implausible frame was so.
    pub last_reason: Option<Reason>,
}
