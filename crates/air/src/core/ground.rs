//! Ground objects: devices that send ground tracking.

use schemas::v1::{Audience, GroundMemory, GroundPosition, GroundState, SourceKind};

/// A live ground object.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    /// The published state, without the fields that the device adds (name, receivers, flags).
    pub state: GroundState,
    /// When it was last heard, by the partition's clock.
    pub seen_us: u64,
}

impl Ground {
    /// A device that begins to be a ground object.
    pub fn new(device: u32, event_at_us: u64) -> Self {
        let state = GroundState { device, first_seen_at_us: event_at_us, ..GroundState::default() };
        Self { state, seen_us: 0 }
    }

    /// Takes a new position.
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, report: &GroundPosition, clock_us: u64) {
        self.seen_us = clock_us;
        self.state.event_at_us = event_at_us;
        self.state.position = report.position;
        self.state.ground_kind = report.ground_kind;
        self.state.source = source.into();
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_checkpoint(&self, audience: Audience) -> GroundMemory {
        GroundMemory { state: Some(self.state.clone()), seen_us: self.seen_us, audience: audience.into() }
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &GroundMemory) -> Self {
        let state = checkpoint.state.clone().unwrap_or_default();
        Self { state, seen_us: checkpoint.seen_us }
    }
}
