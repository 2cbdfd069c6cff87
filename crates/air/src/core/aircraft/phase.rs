//! The published phase of flight: the progress of the flight, and circling, which shows in the track.

use flight::{Phase, Sample};
use geo::Position;
use schemas::v1::{AircraftPosition, FlightPhase};

use crate::core::aircraft::Aircraft;
use crate::core::aircraft::circling::{circles, is_straight};
use crate::core::aircraft::climb::Climb;
use crate::core::track::Fix;

impl Aircraft {
    pub(super) fn phase(&self) -> FlightPhase {
        match self.progress.phase() {
            Phase::Unknown => FlightPhase::Unspecified,
            Phase::OnGround => FlightPhase::OnGround,
            Phase::Flying if self.is_circling => FlightPhase::Circling,
            Phase::Flying => FlightPhase::Flying,
            Phase::Landed => FlightPhase::Landed,
        }
    }

    /// Takes a position into the phase of flight and the track.
    pub(super) fn follow(&mut self, event_at_us: u64, report: &AircraftPosition, at: schemas::v1::Position) {
        let altitude_m = at.altitude_m.unwrap_or_default();
        let position = Position::new(at.latitude_deg, at.longitude_deg);
        let (speed_kmh, climb_mps) = (report.speed_kmh, report.climb_mps);
        let sample = Sample { at_us: event_at_us, position, altitude_m, speed_kmh, climb_mps };
        if self.progress.follow(&sample) == Phase::Flying {
            self.track.push(Fix::new(event_at_us, position, altitude_m, report));
            self.watch_circling();
        } else {
            self.track.clear();
            self.is_circling = false;
            self.climb = Climb::default();
        }
        if self.is_circling || self.climb.is_open() {
            self.climb.note_climb(climb_mps);
        } else {
            self.climb = Climb::default();
        }
    }

    fn watch_circling(&mut self) {
        self.is_circling = match self.is_circling {
            false => circles(&self.track),
            true => !is_straight(&self.track),
        };
    }
}
