//! Hidden devices: a view of their own, so that no public answer can contain one by mistake.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use schemas::keys::PrivatePart;
use schemas::v1::{AlertState, PrivateState, private_state};

use super::change::{Change, REMOVED_TTL_US};
use super::object::{Object, ObjectId, Origin};
use schemas::object::{Kind, State};

/// Hidden objects have no place in the offsets of the public topics: no client resumes with them.
const NO_ORIGIN: Origin = Origin { partition: u16::MAX, offset: 0 };

/// The states of hidden devices, and their alerts. Only for fleet and rescue scopes.
#[derive(Debug, Default)]
pub struct PrivateView {
    objects: FxHashMap<ObjectId, Arc<Object>>,
    of_device: FxHashMap<u32, Ids>,
    alerts: usize,
    /// The version of the last state of what has ended lately.
    removed: FxHashMap<ObjectId, u64>,
    removed_order: VecDeque<(u64, ObjectId)>,
}

/// What a hidden device has.
#[derive(Clone, Copy, Debug, Default)]
struct Ids {
    object: Option<ObjectId>,
    alert: Option<ObjectId>,
}

impl Ids {
    fn part(&mut self, part: PrivatePart) -> &mut Option<ObjectId> {
        match part {
            PrivatePart::Object => &mut self.object,
            PrivatePart::Alert => &mut self.alert,
        }
    }
}

impl PrivateView {
    /// Applies a record of a device, and appends the changes; `None` is a tombstone. `at_us`: now. Returns false for a record
    /// that is older than the known state, or for another state in the place of an alert.
    pub fn apply(
        &mut self,
        device: u32,
        part: PrivatePart,
        state: Option<PrivateState>,
        at_us: u64,
        changes: &mut Vec<Change>,
    ) -> bool {
        self.expire_removed(at_us);
        let mut ids = self.of_device.get(&device).copied().unwrap_or_default();
        let known = *ids.part(part);
        let Some(state) = state else {
            let is_known = known.is_some();
            known.into_iter().for_each(|id| self.remove(device, part, id, at_us, changes));
            return is_known;
        };
        let Some(state) = state.state.map(state_of).filter(|state| is_of(part, state)) else { return false };
        let newest = known.and_then(|id| self.objects.get(&id));
        if newest.is_some_and(|newest| newest.version() > state.version()) {
            return false;
        }
        let id = identify(device, &state);
        if let Some(before) = known.filter(|before| *before != id) {
            self.remove(device, part, before, at_us, changes);
        }
        self.set(device, part, Object::new(id, state, NO_ORIGIN), changes);
        true
    }

    /// The hidden object of an id.
    pub fn object(&self, id: ObjectId) -> Option<&Arc<Object>> {
        self.objects.get(&id)
    }

    /// The objects of a hidden device, its alert included.
    pub fn of_device(&self, device: u32) -> impl Iterator<Item = &Arc<Object>> {
        let Ids { object, alert } = self.of_device.get(&device).copied().unwrap_or_default();
        object.into_iter().chain(alert).filter_map(|id| self.objects.get(&id))
    }

    /// Whether a hidden device has a state, besides an alert.
    pub fn has_state(&self, device: u32) -> bool {
        self.of_device.get(&device).is_some_and(|ids| ids.object.is_some())
    }

    /// The alert of a hidden device.
    pub fn alert(&self, device: u32) -> Option<&AlertState> {
        alert_of(self.objects.get(&self.of_device.get(&device)?.alert?)?)
    }

    /// The alerts of all hidden devices, in no order.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertState> {
        self.of_device.keys().filter_map(|device| self.alert(*device))
    }

    /// The version of the last state of an object that has ended, for ten minutes.
    pub(crate) fn removed(&self, id: ObjectId) -> Option<u64> {
        self.removed.get(&id).copied()
    }

    /// The number of hidden devices with a state.
    pub fn len(&self) -> usize {
        self.objects.len() - self.alerts
    }

    /// The number of alerts of hidden devices.
    pub fn alert_count(&self) -> usize {
        self.alerts
    }

    /// Whether there are neither states nor alerts.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn set(&mut self, device: u32, part: PrivatePart, object: Object, changes: &mut Vec<Change>) {
        let id = object.id;
        let urgent = object.state.is_urgent();
        let object = Arc::new(object);
        let before = self.objects.insert(id, object.clone());
        self.alerts += usize::from(before.is_none() && id.kind == Kind::Alert);
        self.removed.remove(&id);
        *self.of_device.entry(device).or_default().part(part) = Some(id);
        let named = before.is_none_or(|before| before.state.name() != object.state.name());
        changes.push(Change { id, device: Some(device), from: None, to: None, named, urgent });
    }

    fn remove(&mut self, device: u32, part: PrivatePart, id: ObjectId, at_us: u64, changes: &mut Vec<Change>) {
        let Some(object) = self.objects.remove(&id) else { return };
        self.alerts -= usize::from(id.kind == Kind::Alert);
        if let Some(ids) = self.of_device.get_mut(&device) {
            *ids.part(part) = None;
            if ids.object.is_none() && ids.alert.is_none() {
                self.of_device.remove(&device);
            }
        }
        self.removed.insert(id, object.version());
        self.removed_order.push_back((at_us, id));
        changes.push(Change { id, device: Some(device), from: None, to: None, named: false, urgent: false });
    }

    fn expire_removed(&mut self, at_us: u64) {
        while let Some((since_us, id)) = self.removed_order.front().copied() {
            if since_us + REMOVED_TTL_US > at_us {
                break;
            }
            self.removed_order.pop_front();
            self.removed.remove(&id);
        }
    }
}

fn state_of(state: private_state::State) -> State {
    match state {
        private_state::State::Aircraft(state) => State::Aircraft(state),
        private_state::State::Ground(state) => State::Ground(state),
        private_state::State::Station(state) => State::Station(state),
        private_state::State::Alert(state) => State::Alert(state),
    }
}

fn is_of(part: PrivatePart, state: &State) -> bool {
    matches!(state, State::Alert(_)) == (part == PrivatePart::Alert)
}

fn identify(device: u32, state: &State) -> ObjectId {
    match state {
        State::Alert(alert) => ObjectId { kind: Kind::Alert, key: alert.alert_id },
        state => ObjectId { kind: state.kind(), key: u64::from(device) },
    }
}

fn alert_of(object: &Object) -> Option<&AlertState> {
    match &object.state {
        State::Alert(alert) => Some(alert),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::v1::{AircraftState, GroundState};

    fn aircraft(version: u64) -> Option<PrivateState> {
        let state = AircraftState { device: 7, version, ..Default::default() };
        Some(PrivateState { state: Some(private_state::State::Aircraft(state)) })
    }

    fn ground(version: u64) -> Option<PrivateState> {
        let state = GroundState { device: 7, version, ..Default::default() };
        Some(PrivateState { state: Some(private_state::State::Ground(state)) })
    }

    fn alert(alert_id: u64, version: u64) -> Option<PrivateState> {
        let state = AlertState { device: 7, alert_id, version, ..Default::default() };
        Some(PrivateState { state: Some(private_state::State::Alert(state)) })
    }

    fn apply(view: &mut PrivateView, part: PrivatePart, state: Option<PrivateState>) -> bool {
        view.apply(7, part, state, 1, &mut Vec::new())
    }

    #[test]
    fn the_newest_state_of_a_hidden_device_is_kept() {
        let mut view = PrivateView::default();
        assert!(apply(&mut view, PrivatePart::Object, aircraft(5)));
        assert!(!apply(&mut view, PrivatePart::Object, aircraft(4)));
        assert_eq!((view.of_device(7).next().map(|object| object.version()), view.len()), (Some(5), 1));
        assert!(apply(&mut view, PrivatePart::Object, None));
        assert!(view.is_empty() && view.of_device.is_empty());
    }

    #[test]
    fn an_alert_outlives_its_object() {
        let mut view = PrivateView::default();
        assert!(apply(&mut view, PrivatePart::Object, aircraft(5)));
        assert!(apply(&mut view, PrivatePart::Alert, alert(70, 6)));
        assert!(!apply(&mut view, PrivatePart::Alert, alert(70, 5)), "older");
        assert!(!apply(&mut view, PrivatePart::Alert, aircraft(9)), "no alert");
        assert!(apply(&mut view, PrivatePart::Object, None));
        assert_eq!(view.alert(7).map(|alert| (alert.alert_id, alert.version)), Some((70, 6)));
        assert_eq!((view.alerts().count(), view.alert_count(), view.len()), (1, 1, 0));
        assert!(!view.is_empty() && !view.has_state(7));
        assert!(apply(&mut view, PrivatePart::Alert, None));
        assert!(view.is_empty());
    }

    #[test]
    fn a_landed_device_has_one_object() {
        let mut view = PrivateView::default();
        let mut changes = Vec::new();
        view.apply(7, PrivatePart::Object, aircraft(5), 1, &mut changes);
        view.apply(7, PrivatePart::Object, ground(6), 2, &mut changes);
        let kinds: Vec<Kind> = changes.iter().map(|change| change.id.kind).collect();
        assert_eq!(kinds, [Kind::Aircraft, Kind::Aircraft, Kind::Ground]);
        assert_eq!(view.removed(changes[0].id), Some(5));
        view.apply(7, PrivatePart::Object, aircraft(7), 3, &mut changes);
        assert_eq!((view.removed(changes[0].id), view.of_device(7).count()), (None, 1));
        view.apply(8, PrivatePart::Object, None, 3 + REMOVED_TTL_US, &mut changes);
        assert!(view.removed.is_empty() && view.removed_order.is_empty());
    }
}
