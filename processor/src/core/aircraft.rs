//! What flies: its state, its phase of flight, and the climbs that its circles show.

use std::num::NonZeroU64;

use geo::Position;
use schemas::v1::{AircraftMemory, AircraftPosition, AircraftState, Audience, ClimbReport, FlightPhase, SourceKind};

use crate::core::settings::SECOND_US;
use crate::core::track::{Fix, Level, Track};

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

/// After so much silence the track begins anew, microseconds.
const SILENCE_US: u64 = 60 * SECOND_US;

const CIRCLING_DEG: f64 = 270.0;
const CIRCLING_S: i32 = 45;
/// A climb goes on while it turns more than this in the same time.
const STILL_CIRCLING_DEG: f64 = 180.0;
/// Turned at least this much in the last `STILL_S` seconds: still turning.
const STILL_DEG: f64 = 45.0;
const STILL_S: i32 = 16;
/// Turned less than this in the last `STRAIGHT_S` seconds: no longer circling.
const STRAIGHT_DEG: f64 = 60.0;
const STRAIGHT_S: i32 = 20;

const CLIMB_GAIN_M: f64 = 50.0;
const CLIMB_MPS: f64 = 1.0;
/// Climbs of one aircraft are not reported more often, seconds.
const REPORT_EVERY_S: f64 = 20.0;
/// Weaker stretches of a climb wait for a stronger one, m/s,
const LEAST_MPS: f64 = 0.3;
/// for so long; then the climb has ended, seconds.
const PATIENCE_S: f64 = 60.0;

/// A live aircraft. There are many of them: what can be absent has no room of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Aircraft {
    /// The raw offset that made the state that was last given out.
    pub version: u64,
    /// Of the newest position.
    pub event_at_us: u64,
    /// When it was last heard, by the partition's clock.
    pub seen_us: u64,
    first_seen_at_us: u64,
    take_off_at_us: Option<NonZeroU64>,
    landed_at_us: Option<NonZeroU64>,
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: Told,
    speed_kmh: f64,
    climb_mps: f64,
    course_deg: Told,
    /// Quarters of degrees and whole metres over the radio: half the room holds them exactly.
    turn_rate_dps: Told32,
    qne_offset_m: Told32,
    doubt: Option<Box<Doubt>>,
    track: Track,
    climb: Climb,
    kind: u8,
    phase: u8,
    source: u8,
}

/// Signs that the phase of flight has changed, before there are enough of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Doubt {
    since_us: u64,
    frames: u32,
    altitude_m: f64,
}

/// A climb that goes on, or may become one; all zero: it does not climb.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Climb {
    foot_at_us: u64,
    /// Up to when it was reported; the foot before the first report.
    reported_at_us: u64,
    foot_m: i16,
    reported_m: i16,
    /// The best climb told since.
    best_cmps: i16,
}

impl Climb {
    fn is_reported(&self) -> bool {
        self.reported_at_us > self.foot_at_us
    }
}

impl Aircraft {
    /// A device that begins to be an aircraft.
    pub fn new(event_at_us: u64) -> Self {
        Self {
            version: 0,
            event_at_us: 0,
            seen_us: 0,
            first_seen_at_us: event_at_us,
            take_off_at_us: None,
            landed_at_us: None,
            latitude_deg: 0.0,
            longitude_deg: 0.0,
            altitude_m: Told::default(),
            speed_kmh: 0.0,
            climb_mps: 0.0,
            course_deg: Told::default(),
            turn_rate_dps: Told32::default(),
            qne_offset_m: Told32::default(),
            doubt: None,
            track: Track::default(),
            climb: Climb::default(),
            kind: 0,
            phase: 0,
            source: 0,
        }
    }

    /// Takes a new position.
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, told: &AircraftPosition, clock_us: u64) {
        let Some(position) = told.position else { return };
        self.seen_us = clock_us;
        if event_at_us > self.event_at_us + SILENCE_US {
            self.track.clear();
        }
        self.event_at_us = event_at_us;
        (self.latitude_deg, self.longitude_deg) = (position.latitude_deg, position.longitude_deg);
        self.altitude_m = position.altitude_m.into();
        self.kind = told.aircraft_kind() as u8;
        self.speed_kmh = told.speed_kmh;
        self.climb_mps = told.climb_mps;
        self.course_deg = told.course_deg.into();
        // At their positive limits some senders wrap these to the lowest value.
        self.turn_rate_dps = told.turn_rate_dps.filter(|rate| *rate > -64.0).into();
        self.qne_offset_m = told.qne_offset_m.filter(|offset| *offset > -256.0).into();
        self.source = source as u8;
        self.follow(event_at_us, told, position);
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
            flight_phase: self.phase.into(),
            speed_kmh: Some(self.speed_kmh),
            climb_mps: Some(self.climb_mps),
            course_deg: self.course_deg.get(),
            turn_rate_dps: self.turn_rate_dps.get(),
            qne_offset_m: self.qne_offset_m.get(),
            take_off_at_us: self.take_off_at_us.map(NonZeroU64::get),
            landed_at_us: self.landed_at_us.map(NonZeroU64::get),
            source: self.source.into(),
            first_seen_at_us: self.first_seen_at_us,
            ..AircraftState::default()
        }
    }

    fn phase(&self) -> FlightPhase {
        FlightPhase::try_from(i32::from(self.phase)).unwrap_or_default()
    }

    fn follow(&mut self, event_at_us: u64, told: &AircraftPosition, at: schemas::v1::Position) {
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
            FlightPhase::Circling => {
                let told_cmps = (told.climb_mps * 100.0).round() as i16;
                self.climb.best_cmps = self.climb.best_cmps.max(told_cmps);
            }
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
            FlightPhase::Flying if self.circles() => self.phase = FlightPhase::Circling as u8,
            FlightPhase::Circling if self.track.turned_deg(STRAIGHT_S).abs() < STRAIGHT_DEG => {
                self.phase = FlightPhase::Flying as u8;
            }
            _ => {}
        }
    }

    /// Turned enough, and still turning.
    fn circles(&self) -> bool {
        self.track.turned_deg(CIRCLING_S).abs() > CIRCLING_DEG && self.track.turned_deg(STILL_S).abs() > STILL_DEG
    }

    /// The stretch of a climb that the newest position completes, if it does. A climb: turned more than 270 degrees
    /// within 45 s, gained at least 50 m, climbed more than 1 m/s on average. Stretches follow each other without a gap
    /// from the foot of the climb on, the weaker ones as well as the stronger, so that their mean is that of the climb.
    pub fn climb(&mut self, device: u32, report_id: u64) -> Option<ClimbReport> {
        let newest = self.track.newest_level()?;
        let goes_round = self.track.turned_deg(CIRCLING_S).abs() > STILL_CIRCLING_DEG;
        if self.phase() != FlightPhase::Circling || !goes_round {
            return None;
        }
        let climb = if self.climb.is_reported() { self.climb } else { self.begun(&newest)? };
        let level_at_us = self.ago_us(&newest);
        let rate = |from_m: i16, from_us: u64| {
            let seconds = level_at_us.saturating_sub(from_us).max(1) as f64 / 1e6;
            ((newest.altitude_m - f64::from(from_m)) / seconds, seconds)
        };
        let (climb_mps, seconds) = rate(climb.reported_m, climb.reported_at_us);
        let (mean_mps, _) = rate(climb.foot_m, climb.foot_at_us);
        if seconds < REPORT_EVERY_S {
            return None;
        }
        if mean_mps <= CLIMB_MPS || climb_mps < LEAST_MPS {
            if seconds > PATIENCE_S {
                // It went on without climbing: what follows is another climb.
                self.climb = Climb::default();
            }
            return None;
        }
        let circles = self.track.circles()?;
        let best_mps = f64::from(climb.best_cmps) / 100.0;
        let reported_m = newest.altitude_m.round() as i16;
        self.climb = Climb { reported_at_us: level_at_us, reported_m, best_cmps: 0, ..climb };
        Some(ClimbReport {
            report_id,
            event_at_us: self.event_at_us,
            device,
            position: Some(schemas::v1::Position {
                latitude_deg: circles.centre.latitude_deg,
                longitude_deg: circles.centre.longitude_deg,
                altitude_m: Some(newest.altitude_m),
            }),
            climb_mps,
            max_climb_mps: Some(best_mps.max(climb_mps)),
            radius_m: Some(circles.radius_m),
            wind_from_deg: Some(geo::position::wrap_course_deg(circles.drift_course_deg + 180.0)),
            wind_speed_kmh: Some(circles.drift_mps * 3.6),
            base_altitude_m: Some(climb.reported_m.into()),
            top_altitude_m: Some(newest.altitude_m),
            confidence_pct: (40.0 + 15.0 * climb_mps).min(95.0),
            from_track: true,
        })
    }

    /// The climb that has become one by now, from the foot of the circles on. Until then the foot is remembered, since a
    /// weak climb takes longer than the track reaches back.
    fn begun(&mut self, newest: &Level) -> Option<Climb> {
        let foot = self.track.foot()?;
        let (foot_at_us, foot_m) = (self.ago_us(&foot).max(1), foot.altitude_m.round() as i16);
        let latest = Climb { foot_at_us, reported_at_us: foot_at_us, foot_m, reported_m: foot_m, ..self.climb };
        let level_at_us = self.ago_us(newest);
        let gain = |climb: &Climb| {
            let gained_m = newest.altitude_m - f64::from(climb.foot_m);
            (gained_m, gained_m / (level_at_us.saturating_sub(climb.foot_at_us).max(1) as f64 / 1e6))
        };
        let is_climb = |climb: &&Climb| {
            let (gained_m, mean_mps) = gain(climb);
            climb.foot_at_us > 0 && gained_m >= CLIMB_GAIN_M && mean_mps > CLIMB_MPS
        };
        let begun = [self.climb, latest].iter().find(is_climb).filter(|_| self.circles()).copied();
        let is_given_up = gain(&self.climb).1 <= CLIMB_MPS || foot_m <= self.climb.foot_m;
        if self.climb.foot_at_us == 0 || is_given_up {
            self.climb = latest;
        }
        begun
    }

    /// The event time of a level.
    fn ago_us(&self, level: &Level) -> u64 {
        self.event_at_us.saturating_sub((level.ago_s * 1e6) as u64)
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_memory(&self, device: u32, audience: Audience) -> AircraftMemory {
        let doubt = self.doubt.as_deref().copied().unwrap_or_default();
        AircraftMemory {
            state: Some(self.state(device)),
            seen_us: self.seen_us,
            audience: audience.into(),
            doubt_since_us: doubt.since_us,
            doubt_frames: doubt.frames,
            doubt_altitude_m: doubt.altitude_m,
            track: self.track.to_memory(),
            climb_reported_at_us: self.climb.reported_at_us,
            climb_foot_at_us: self.climb.foot_at_us,
            climb_foot_altitude_m: self.climb.foot_m.into(),
            climb_reported_altitude_m: self.climb.reported_m.into(),
            climb_best_cmps: self.climb.best_cmps.into(),
        }
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &AircraftMemory) -> Self {
        let state = memory.state.clone().unwrap_or_default();
        let position = state.position.unwrap_or_default();
        let (since_us, frames, altitude_m) = (memory.doubt_since_us, memory.doubt_frames, memory.doubt_altitude_m);
        Self {
            version: state.version,
            event_at_us: state.event_at_us,
            seen_us: memory.seen_us,
            first_seen_at_us: state.first_seen_at_us,
            take_off_at_us: state.take_off_at_us.and_then(NonZeroU64::new),
            landed_at_us: state.landed_at_us.and_then(NonZeroU64::new),
            latitude_deg: position.latitude_deg,
            longitude_deg: position.longitude_deg,
            altitude_m: position.altitude_m.into(),
            speed_kmh: state.speed_kmh.unwrap_or_default(),
            climb_mps: state.climb_mps.unwrap_or_default(),
            course_deg: state.course_deg.into(),
            turn_rate_dps: state.turn_rate_dps.into(),
            qne_offset_m: state.qne_offset_m.into(),
            doubt: (frames > 0).then(|| Box::new(Doubt { since_us, frames, altitude_m })),
            track: Track::from_memory(&memory.track),
            climb: Climb {
                foot_at_us: memory.climb_foot_at_us,
                reported_at_us: memory.climb_reported_at_us,
                foot_m: memory.climb_foot_altitude_m as i16,
                reported_m: memory.climb_reported_altitude_m as i16,
                best_cmps: memory.climb_best_cmps as i16,
            },
            kind: state.aircraft_kind as u8,
            phase: state.flight_phase as u8,
            source: state.source as u8,
        }
    }
}

/// A number that may not have been told, in eight bytes. What is no number was not told.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told(u64);

impl Told {
    const NOTHING: Self = Self(u64::MAX);

    fn get(self) -> Option<f64> {
        (self != Self::NOTHING).then(|| f64::from_bits(self.0))
    }
}

impl Default for Told {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl From<Option<f64>> for Told {
    fn from(told: Option<f64>) -> Self {
        told.filter(|value| !value.is_nan()).map_or(Self::NOTHING, |value| Self(value.to_bits()))
    }
}

/// The same in four bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told32(u32);

impl Told32 {
    const NOTHING: Self = Self(u32::MAX);

    fn get(self) -> Option<f64> {
        (self != Self::NOTHING).then(|| f32::from_bits(self.0).into())
    }
}

impl Default for Told32 {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl From<Option<f64>> for Told32 {
    fn from(told: Option<f64>) -> Self {
        told.filter(|value| !value.is_nan()).map_or(Self::NOTHING, |value| Self((value as f32).to_bits()))
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
        let mut aircraft = Aircraft::new(0);
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
        assert_eq!(aircraft.state(1).take_off_at_us, Some(20 * SECOND_US));
        assert_eq!(aircraft.state(1).landed_at_us, Some(35 * SECOND_US));
    }

    #[test]
    fn standing_against_the_wind_is_not_landing() {
        let hover = |index: u64| (index * 5, told(2.0, 0.3, 1_000.0 + index as f64 * 4.0));
        let mut frames = vec![(0, told(30.0, 1.0, 1_000.0))];
        frames.extend((1..20).map(hover));
        let (seen, aircraft) = phases(&frames);
        assert!(seen.iter().all(|phase| *phase == FlightPhase::Flying));
        assert_eq!(aircraft.state(1).take_off_at_us, None, "it was first heard in flight");
    }

    #[test]
    fn circles_are_seen_and_their_climb_is_reported() {
        let mut aircraft = Aircraft::new(0);
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
            reports.extend(aircraft.climb(1, step.into()));
        }
        assert_eq!(aircraft.phase(), FlightPhase::Circling);
        assert_eq!(reports.len(), 3, "the first after 50 m in 25 s, then every 20 s: {reports:#?}");
        let report = &reports[0];
        assert!((report.climb_mps - 2.0).abs() < 0.1);
        let wind_mps = report.wind_speed_kmh.expect("drifts") / 3.6;
        assert!((wind_mps - 3.0).abs() < 0.5, "{wind_mps}");
        assert!((report.wind_from_deg.expect("drifts") - 270.0).abs() < 10.0);
        // The second report counts only what came after the first.
        assert!(reports[1].base_altitude_m >= report.top_altitude_m);
        assert_eq!(Aircraft::from_memory(&aircraft.to_memory(1, Audience::Public)), aircraft);
    }
}
