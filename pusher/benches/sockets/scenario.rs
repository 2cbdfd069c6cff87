//! 5,000 aircraft over the Alps, and clients that subscribe to circles of 50 km.

use std::time::Duration;

use fanout::session::{SessionLimits, SessionSettings};
use fanout::subscription::Subscription;
use fanout::view::{Change, Input, Origin, State, View};
use geo::{Circle, Region};
use schemas::v1;

const AIRCRAFT: u32 = 5_000;
/// One in this number of aircraft moves per tick.
const ONE_IN: u64 = 10;

fn spread(number: u32, step: f64) -> f64 {
    f64::from(number) * step % 1.0
}

fn aircraft(device: u32, version: u64) -> Input {
    let drift = f64::from(u32::try_from(version % 1_000).unwrap_or_default()) * 1e-4;
    Input::State(State::Aircraft(v1::AircraftState {
        device,
        version,
        event_at_us: version * 1_000_000,
        position: Some(v1::Position {
            latitude_deg: 44.5 + 3.5 * spread(device, 0.618_034) + drift,
            longitude_deg: 5.5 + 9.0 * spread(device, 0.754_878) + drift,
            altitude_m: Some(800.0 + 2_500.0 * spread(device, 0.569_840)),
        }),
        aircraft_kind: v1::AircraftKind::Paraglider.into(),
        flight_phase: v1::FlightPhase::Flying.into(),
        speed_kmh: Some(38.0 * spread(device, 0.43)),
        climb_mps: Some(4.0 * spread(device, 0.37) - 1.5),
        course_deg: Some(360.0 * spread(device, 0.29)),
        name: Some(format!("Pilot {device}")),
        ..Default::default()
    }))
}

pub(crate) fn settings() -> SessionSettings {
    SessionSettings {
        version: "bench",
        epoch: "bench".into(),
        heartbeat: Duration::from_secs(3_600),
        limits: SessionLimits::default(),
    }
}

pub(crate) fn view() -> View {
    let (mut view, mut changes) = (View::new(1), Vec::new());
    for device in 0..AIRCRAFT {
        view.apply(Origin { partition: 0, offset: u64::from(device) }, 0, aircraft(device, 1), &mut changes);
    }
    view
}

/// Moves a tenth of all aircraft.
pub(crate) fn tick(view: &mut View, changes: &mut Vec<Change>, round: u64) {
    for device in (0..AIRCRAFT).filter(|device| u64::from(*device) % ONE_IN == round % ONE_IN) {
        let offset = (round + 1) * u64::from(AIRCRAFT) + u64::from(device);
        view.apply(Origin { partition: 0, offset }, 0, aircraft(device, 2 + round), changes);
    }
}

pub(crate) fn subscription(number: u32) -> Subscription {
    let lat = 44.8 + 2.9 * spread(number, 0.381_966);
    let lon = 6.0 + 8.0 * spread(number, 0.267_949);
    let region = Region::Circle(Circle::new(lat, lon, 50.0).expect("on the globe"));
    Subscription::empty().with_region(&region, 64)
}
