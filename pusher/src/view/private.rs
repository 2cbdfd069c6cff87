//! Hidden devices: a view of its own, so that no public answer can hold one by mistake.

use rustc_hash::FxHashMap;
use schemas::v1::{PrivateState, private_state};

/// The states of hidden devices, one per device. Only fleet and rescue scopes may look at it.
#[derive(Debug, Default)]
pub struct PrivateView {
    states: FxHashMap<u32, PrivateState>,
}

impl PrivateView {
    /// Takes a device's state; `None` is a tombstone. Returns false for one that is older than what is known.
    pub fn apply(&mut self, device: u32, state: Option<PrivateState>) -> bool {
        let Some(state) = state else {
            return self.states.remove(&device).is_some();
        };
        if self.states.get(&device).is_some_and(|known| version(known) > version(&state)) {
            return false;
        }
        self.states.insert(device, state);
        true
    }

    /// What is known of a hidden device.
    pub fn state(&self, device: u32) -> Option<&PrivateState> {
        self.states.get(&device)
    }

    /// How many devices are hidden now.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True where none is.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
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

    #[test]
    fn the_newest_state_of_a_hidden_device_is_kept() {
        let state = |version| PrivateState {
            state: Some(private_state::State::Aircraft(AircraftState { device: 7, version, ..Default::default() })),
        };
        let mut view = PrivateView::default();
        assert!(view.apply(7, Some(state(5))));
        assert!(!view.apply(7, Some(state(4))));
        assert_eq!(view.state(7), Some(&state(5)));
        assert!(view.apply(7, None));
        assert!(view.is_empty());
    }
}
