//! Hidden devices: a separate view, so that no public answer can contain one by mistake.

use rustc_hash::FxHashMap;
use schemas::keys::PrivatePart;
use schemas::v1::{AlertState, PrivateState, private_state};

/// The states of hidden devices, and their alerts. Only for fleet and rescue scopes.
#[derive(Debug, Default)]
pub struct PrivateView {
    objects: FxHashMap<u32, PrivateState>,
    alerts: FxHashMap<u32, AlertState>,
}

impl PrivateView {
    /// Applies a record of a device; `None` is a tombstone. Returns false for a record that is older than the known
    /// state, or for another state in the place of an alert.
    pub fn apply(&mut self, device: u32, part: PrivatePart, state: Option<PrivateState>) -> bool {
        match (part, state) {
            (PrivatePart::Object, None) => self.objects.remove(&device).is_some(),
            (PrivatePart::Alert, None) => self.alerts.remove(&device).is_some(),
            (PrivatePart::Object, Some(state)) => {
                let is_old = self.objects.get(&device).is_some_and(|known| version(known) > version(&state));
                if !is_old {
                    self.objects.insert(device, state);
                }
                !is_old
            }
            (PrivatePart::Alert, Some(PrivateState { state: Some(private_state::State::Alert(alert)) })) => {
                let is_old = self.alerts.get(&device).is_some_and(|known| known.version > alert.version);
                if !is_old {
                    self.alerts.insert(device, alert);
                }
                !is_old
            }
            (PrivatePart::Alert, Some(_)) => false,
        }
    }

    /// The state of a hidden device.
    pub fn state(&self, device: u32) -> Option<&PrivateState> {
        self.objects.get(&device)
    }

    /// The alert of a hidden device.
    pub fn alert(&self, device: u32) -> Option<&AlertState> {
        self.alerts.get(&device)
    }

    /// The alerts of all hidden devices, in no order.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertState> {
        self.alerts.values()
    }

    /// The number of hidden devices with a state.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are neither states nor alerts.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.alerts.is_empty()
    }
}

fn version(state: &PrivateState) -> u64 {
    match &state.state {
        Some(private_state::State::Aircraft(state)) => state.version,
        Some(private_state::State::Ground(state)) => state.version,
        Some(private_state::State::Station(state)) => state.version,
        Some(private_state::State::Alert(state)) => state.version,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::v1::AircraftState;

    fn aircraft(version: u64) -> PrivateState {
        let state = AircraftState { device: 7, version, ..Default::default() };
        PrivateState { state: Some(private_state::State::Aircraft(state)) }
    }

    fn alert(version: u64) -> PrivateState {
        let state = AlertState { device: 7, alert_id: 70, version, ..Default::default() };
        PrivateState { state: Some(private_state::State::Alert(state)) }
    }

    #[test]
    fn the_newest_state_of_a_hidden_device_is_kept() {
        let mut view = PrivateView::default();
        assert!(view.apply(7, PrivatePart::Object, Some(aircraft(5))));
        assert!(!view.apply(7, PrivatePart::Object, Some(aircraft(4))));
        assert_eq!(view.state(7), Some(&aircraft(5)));
        assert!(view.apply(7, PrivatePart::Object, None));
        assert!(view.is_empty());
    }

    #[test]
    fn an_alert_outlives_its_object() {
        let mut view = PrivateView::default();
        assert!(view.apply(7, PrivatePart::Object, Some(aircraft(5))));
        assert!(view.apply(7, PrivatePart::Alert, Some(alert(6))));
        assert!(!view.apply(7, PrivatePart::Alert, Some(alert(5))), "older");
        assert!(!view.apply(7, PrivatePart::Alert, Some(aircraft(9))), "no alert");
        assert!(view.apply(7, PrivatePart::Object, None));
        assert_eq!(view.alert(7).map(|alert| (alert.alert_id, alert.version)), Some((70, 6)));
        assert_eq!(view.alerts().count(), 1);
        assert!(!view.is_empty());
        assert!(view.apply(7, PrivatePart::Alert, None));
        assert!(view.is_empty());
    }
}
