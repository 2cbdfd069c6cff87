//! Objects in the lists of a response.

use schemas::v1;

use fanout::view::{Object, State as Known, quality};

/// Adds an object to its list.
pub(super) fn add(picture: &mut v1::AirPicture, object: &Object, now_us: u64) {
    match &object.state {
        Known::Aircraft(state) => picture.pilots.push(state.clone()),
        Known::Ground(state) => picture.ground.push(state.clone()),
        Known::Thermal(state) => {
            picture.thermals.push(v1::ThermalView { quality: quality(state, now_us), thermal: Some(*state) });
        }
        Known::Station(state) => picture.stations.push(state.clone()),
        Known::Receiver(state) => picture.receivers.push(state.clone()),
        Known::Alert(state) => picture.alerts.push(state.clone()),
        Known::Landmark(state) => picture.landmarks.push(state.clone()),
    }
}

/// The present quality of a thermal; `None` for other objects.
pub(super) fn quality_of(object: &Object, now_us: u64) -> Option<u32> {
    let Known::Thermal(thermal) = &object.state else { return None };
    Some(quality(thermal, now_us))
}
