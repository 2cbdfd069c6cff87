//! The landmarks of a device: public while the device is; hidden devices have none.

use schemas::v1::{LandmarkReport, Observation};

use crate::core::device::{ApplyContext, Device};
use crate::core::landmark::{Landmark, has_same_body, is_on_earth, state_of};
use crate::core::outputs::{Outputs, StateChange};
use crate::core::settings::MINUTE_US;

/// Of one device. With more of them the one that ends first gives way.
const MOST: usize = 16;
/// The layer that removes a landmark.
const REMOVED: u32 = 15;

impl Device {
    /// Takes a landmark. One with a position that the device cannot be near, of an unknown shape, or of a hidden device is
    /// ignored.
    pub(super) fn update_landmark(
        &mut self,
        observation: &Observation,
        report: &LandmarkReport,
        context: &ApplyContext<'_>,
    ) {
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
        if !is_here || self.is_hidden(context.settings) {
            return;
        }
        state.device = self.address;
        state.event_at_us = observation.event_at_us;
        state.expires_at_us = context.clock_us.saturating_add(u64::from(report.ttl_min) * MINUTE_US);
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
    pub(super) fn publish_landmarks(&mut self, all: bool, context: &ApplyContext<'_>, out: &mut Outputs) {
        let is_hidden = self.is_hidden(context.settings);
        // A landmark has texts, too.
        let is_public = self.score.is_published() && !is_hidden && !self.consent.hides_name();
        let name = self.name.as_deref();
        let Some(rare) = self.rare.as_mut().filter(|rare| !rare.landmarks.is_empty()) else { return };
        rare.landmarks.retain_mut(|landmark| {
            let is_over = landmark.expires_us() <= context.clock_us;
            let is_wanted = is_public && !is_over;
            if is_wanted && (all || landmark.is_new || !landmark.is_shown) {
                landmark.state.version = context.offset;
                let state = landmark.named(name);
                out.states.push(landmark.change(context.offset, state.event_at_us, Some(state)));
            } else if !is_wanted && landmark.is_shown {
                out.states.push(landmark.change(context.offset, context.clock_us, None));
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
