//! Landmarks: marks on the map that a device broadcasts (packet type 5), each until its lifetime after the last frame ends.
//!
//! They are public while their device is; hidden devices have none. The same body again extends the lifetime, the same
//! body in the layer 15 ends it.

use geo::Position;
use schemas::object::{Kind, State};
use schemas::v1::{Audience, LandmarkLayer, LandmarkMemory, LandmarkReport, LandmarkShape, LandmarkState, Observation};

use crate::core::device::{ApplyContext, Device};
use crate::core::outputs::{Outputs, StateChange};
use crate::core::settings::MINUTE_US;

/// Of one device. With more of them the one that ends first gives way.
const MOST: usize = 16;
/// The layer that removes a landmark.
const REMOVED: u32 = 15;

/// A landmark of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The published state, without the name.
    state: LandmarkState,
    is_shown: bool,
    /// Has to be published. Not kept in checkpoints: what makes it new publishes it at once.
    is_new: bool,
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

    fn change(&self, version: u64, at_us: u64, state: Option<LandmarkState>) -> StateChange {
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

    fn named(&self, name: Option<&str>) -> LandmarkState {
        LandmarkState { name: name.map(str::to_owned), ..self.state.clone() }
    }
}

impl Device {
    /// Takes a landmark. One with a place that the device cannot be near, of an unknown shape, or of a hidden device is
    /// ignored.
    pub(super) fn learn_landmark(&mut self, observation: &Observation, report: &LandmarkReport, at: &ApplyContext<'_>) {
        let Some(mut state) = state_of(report) else { return };
        let known = self.rare.as_ref().map_or(&[][..], |rare| rare.landmarks.as_slice());
        let known = known.iter().position(|known| has_same_body(&known.state, &state));
        if report.layer == REMOVED {
            if let Some(index) = known {
                self.rare_mut().landmarks[index].end();
            }
            return;
        }
        let is_here = state.points.iter().all(is_on_earth) && self.may_be_near(&state.points[0]);
        if !is_here || self.is_hidden(at.settings) {
            return;
        }
        state.device = self.address;
        state.event_at_us = observation.event_at_us;
        state.expires_at_us = at.clock_us.saturating_add(u64::from(report.ttl_min) * MINUTE_US);
        let landmarks = &mut self.rare_mut().landmarks;
        if let Some(index) = known {
            let known = &mut landmarks[index];
            (state.landmark_id, known.is_new) = (known.state.landmark_id, true);
            known.state = state;
            return;
        }
        state.landmark_id = observation.observation_id;
        if landmarks.iter().filter(|known| known.expires_us() > 0).count() >= MOST {
            let first =
                landmarks.iter_mut().filter(|known| known.expires_us() > 0).min_by_key(|known| known.expires_us());
            first.into_iter().for_each(Landmark::end);
        }
        landmarks.push(Landmark { state, is_shown: false, is_new: true });
    }

    /// Emits new landmarks, with `all` each one again, and tombstones of those that have ended or may not be shown any more.
    pub(super) fn publish_landmarks(&mut self, all: bool, at: &ApplyContext<'_>, out: &mut Outputs) {
        let is_hidden = self.is_hidden(at.settings);
        let is_public = self.score.is_published() && !is_hidden;
        let name = self.name.as_deref();
        let Some(rare) = self.rare.as_mut().filter(|rare| !rare.landmarks.is_empty()) else { return };
        rare.landmarks.retain_mut(|landmark| {
            let is_over = landmark.expires_us() <= at.clock_us;
            let is_wanted = is_public && !is_over;
            if is_wanted && (all || landmark.is_new || !landmark.is_shown) {
                landmark.state.version = at.offset;
                let state = landmark.named(name);
                out.states.push(landmark.change(at.offset, state.event_at_us, Some(state)));
            } else if !is_wanted && landmark.is_shown {
                out.states.push(landmark.change(at.offset, at.clock_us, None));
            }
            (landmark.is_shown, landmark.is_new) = (is_wanted, false);
            // One that was broadcast by a hidden device is not shown later.
            !is_over && !is_hidden
        });
    }

    /// The landmarks as they were last published.
    pub(super) fn landmark_states(&self) -> impl Iterator<Item = StateChange> {
        let landmarks = self.rare.as_ref().map_or(&[][..], |rare| rare.landmarks.as_slice());
        landmarks.iter().filter(|landmark| landmark.is_shown).map(|landmark| {
            let state = landmark.named(self.name.as_deref());
            landmark.change(state.version, state.event_at_us, Some(state))
        })
    }
}

/// `None`: a shape that this program does not know, or no point.
fn state_of(report: &LandmarkReport) -> Option<LandmarkState> {
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
fn has_same_body(one: &LandmarkState, other: &LandmarkState) -> bool {
    one.shape == other.shape
        && one.points == other.points
        && one.radii_m == other.radii_m
        && one.text == other.text
        && (one.altitude_bottom_m, one.altitude_top_m) == (other.altitude_bottom_m, other.altitude_top_m)
}

fn is_on_earth(point: &schemas::v1::Position) -> bool {
    Position::new(point.latitude_deg, point.longitude_deg).is_on_earth()
}
