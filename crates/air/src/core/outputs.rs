//! The outputs of one raw record. A buffer that its owner clears and passes again.

use schemas::object::{Kind, State};
use schemas::v1::{
    AddressConflict, Audience, Observation, PrivacyState, ReceiverClockTrouble, Reception, ThermalReport, ZoneEvent,
};

use crate::core::partition_clock::Leap;
use crate::core::receiver_name::ReceiverName;
use crate::core::score::Reason;
use crate::decode::Reject;

/// Outputs of one record, per topic in the order in which they must appear there.
#[derive(Debug, Default, PartialEq)]
pub struct Outputs {
    /// Public ones and private ones; each says which it is.
    pub observations: Vec<Observation>,
    /// Changes of devices' public past.
    pub privacy: Vec<PrivacyChange>,
    /// Receptions, hardware messages and clocks, each with the time it is about.
    pub receptions: Vec<(u64, Reception)>,
    /// Changed states and tombstones.
    pub states: Vec<StateChange>,
    /// Climbs and clocks, each with the time it is about.
    pub thermal_reports: Vec<(u64, ThermalReport)>,
    /// Public aircraft entering and leaving zones.
    pub zone_events: Vec<ZoneEvent>,
    /// Changed trust, for operators.
    pub scores: Vec<ScoreChange>,
    /// The record could not be used.
    pub reject: Option<Reject>,
    /// The record that could not be used becomes no dead letter: there were too many.
    pub is_withheld: bool,
    /// Devices that were dropped to keep the core within its bounds.
    pub evicted: Vec<Evicted>,
    /// Receivers that were dropped likewise.
    pub evicted_receivers: usize,
    /// A call for help: to be published at once, before every batch.
    pub urgent: bool,
    /// The partition's clock leapt.
    pub leap: Option<Leap>,
    /// A newly detected trouble of a receiver's clock.
    pub clock_trouble: Option<ReceiverClockTrouble>,
}

impl Outputs {
    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.observations.clear();
        self.privacy.clear();
        self.receptions.clear();
        self.states.clear();
        self.thermal_reports.clear();
        self.zone_events.clear();
        self.scores.clear();
        self.reject = None;
        self.is_withheld = false;
        self.evicted.clear();
        self.evicted_receivers = 0;
        self.urgent = false;
        (self.leap, self.clock_trouble) = (None, None);
    }
}

/// An evicted device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evicted {
    /// The device.
    pub device: u32,
    /// Whether it had the trust to be shown.
    pub was_published: bool,
}

/// How many frames of a receiver could be read in some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverHealth {
    /// A receiver that has sent readable frames.
    pub receiver: ReceiverName,
    /// Frames that could be read.
    pub readable: u32,
    /// Frames that could not, and that another release might read.
    pub unreadable: u32,
}

/// A change of a device's public past.
#[derive(Debug, Clone, PartialEq)]
pub struct PrivacyChange {
    /// By the partition's clock.
    pub at_us: u64,
    /// The new state.
    pub state: PrivacyState,
}

/// A new state of one object, or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct StateChange {
    /// The device.
    pub device: u32,
    /// The number in the key of its record, see [`Kind::key`]: the device, or the id of a landmark.
    pub number: u64,
    /// The raw offset that made it.
    pub version: u64,
    /// The time it is about: the event, or the partition's clock for tombstones.
    pub at_us: u64,
    /// Who may see it.
    pub audience: Audience,
    /// The kind of the object.
    pub kind: Kind,
    /// The state. `None`: it has ended.
    pub state: Option<State>,
}

/// A device's trust after a frame.
#[derive(Debug, Clone, PartialEq)]
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
    /// Another device uses the address.
    pub address_conflict: Option<Box<AddressConflict>>,
}
