//! Landmarks: marks on the map that a device broadcasts (packet type 5), each until its lifetime after the last frame ends.
//!
//! The same body again extends the lifetime, the same body in the layer 15 ends it.

use geo::Position;
use schemas::object::{Kind, State};
use schemas::v1::{Audience, LandmarkLayer, LandmarkMemory, LandmarkReport, LandmarkShape, LandmarkState};

use crate::core::outputs::StateChange;

/// A landmark of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The published state, without the name.
    pub(super) state: LandmarkState,
    pub(super) is_shown: bool,
    /// Has to be published. Not kept in checkpoints: what makes it new publishes it at once.
    pub(super) is_new: bool,
}

impl Landmark {
    /// When it ends, by the partition's clock.
    pub(super) fn expires_us(&self) -> u64 {
        self.state.expires_at_us
    }

    /// Ends it with the next publication.
    pub(super) fn end(&mut self) {
        self.state.expires_at_us = 0;
    }

    /// As the checkpoint keeps it.
    pub(super) fn to_checkpoint(&self) -> LandmarkMemory {
        LandmarkMemory { state: Some(self.state.clone()), shown: self.is_shown }
    }

    /// From a checkpoint.
    pub(super) fn from_checkpoint(checkpoint: &LandmarkMemory) -> Self {
        Self { state: checkpoint.state.clone().unwrap_or_default(), is_shown: checkpoint.shown, is_new: false }
    }

    pub(super) fn change(&self, version: u64, at_us: u64, state: Option<LandmarkState>) -> StateChange {
        StateChange {
            device: self.state.device,
            number: self.state.landmark_id,
            version,
            at_us,
            audience: Audience::Public,
            kind: Kind::Landmark,
            state: state.map(State::Landmark),
        }
    }

    pub(super) fn named(&self, name: Option<&str>) -> LandmarkState {
        LandmarkState { name: name.map(str::to_owned), ..self.state.clone() }
    }
}

/// `None`: a shape that this program does not know, or no point.
pub(super) fn state_of(report: &LandmarkReport) -> Option<LandmarkState> {
    let shape = LandmarkShape::try_from(i32::try_from(report.subtype).ok()?.checked_add(1)?).ok()?;
    let points: Vec<_> = report.points.iter().filter_map(|point| point.position).collect();
    if points.is_empty() || points.len() < report.points.len() {
        return None;
    }
    let layer = match report.layer {
        0 => LandmarkLayer::Info,
        1 => LandmarkLayer::Warning,
        2 => LandmarkLayer::KeepOut,
        3 => LandmarkLayer::TouchDown,
        4 => LandmarkLayer::NoAirspaceWarning,
        _ => LandmarkLayer::Other,
    };
    Some(LandmarkState {
        layer: layer.into(),
        shape: shape.into(),
        points,
        radii_m: report.points.iter().filter_map(|point| point.radius_m).collect(),
        text: report.text.clone().filter(|text| !text.is_empty()),
        altitude_bottom_m: report.altitude_bottom_m,
        altitude_top_m: report.altitude_top_m,
        wind_sectors: report.wind_sectors,
        ..LandmarkState::default()
    })
}

/// Layer, lifetime and wind are no part of the body.
pub(super) fn has_same_body(one: &LandmarkState, other: &LandmarkState) -> bool {
    one.shape == other.shape
        && one.points == other.points
        && one.radii_m == other.radii_m
        && one.text == other.text
        && (one.altitude_bottom_m, one.altitude_top_m) == (other.altitude_bottom_m, other.altitude_top_m)
}

pub(super) fn is_on_earth(point: &schemas::v1::Position) -> bool {
    Position::new(point.latitude_deg, point.longitude_deg).is_on_earth()
}
