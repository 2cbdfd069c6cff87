//! Objects as the bodies of answers have them.

use schemas::v1;

use fanout::view::{Object, State as Known, quality};

/// Puts an object into its list.
pub(super) fn add(picture: &mut v1::AirPicture, object: &Object, at_us: u64) {
    match &object.state {
        Known::Aircraft(state) => picture.pilots.push(state.clone()),
        Known::Ground(state) => picture.ground.push(state.clone()),
        Known::Thermal(state) => {
            picture.thermals.push(v1::ThermalView { quality: quality(state, at_us), thermal: Some(*state) });
        }
        Known::Station(state) => picture.stations.push(state.clone()),
        Known::Receiver(state) => picture.receivers.push(state.clone()),
        Known::Alert(state) => picture.alerts.push(state.clone()),
    }
}

/// A thermal's quality at that time; `None` for other objects.
pub(super) fn quality_of(object: &Object, at_us: u64) -> Option<u32> {
    let Known::Thermal(thermal) = &object.state else { return None };
    Some(quality(thermal, at_us))
}
