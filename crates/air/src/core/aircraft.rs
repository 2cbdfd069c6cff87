//! Aircraft: their state, with the phase of flight (`phase`), the climbs that their circles show
//! (`climb`), and what a person corrects (`correction`).

mod circling;
mod climb;
mod correction;
mod optional;
mod phase;

use std::num::NonZeroU64;

use flight::Progress;
use flight::progress::{Doubt, Phase, Rest, Signs};
use flight::units::KMH_PER_MPS;
use schemas::v1::{
    AircraftMemory, AircraftPosition, AircraftState, Audience, ClimbReport, FlightPhase, RestMemory, SourceKind,
};

use crate::core::aircraft::circling::may_circle;
use crate::core::aircraft::climb::{Climb, Stretch};
use crate::core::aircraft::optional::{OptionalF32, OptionalF64};
use crate::core::settings::SECOND_US;
use crate::core::track::Track;

/// After a longer silence a new track begins, microseconds.
const SILENCE_US: u64 = 60 * SECOND_US;

/// A live aircraft. There are many of them: optional numbers take no extra memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Aircraft {
    /// The raw offset that made the state that was last given out.
    pub version: u64,
    /// Of the newest position.
    pub event_at_us: u64,
    /// When it was last heard, by the partition's clock.
    pub seen_us: u64,
    first_seen_at_us: u64,
    progress: Progress,
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: OptionalF64,
    speed_kmh: f64,
    climb_mps: f64,
    course_deg: OptionalF64,
    /// Quarters of degrees and full metres over the radio: four bytes hold them exactly.
    turn_rate_dps: OptionalF32,
    qne_offset_m: OptionalF32,
    track: Track,
    climb: Climb,
    kind: u8,
    source: u8,
    is_circling: bool,
}

impl Aircraft {
    /// A device that begins to be an aircraft.
    pub fn new(event_at_us: u64) -> Self {
        Self {
            version: 0,
            event_at_us: 0,
            seen_us: 0,
            first_seen_at_us: event_at_us,
            progress: Progress::default(),
            latitude_deg: 0.0,
            longitude_deg: 0.0,
            altitude_m: OptionalF64::default(),
            speed_kmh: 0.0,
            climb_mps: 0.0,
            course_deg: OptionalF64::default(),
            turn_rate_dps: OptionalF32::default(),
            qne_offset_m: OptionalF32::default(),
            track: Track::default(),
            climb: Climb::default(),
            kind: 0,
            source: 0,
            is_circling: false,
        }
    }

    /// Takes a new position.
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, report: &AircraftPosition, clock_us: u64) {
        let Some(position) = report.position else { return };
        self.seen_us = clock_us;
        if event_at_us > self.event_at_us + SILENCE_US {
            self.track.clear();
            self.climb = Climb::default();
        }
        self.event_at_us = event_at_us;
        (self.latitude_deg, self.longitude_deg) = (position.latitude_deg, position.longitude_deg);
        self.altitude_m = position.altitude_m.into();
        self.kind = report.aircraft_kind() as u8;
        self.speed_kmh = report.speed_kmh;
        self.climb_mps = report.climb_mps;
        self.course_deg = report.course_deg.into();
        // At their positive limits some senders wrap these to the lowest value.
        self.turn_rate_dps = report.turn_rate_dps.filter(|rate| *rate > -64.0).into();
        self.qne_offset_m = report.qne_offset_m.filter(|offset| *offset > -256.0).into();
        self.source = source as u8;
        self.follow(event_at_us, report, position);
    }

    /// What is published, without what the device knows beside it (name, receivers, flags).
    pub fn state(&self, device: u32) -> AircraftState {
        AircraftState {
            device,
            version: self.version,
            event_at_us: self.event_at_us,
            position: Some(schemas::v1::Position {
                latitude_deg: self.latitude_deg,
                longitude_deg: self.longitude_deg,
                altitude_m: self.altitude_m.get(),
            }),
            aircraft_kind: self.kind.into(),
            flight_phase: self.phase().into(),
            speed_kmh: Some(self.speed_kmh),
            climb_mps: Some(self.climb_mps),
            course_deg: self.course_deg.get(),
            turn_rate_dps: self.turn_rate_dps.get(),
            qne_offset_m: self.qne_offset_m.get(),
            take_off_at_us: self.progress.take_off_us.map(NonZeroU64::get),
            landed_at_us: self.progress.landed_us.map(NonZeroU64::get),
            source: self.source.into(),
            first_seen_at_us: self.first_seen_at_us,
            ..AircraftState::default()
        }
    }

    /// The stretch of a climb that the newest position completes, if it does.
    pub fn climb(&mut self, device: u32, report_id: u64) -> Option<ClimbReport> {
        let is_flying = self.progress.phase() == Phase::Flying;
        if !is_flying || !(self.is_circling || self.climb.is_open() || may_circle(&self.track)) {
            return None;
        }
        let Stretch { climb_mps, best_mps, base_m, top_m, circles } =
            self.climb.complete(&self.track, self.event_at_us)?;
        Some(ClimbReport {
            report_id,
            event_at_us: self.event_at_us,
            device,
            position: Some(schemas::v1::Position {
                latitude_deg: circles.centre.latitude_deg,
                longitude_deg: circles.centre.longitude_deg,
                altitude_m: Some(top_m),
            }),
            climb_mps,
            max_climb_mps: Some(best_mps),
            radius_m: Some(circles.radius_m),
            wind_from_deg: Some(geo::position::wrap_course_deg(circles.drift_course_deg + 180.0)),
            wind_speed_kmh: Some(circles.drift_mps * KMH_PER_MPS),
            base_altitude_m: Some(base_m),
            top_altitude_m: Some(top_m),
            confidence_pct: (40.0 + 15.0 * climb_mps).min(95.0),
            from_track: true,
        })
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_checkpoint(&self, device: u32, audience: Audience) -> AircraftMemory {
        let Signs { doubt, rest } = self.progress.signs();
        let doubt = doubt.unwrap_or_default();
        AircraftMemory {
            state: Some(self.state(device)),
            seen_us: self.seen_us,
            audience: audience.into(),
            doubt_since_us: doubt.since_us,
            doubt_frames: doubt.frames,
            doubt_altitude_m: doubt.altitude_m,
            track: self.track.to_checkpoint(),
            climb_reported_at_us: self.climb.reported_at_us,
            climb_foot_at_us: self.climb.foot_at_us,
            climb_foot_altitude_m: self.climb.foot_m.into(),
            climb_reported_altitude_m: self.climb.reported_m.into(),
            climb_best_cmps: self.climb.best_cmps.into(),
            rest: rest.as_ref().map(rest_checkpoint),
        }
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &AircraftMemory) -> Self {
        let state = checkpoint.state.clone().unwrap_or_default();
        let position = state.position.unwrap_or_default();
        let (since_us, frames, altitude_m) =
            (checkpoint.doubt_since_us, checkpoint.doubt_frames, checkpoint.doubt_altitude_m);
        let signs = Signs {
            doubt: (frames > 0).then_some(Doubt { since_us, frames, altitude_m }),
            rest: checkpoint.rest.as_ref().map(rest_from_checkpoint),
        };
        let take_off_us = state.take_off_at_us.and_then(NonZeroU64::new);
        let landed_us = state.landed_at_us.and_then(NonZeroU64::new);
        Self {
            version: state.version,
            event_at_us: state.event_at_us,
            seen_us: checkpoint.seen_us,
            first_seen_at_us: state.first_seen_at_us,
            progress: Progress::restore(progress_of(state.flight_phase()), take_off_us, landed_us, signs),
            latitude_deg: position.latitude_deg,
            longitude_deg: position.longitude_deg,
            altitude_m: position.altitude_m.into(),
            speed_kmh: state.speed_kmh.unwrap_or_default(),
            climb_mps: state.climb_mps.unwrap_or_default(),
            course_deg: state.course_deg.into(),
            turn_rate_dps: state.turn_rate_dps.into(),
            qne_offset_m: state.qne_offset_m.into(),
            track: Track::from_checkpoint(&checkpoint.track),
            climb: Climb {
                foot_at_us: checkpoint.climb_foot_at_us,
                reported_at_us: checkpoint.climb_reported_at_us,
                foot_m: checkpoint.climb_foot_altitude_m as i16,
                reported_m: checkpoint.climb_reported_altitude_m as i16,
                best_cmps: checkpoint.climb_best_cmps as i16,
            },
            kind: state.aircraft_kind as u8,
            source: state.source as u8,
            is_circling: state.flight_phase() == FlightPhase::Circling,
        }
    }
}

fn progress_of(phase: FlightPhase) -> Phase {
    match phase {
        FlightPhase::Unspecified => Phase::Unknown,
        FlightPhase::OnGround => Phase::OnGround,
        FlightPhase::Flying | FlightPhase::Circling => Phase::Flying,
        FlightPhase::Landed => Phase::Landed,
    }
}

fn rest_checkpoint(rest: &Rest) -> RestMemory {
    let Rest { since_us, latitude_e7, longitude_e7, altitude_m, frames, speeds_kmh, is_certain: certain } = *rest;
    RestMemory { since_us, latitude_e7, longitude_e7, altitude_m, frames, speeds_kmh, certain }
}

fn rest_from_checkpoint(checkpoint: &RestMemory) -> Rest {
    let RestMemory { since_us, latitude_e7, longitude_e7, altitude_m, frames, speeds_kmh, certain } = *checkpoint;
    Rest { since_us, latitude_e7, longitude_e7, altitude_m, frames, speeds_kmh, is_certain: certain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(speed_kmh: f64, climb_mps: f64, altitude_m: f64) -> AircraftPosition {
        AircraftPosition {
            position: Some(schemas::v1::Position {
                latitude_deg: 46.0,
                longitude_deg: 13.0,
                altitude_m: Some(altitude_m),
            }),
            speed_kmh,
            climb_mps,
            course_deg: Some(90.0),
            ..AircraftPosition::default()
        }
    }

    fn phases(frames: &[(u64, AircraftPosition)]) -> (Vec<FlightPhase>, Aircraft) {
        let mut aircraft = Aircraft::new(0);
        let mut seen = Vec::new();
        for (second, report) in frames {
            aircraft.update(second * SECOND_US, SourceKind::Radio, report, 0);
            seen.push(aircraft.phase());
        }
        (seen, aircraft)
    }

    #[test]
    fn take_off_and_landing_have_their_times() {
        use FlightPhase::{Flying, Landed, OnGround};
        let (stand, fly) = (report(0.0, 0.0, 800.0), report(36.0, 0.5, 800.0));
        let frames: Vec<_> = [&stand, &fly, &stand, &fly, &fly, &fly, &stand, &stand, &stand, &stand, &stand]
            .into_iter()
            .enumerate()
            .map(|(index, report)| (index as u64 * 5 + 5, *report))
            .collect();
        let (seen, aircraft) = phases(&frames);
        let expected = [OnGround, OnGround, OnGround, OnGround, Flying, Flying, Flying, Flying, Flying, Flying, Landed];
        assert_eq!(seen, expected);
        assert_eq!(aircraft.state(1).take_off_at_us, Some(20 * SECOND_US));
        assert_eq!(aircraft.state(1).landed_at_us, Some(35 * SECOND_US));
    }

    #[test]
    fn standing_against_the_wind_is_not_landing() {
        let hover = |index: u64| (index * 5, report(2.0, 0.3, 1_000.0 + index as f64 * 4.0));
        let mut frames = vec![(0, report(30.0, 1.0, 1_000.0))];
        frames.extend((1..20).map(hover));
        let (seen, aircraft) = phases(&frames);
        assert!(seen.iter().all(|phase| *phase == FlightPhase::Flying));
        assert_eq!(aircraft.state(1).take_off_at_us, None, "it was first heard in flight");
    }

    /// Circles with a position every 5 s, at altitudes by the second.
    fn circled(positions: u32, altitude_m: impl Fn(f64) -> f64) -> (Aircraft, Vec<ClimbReport>) {
        let (mut aircraft, mut reports) = (Aircraft::new(0), Vec::new());
        for step in 0..positions {
            let second = f64::from(step) * 5.0;
            let (position, mut report) = crate::core::track::tests::circling(second, (3.0, 0.0));
            report.position = Some(schemas::v1::Position {
                latitude_deg: position.latitude_deg,
                longitude_deg: position.longitude_deg,
                altitude_m: Some(altitude_m(second)),
            });
            aircraft.update((second * 1e6) as u64 + 1, SourceKind::Radio, &report, 0);
            reports.extend(aircraft.climb(1, step.into()));
        }
        (aircraft, reports)
    }

    #[test]
    fn after_a_loss_a_new_climb_begins_at_its_own_foot() {
        let (_, reports) = circled(36, |second| match second {
            ..=70.0 => 1_000.0 + 2.0 * second,
            ..=90.0 => 1_140.0 - 2.0 * (second - 70.0),
            _ => 1_100.0 + 3.0 * (second - 90.0),
        });
        let bases: Vec<f64> = reports.iter().filter_map(|report| report.base_altitude_m).collect();
        let second = bases.windows(2).position(|pair| pair[1] < pair[0]).expect("a second foot") + 1;
        assert!((bases[0] - 1_000.0).abs() < 10.0 && (bases[second] - 1_100.0).abs() < 10.0, "{bases:?}");
        assert!((2.2..3.2).contains(&reports[second].climb_mps), "{}", reports[second].climb_mps);
        assert!(bases[second + 1..].windows(2).all(|pair| pair[1] > pair[0]), "{bases:?}");
    }

    #[test]
    fn circles_in_weak_lift_are_no_climb() {
        assert_eq!(circled(36, |second| 1_000.0 + 0.7 * second).1, Vec::new());
    }

    #[test]
    fn circles_are_seen_and_their_climb_is_reported() {
        let (aircraft, reports) = circled(16, |second| 1_000.0 + second * 2.0);
        assert_eq!(aircraft.phase(), FlightPhase::Circling);
        assert_eq!(reports.len(), 4, "the first after 50 m in 25 s, then every third position: {reports:#?}");
        let report = &reports[0];
        assert!((report.climb_mps - 2.0).abs() < 0.1);
        let wind_mps = report.wind_speed_kmh.expect("drifts") / 3.6;
        assert!((wind_mps - 3.0).abs() < 0.5, "{wind_mps}");
        assert!((report.wind_from_deg.expect("drifts") - 270.0).abs() < 10.0);
        // The second report counts only what came after the first.
        assert!(reports[1].base_altitude_m >= report.top_altitude_m);
        assert_eq!(Aircraft::from_checkpoint(&aircraft.to_checkpoint(1, Audience::Public)), aircraft);
    }
}
