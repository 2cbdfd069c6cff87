//! Clocks that are wrong, of receivers and of bridges: nothing freezes, and no call for help waits.

mod bridges;
mod calls;
mod receivers;

use fanet::packet::GroundType;
use fanet::{Frame, Packet};
use geo::Position;
use geo::distance::{distance_m, shifted};
use schemas::object::State;
use schemas::v1::AlertState;

use super::kit::{PILOT, Story, at, frame_of, ground, tracking};
use crate::core::Outputs;

const HOME: Position = Position::new(46.2, 13.6);

/// The frame of a pilot who flies east at 36 km/h, `seconds` after the start.
fn flying(seconds: f64) -> Frame<'static> {
    let position_at = shifted(HOME, seconds * 10.0, 0.0);
    frame_of(PILOT, Packet::Tracking(tracking(at(position_at.latitude_deg, position_at.longitude_deg))))
}

fn calling(ground_type: GroundType) -> Frame<'static> {
    frame_of(PILOT, Packet::GroundTracking(ground(at(46.2, 13.6), ground_type)))
}

/// The same pilot, in distress where he is by then.
fn calling_at(seconds: f64) -> Frame<'static> {
    let position_at = shifted(HOME, seconds * 10.0, 0.0);
    let position = at(position_at.latitude_deg, position_at.longitude_deg);
    frame_of(PILOT, Packet::GroundTracking(ground(position, GroundType::Distress)))
}

fn aircraft_of(out: &Outputs) -> Option<&schemas::v1::AircraftState> {
    out.states.iter().rev().find_map(|change| match &change.state {
        Some(State::Aircraft(state)) => Some(state),
        _ => None,
    })
}

fn alert_of(out: &Outputs) -> Option<&AlertState> {
    out.states.iter().find_map(|change| match &change.state {
        Some(State::Alert(state)) => Some(state),
        _ => None,
    })
}

/// Metres between what a state shows and where the pilot is `seconds` after the start.
fn off_m(state: &schemas::v1::AircraftState, seconds: f64) -> f64 {
    let shown = state.position.unwrap_or_default();
    distance_m(Position::new(shown.latitude_deg, shown.longitude_deg), shifted(HOME, seconds * 10.0, 0.0))
}

/// A minute of flight in which the receiver's clock becomes known; returns the seconds that have passed.
fn fly_a_minute(story: &mut Story) -> f64 {
    for frame in 0..12 {
        story.heard("r", 0, &flying(f64::from(frame) * 5.0));
        story.pass(5.0);
    }
    60.0
}
