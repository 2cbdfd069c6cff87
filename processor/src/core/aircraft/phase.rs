//! The phase of flight: on the ground, flying, circling, landed.

use std::num::NonZeroU64;

use geo::Position;
use schemas::v1::{AircraftPosition, FlightPhase};

use crate::core::aircraft::Aircraft;
use crate::core::aircraft::climb::Climb;
use crate::core::settings::SECOND_US;
use crate::core::track::{Fix, Track};

/// From this ground speed on it flies, km/h.
const FLYING_KMH: f64 = 15.0;
/// From this climb or sink on it flies whatever its speed, m/s: a glider can stand against the wind.
const FLYING_MPS: f64 = 1.0;
/// Below this ground speed it may have landed, km/h,
const STANDING_KMH: f64 = 5.0;
/// if it neither climbs nor sinks faster, m/s,
const STANDING_MPS: f64 = 0.5;
/// stays at its altitude, m,
const STANDING_M: f64 = 12.0;
/// and all this for so long, microseconds.
const STANDING_US: u64 = 20 * SECOND_US;
const FRAMES_TO_TAKE_OFF: u32 = 2;
const FRAMES_TO_LAND: u32 = 3;

const CIRCLING_DEG: f64 = 270.0;
/// In how long, seconds.
pub(super) const CIRCLING_S: i32 = 45;
/// Turned at least this much in the last `STILL_S` seconds: still turning.
const STILL_DEG: f64 = 45.0;
const STILL_S: i32 = 16;
/// Turned less than this in the last `STRAIGHT_S` seconds: no longer circling.
const STRAIGHT_DEG: f64 = 60.0;
const STRAIGHT_S: i32 = 20;

/// Signs that the phase of flight has changed, before there are enough of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Doubt {
    pub(super) since_us: u64,
    pub(super) frames: u32,
    pub(super) altitude_m: f64,
}

impl Aircraft {
    pub(super) fn phase(&self) -> FlightPhase {
        FlightPhase::try_from(i32::from(self.phase)).unwrap_or_default()
    }

    /// Takes a position into the phase of flight and the track.
    pub(super) fn follow(&mut self, event_at_us: u64, told: &AircraftPosition, at: schemas::v1::Position) {
        let altitude_m = at.altitude_m.unwrap_or_default();
        let seems_flying = told.speed_kmh >= FLYING_KMH || told.climb_mps.abs() >= FLYING_MPS;
        match self.phase() {
            FlightPhase::Unspecified => {
                self.change_phase(if seems_flying { FlightPhase::Flying } else { FlightPhase::OnGround });
            }
            FlightPhase::OnGround | FlightPhase::Landed => self.watch_take_off(event_at_us, seems_flying, altitude_m),
            FlightPhase::Flying | FlightPhase::Circling => self.watch_landing(event_at_us, told, altitude_m),
        }
        if matches!(self.phase(), FlightPhase::Flying | FlightPhase::Circling) {
            let position = Position::new(at.latitude_deg, at.longitude_deg);
            self.track.push(Fix::new(event_at_us, position, altitude_m, told));
            self.watch_circling();
        } else {
            self.track.clear();
        }
        match self.phase() {
            FlightPhase::Circling => self.climb.hear(told.climb_mps),
            _ => self.climb = Climb::default(),
        }
    }

    fn watch_take_off(&mut self, event_at_us: u64, seems_flying: bool, altitude_m: f64) {
        if !seems_flying {
            self.doubt = None;
            return;
        }
        let doubt = self.doubt_more(event_at_us, altitude_m);
        if doubt.frames >= FRAMES_TO_TAKE_OFF {
            self.take_off_at_us = NonZeroU64::new(doubt.since_us);
            self.landed_at_us = None;
            self.change_phase(FlightPhase::Flying);
        }
    }

    fn watch_landing(&mut self, event_at_us: u64, told: &AircraftPosition, altitude_m: f64) {
        let seems_standing = told.speed_kmh < STANDING_KMH && told.climb_mps.abs() < STANDING_MPS;
        let is_level = |doubt: &Doubt| (doubt.altitude_m - altitude_m).abs() <= STANDING_M;
        let same_altitude = self.doubt.as_deref().is_none_or(is_level);
        if !seems_standing || !same_altitude {
            self.doubt = None;
            return;
        }
        let doubt = self.doubt_more(event_at_us, altitude_m);
        if doubt.frames >= FRAMES_TO_LAND && event_at_us >= doubt.since_us + STANDING_US {
            self.landed_at_us = NonZeroU64::new(doubt.since_us);
            self.change_phase(FlightPhase::Landed);
        }
    }

    fn doubt_more(&mut self, event_at_us: u64, altitude_m: f64) -> Doubt {
        let begin = || Box::new(Doubt { since_us: event_at_us, frames: 0, altitude_m });
        let doubt = self.doubt.get_or_insert_with(begin);
        doubt.frames += 1;
        **doubt
    }

    fn change_phase(&mut self, phase: FlightPhase) {
        self.doubt = None;
        self.phase = phase as u8;
    }

    fn watch_circling(&mut self) {
        match self.phase() {
            FlightPhase::Flying if circles(&self.track) => self.phase = FlightPhase::Circling as u8,
            FlightPhase::Circling if self.track.turned_deg(STRAIGHT_S).abs() < STRAIGHT_DEG => {
                self.phase = FlightPhase::Flying as u8;
            }
            _ => {}
        }
    }
}

/// Turned enough, and still turning.
pub(super) fn circles(track: &Track) -> bool {
    track.turned_deg(CIRCLING_S).abs() > CIRCLING_DEG && track.turned_deg(STILL_S).abs() > STILL_DEG
}
