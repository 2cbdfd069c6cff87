//! What flies: its state, its phase of flight, and the climbs that its circles show.

use geo::Position;
use schemas::v1::{AircraftMemory, AircraftPosition, AircraftState, Audience, ClimbReport, FlightPhase, SourceKind};

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
const CIRCLING_S: i32 = 45;
/// Turned at least this much in the last `STILL_S` seconds: still turning.
const STILL_DEG: f64 = 45.0;
const STILL_S: i32 = 12;
/// Turned less than this in the last `STRAIGHT_S` seconds: no longer circling.
const STRAIGHT_DEG: f64 = 60.0;
const STRAIGHT_S: i32 = 20;

const CLIMB_GAIN_M: f64 = 50.0;
const CLIMB_MPS: f64 = 1.0;
/// Climbs of one aircraft are not reported more often, seconds.
const REPORT_EVERY_S: f64 = 20.0;

/// A live aircraft.
#[derive(Clone, Debug, PartialEq)]
pub struct Aircraft {
    /// What is published, without what the device knows beside it (name, receivers, flags).
    pub state: AircraftState,
    /// When it was last heard, by the partition's clock.
    pub seen_us: u64,
    doubt: Doubt,
    track: Track,
    climb_reported_at_us: u64,
}

/// Signs that the phase of flight has changed, before there are enough of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Doubt {
    since_us: u64,
    frames: u32,
    altitude_m: f64,
}

impl Aircraft {
    /// A device that begins to be an aircraft.
    pub fn new(device: u32, event_at_us: u64) -> Self {
        let state = AircraftState { device, first_seen_at_us: event_at_us, ..AircraftState::default() };
        Self { state, seen_us: 0, doubt: Doubt::default(), track: Track::default(), climb_reported_at_us: 0 }
    }

    /// Takes a new position.
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, told: &AircraftPosition, clock_us: u64) {
        self.seen_us = clock_us;
        self.state.event_at_us = event_at_us;
        self.state.position = told.position;
        self.state.aircraft_kind = told.aircraft_kind;
        self.state.speed_kmh = Some(told.speed_kmh);
        self.state.climb_mps = Some(told.climb_mps);
        self.state.course_deg = told.course_deg;
        // At their positive limits some senders wrap these to the lowest value.
        self.state.turn_rate_dps = told.turn_rate_dps.filter(|rate| *rate > -64.0);
        self.state.qne_offset_m = told.qne_offset_m.filter(|offset| *offset > -256.0);
        self.state.source = source.into();
        self.follow(event_at_us, told);
    }

    fn phase(&self) -> FlightPhase {
        self.state.flight_phase()
    }

    fn follow(&mut self, event_at_us: u64, told: &AircraftPosition) {
        let Some(at) = told.position else { return };
        let altitude_m = at.altitude_m.unwrap_or_default();
        let seems_flying = told.speed_kmh >= FLYING_KMH || told.climb_mps.abs() >= FLYING_MPS;
        match self.phase() {
            FlightPhase::Unspecified => {
                let phase = if seems_flying { FlightPhase::Flying } else { FlightPhase::OnGround };
                self.state.set_flight_phase(phase);
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
    }

    fn watch_take_off(&mut self, event_at_us: u64, seems_flying: bool, altitude_m: f64) {
        if !seems_flying {
            self.doubt = Doubt::default();
            return;
        }
        self.doubt_more(event_at_us, altitude_m);
        if self.doubt.frames >= FRAMES_TO_TAKE_OFF {
            self.state.take_off_at_us = Some(self.doubt.since_us);
            self.state.landed_at_us = None;
            self.change_phase(FlightPhase::Flying);
        }
    }

    fn watch_landing(&mut self, event_at_us: u64, told: &AircraftPosition, altitude_m: f64) {
        let seems_standing = told.speed_kmh < STANDING_KMH && told.climb_mps.abs() < STANDING_MPS;
        let same_altitude = self.doubt.frames == 0 || (self.doubt.altitude_m - altitude_m).abs() <= STANDING_M;
        if !seems_standing || !same_altitude {
            self.doubt = Doubt::default();
            return;
        }
        self.doubt_more(event_at_us, altitude_m);
        if self.doubt.frames >= FRAMES_TO_LAND && event_at_us >= self.doubt.since_us + STANDING_US {
            self.state.landed_at_us = Some(self.doubt.since_us);
            self.change_phase(FlightPhase::Landed);
        }
    }

    fn doubt_more(&mut self, event_at_us: u64, altitude_m: f64) {
        if self.doubt.frames == 0 {
            self.doubt = Doubt { since_us: event_at_us, frames: 0, altitude_m };
        }
        self.doubt.frames += 1;
    }

    fn change_phase(&mut self, phase: FlightPhase) {
        self.doubt = Doubt::default();
        self.state.set_flight_phase(phase);
    }

    fn watch_circling(&mut self) {
        match self.phase() {
            FlightPhase::Flying if self.circles() => self.state.set_flight_phase(FlightPhase::Circling),
            FlightPhase::Circling if self.track.turned_deg(STRAIGHT_S).abs() < STRAIGHT_DEG => {
                self.state.set_flight_phase(FlightPhase::Flying);
            }
            _ => {}
        }
    }

    /// Turned enough, and still turning.
    fn circles(&self) -> bool {
        self.track.turned_deg(CIRCLING_S).abs() > CIRCLING_DEG && self.track.turned_deg(STILL_S).abs() > STILL_DEG
    }

    /// The climb that the newest position completes, if it does: turned more than 270 degrees within 45 s, gained at
    /// least 50 m, climbed more than 1 m/s on average.
    pub fn climb(&mut self, report_id: u64) -> Option<ClimbReport> {
        let newest = *self.track.points().last()?;
        if !self.circles() {
            return None;
        }
        let event_at_us = self.state.event_at_us;
        let unreported = self.track.points().iter().filter(|fix| {
            self.climb_reported_at_us == 0
                || newest.after_s(fix) * 1e6 <= event_at_us.saturating_sub(self.climb_reported_at_us) as f64
        });
        // From the foot of the climb: before it, it went down.
        let start = *unreported.clone().rev().min_by(|a, b| a.altitude_m().total_cmp(&b.altitude_m()))?;
        let (gained_m, seconds) = (newest.altitude_m() - start.altitude_m(), newest.after_s(&start));
        if gained_m < CLIMB_GAIN_M || seconds < REPORT_EVERY_S || gained_m / seconds <= CLIMB_MPS {
            return None;
        }
        let circles = self.track.circles()?;
        let strongest = unreported.map(Fix::climb_mps).fold(f64::NEG_INFINITY, f64::max);
        self.climb_reported_at_us = event_at_us;
        let climb_mps = gained_m / seconds;
        Some(ClimbReport {
            report_id,
            event_at_us,
            device: self.state.device,
            position: Some(schemas::v1::Position {
                latitude_deg: circles.centre.latitude_deg,
                longitude_deg: circles.centre.longitude_deg,
                altitude_m: Some(newest.altitude_m()),
            }),
            climb_mps,
            max_climb_mps: Some(strongest.max(climb_mps)),
            radius_m: Some(circles.radius_m),
            wind_from_deg: Some(geo::position::wrap_course_deg(circles.drift_course_deg + 180.0)),
            wind_speed_kmh: Some(circles.drift_mps * 3.6),
            base_altitude_m: Some(start.altitude_m()),
            top_altitude_m: Some(newest.altitude_m()),
            confidence_pct: (40.0 + 15.0 * climb_mps).min(95.0),
            from_track: true,
        })
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_memory(&self, audience: Audience) -> AircraftMemory {
        AircraftMemory {
            state: Some(self.state.clone()),
            seen_us: self.seen_us,
            audience: audience.into(),
            doubt_since_us: self.doubt.since_us,
            doubt_frames: self.doubt.frames,
            doubt_altitude_m: self.doubt.altitude_m,
            track: self.track.to_memory(),
            climb_reported_at_us: self.climb_reported_at_us,
        }
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &AircraftMemory) -> Self {
        Self {
            state: memory.state.clone().unwrap_or_default(),
            seen_us: memory.seen_us,
            doubt: Doubt {
                since_us: memory.doubt_since_us,
                frames: memory.doubt_frames,
                altitude_m: memory.doubt_altitude_m,
            },
            track: Track::from_memory(&memory.track),
            climb_reported_at_us: memory.climb_reported_at_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(speed_kmh: f64, climb_mps: f64, altitude_m: f64) -> AircraftPosition {
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
        let mut aircraft = Aircraft::new(1, 0);
        let mut seen = Vec::new();
        for (second, told) in frames {
            aircraft.update(second * SECOND_US, SourceKind::Radio, told, 0);
            seen.push(aircraft.phase());
        }
        (seen, aircraft)
    }

    #[test]
    fn take_off_and_landing_have_their_times() {
        use FlightPhase::{Flying, Landed, OnGround};
        let (stand, fly) = (told(0.0, 0.0, 800.0), told(36.0, 0.5, 800.0));
        let frames: Vec<_> = [&stand, &fly, &stand, &fly, &fly, &fly, &stand, &stand, &stand, &stand, &stand]
            .into_iter()
            .enumerate()
            .map(|(index, told)| (index as u64 * 5 + 5, *told))
            .collect();
        let (seen, aircraft) = phases(&frames);
        let expected = [OnGround, OnGround, OnGround, OnGround, Flying, Flying, Flying, Flying, Flying, Flying, Landed];
        assert_eq!(seen, expected);
        assert_eq!(aircraft.state.take_off_at_us, Some(20 * SECOND_US));
        assert_eq!(aircraft.state.landed_at_us, Some(35 * SECOND_US));
    }

    #[test]
    fn standing_against_the_wind_is_not_landing() {
        let hover = |index: u64| (index * 5, told(2.0, 0.3, 1_000.0 + index as f64 * 4.0));
        let mut frames = vec![(0, told(30.0, 1.0, 1_000.0))];
        frames.extend((1..20).map(hover));
        let (seen, aircraft) = phases(&frames);
        assert!(seen.iter().all(|phase| *phase == FlightPhase::Flying));
        assert_eq!(aircraft.state.take_off_at_us, None, "it was first heard in flight");
    }

    #[test]
    fn circles_are_seen_and_their_climb_is_reported() {
        let mut aircraft = Aircraft::new(1, 0);
        let mut reports = Vec::new();
        for step in 0u32..16 {
            let second = f64::from(step) * 5.0;
            let (position, mut told) = crate::core::track::tests::circling(second, (3.0, 0.0));
            told.position = Some(schemas::v1::Position {
                latitude_deg: position.latitude_deg,
                longitude_deg: position.longitude_deg,
                altitude_m: Some(1_000.0 + second * 2.0),
            });
            aircraft.update((second * 1e6) as u64 + 1, SourceKind::Radio, &told, 0);
            reports.extend(aircraft.climb(step.into()));
        }
        assert_eq!(aircraft.phase(), FlightPhase::Circling);
        assert_eq!(reports.len(), 3, "50 m in 25 s: {reports:#?}");
        let report = &reports[0];
        assert!((report.climb_mps - 2.0).abs() < 0.1);
        let wind_mps = report.wind_speed_kmh.expect("drifts") / 3.6;
        assert!((wind_mps - 3.0).abs() < 0.5, "{wind_mps}");
        assert!((report.wind_from_deg.expect("drifts") - 270.0).abs() < 10.0);
        // The second report counts only what came after the first.
        assert!(reports[1].base_altitude_m >= report.top_altitude_m);
        assert_eq!(Aircraft::from_memory(&aircraft.to_memory(Audience::Public)), aircraft);
    }
}
