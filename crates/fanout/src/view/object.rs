//! One object of the air picture, and its id.

use flight::units::degrees;
use geo::Cell;
use schemas::object::{Kind, State, Update};
use schemas::v1;

use super::live::{position_e7, update_of};
use super::quality::quality;

/// The id of one object. The key is the device's address, the record id of a thermal, alert or landmark, or the view's number of
/// a receiver.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ObjectId {
    /// The kind of object.
    pub kind: Kind,
    /// The key within the kind.
    pub key: u64,
}

/// The record of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The number of the topic partition, see [`super::Offsets`].
    pub partition: u16,
    /// The offset in that partition.
    pub offset: u64,
}

/// An object in the view.
#[derive(Clone, Debug)]
pub struct Object {
    /// The id.
    pub id: ObjectId,
    /// The newest state.
    pub state: State,
    /// The record of the state.
    pub origin: Origin,
    /// Its cell with the maximum precision; `None`: its position is unknown.
    pub cell: Option<Cell>,
    /// Its message with age 0 and without a name.
    live: Update,
}

impl Object {
    /// Creates the object; its cell is that of the rounded position in its messages, so that clients compute the same
    /// cell.
    pub fn new(id: ObjectId, state: State, origin: Origin) -> Self {
        let cell = state.position().map(|position| {
            let (latitude_e7, longitude_e7) = position_e7(position);
            Cell::at(degrees(latitude_e7), degrees(longitude_e7), Cell::MAX_PRECISION)
        });
        let live = update_of(&state);
        Self { id, state, origin, cell, live }
    }

    /// The offset that made its state.
    pub fn version(&self) -> u64 {
        self.state.version()
    }

    /// Adds it to a message with the time `at_us`, and with its name if `named`.
    pub fn add_to(&self, objects: &mut v1::Objects, at_us: u64, named: bool) {
        let age_ds = age_ds(self.state.event_at_us(), at_us);
        let name = || self.state.name().filter(|_| named).map(str::to_owned);
        match &self.live {
            Update::Aircraft(live) => {
                objects.aircraft.push(v1::AircraftUpdate { age_ds, name: name(), ..live.clone() });
            }
            Update::Ground(live) => objects.ground.push(v1::GroundUpdate { age_ds, name: name(), ..live.clone() }),
            Update::Station(live) => objects.stations.push(v1::StationUpdate { age_ds, name: name(), ..live.clone() }),
            Update::Alert(live) => objects.alerts.push(v1::AlertUpdate { age_ds, name: name(), ..live.clone() }),
            Update::Landmark(live) => {
                objects.landmarks.push(v1::LandmarkUpdate { age_ds, name: name(), ..live.clone() });
            }
            Update::Receiver(live) => objects.receivers.push(v1::ReceiverUpdate { age_ds, ..live.clone() }),
            Update::Thermal(live) => {
                let quality = match &self.state {
                    State::Thermal(state) => quality(state, at_us),
                    _ => 0,
                };
                objects.thermals.push(v1::ThermalUpdate { age_ds, quality, ..*live });
            }
        }
    }
}

/// Tenths of a second from an event to now; 0 for an event in the future.
fn age_ds(event_at_us: u64, at_us: u64) -> u32 {
    u32::try_from(at_us.saturating_sub(event_at_us) / 100_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use schemas::wire::KindAndPhase;

    use super::*;

    #[test]
    fn an_aircraft_is_sent_in_the_units_of_the_message() {
        let state = v1::AircraftState {
            device: 0x11_0B90,
            version: 42,
            event_at_us: 10_000_000,
            position: Some(v1::Position { latitude_deg: 46.5, longitude_deg: -7.25, altitude_m: Some(2345.6) }),
            aircraft_kind: v1::AircraftKind::Paraglider.into(),
            flight_phase: v1::FlightPhase::Circling.into(),
            speed_kmh: Some(38.46),
            climb_mps: Some(-1.234),
            course_deg: Some(359.7),
            name: Some("Ada".into()),
            alert_kind: Some(v1::AlertKind::Distress.into()),
            text: Some("landing".into()),
            text_at_us: Some(9_000_000),
            ..Default::default()
        };
        let id = ObjectId { kind: Kind::Aircraft, key: 0x11_0B90 };
        let object = Object::new(id, State::Aircraft(state), Origin { partition: 0, offset: 0 });
        let mut objects = v1::Objects::default();
        object.add_to(&mut objects, 12_540_000, true);
        object.add_to(&mut objects, 9_000_000, false);
        let expected = v1::AircraftUpdate {
            device: 0x11_0B90,
            latitude_e7: 465_000_000,
            longitude_e7: -72_500_000,
            altitude_m: Some(2346),
            speed_dkmh: Some(385),
            climb_cmps: Some(-123),
            course_deg: Some(0),
            kind_and_phase: KindAndPhase { kind: 2, phase: 3, alert: 15 }.pack(),
            version: 42,
            age_ds: 25,
            name: Some("Ada".into()),
            text: Some("landing".into()),
            text_at_us: Some(9_000_000),
        };
        assert_eq!(objects.aircraft[0], expected);
        assert_eq!(
            objects.aircraft[1],
            v1::AircraftUpdate { age_ds: 0, name: None, ..expected },
            "never a negative age"
        );
    }
}
