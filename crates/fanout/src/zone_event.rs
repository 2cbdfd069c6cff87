//! Events of aircraft that enter and leave zones, as clients get them.

use flight::units::e7;
use geo::Cell;
use schemas::v1::{self, server_message};

use crate::compose::message;

/// The precision of a cell that is compared with a subscription: the finest one that subscriptions have.
const PRECISION: u32 = 6;

/// The cell of the aircraft. `None`: its position is not known.
pub(crate) fn cell(event: &v1::ZoneEvent) -> Option<Cell> {
    event.position.map(|at| Cell::at(at.latitude_deg, at.longitude_deg, PRECISION))
}

/// The message of one event.
pub(crate) fn zone_event(event: &v1::ZoneEvent) -> v1::ServerMessage {
    let at = event.position.unwrap_or_default();
    let update = v1::ZoneEventUpdate {
        event_id: event.event_id.clone(),
        device: event.device,
        event_at_us: event.event_at_us,
        event_kind: event.event_kind,
        set: event.set.clone(),
        zone_id: event.zone_id.clone(),
        zone_name: event.zone_name.clone(),
        zone_class: event.zone_class.clone(),
        latitude_e7: e7(at.latitude_deg),
        longitude_e7: e7(at.longitude_deg),
        altitude_m: at.altitude_m.map(|altitude_m| altitude_m.round() as i32),
    };
    message(server_message::Message::ZoneEvents(v1::ZoneEvents { events: vec![update] }))
}
