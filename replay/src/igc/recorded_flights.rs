//! Recorded flights, all in the air at once, repeatedly.
//!
//! Every five seconds each sends the last fix it has, exactly as recorded, with speed, climb and course taken from the
//! fixes before. At its end a flight stays at its landing for a while, sends that it landed well, and begins again.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::flight::Flight;
use super::motion::motion;
use super::parse::{IgcError, parse};
use crate::generate::{
    AircraftKind, Dice, GroundState, NAME_US, POSITION_US, Part, Position3d, Report, SECOND_US, Schedule, Slot,
    StepContext, Tracking, Transmission,
};

/// Addresses from the range for unregistered devices.
const FIRST_ADDRESS: u32 = 0xFC_0001;
/// Flights that have addresses of their own from there on.
const MAX_FLIGHTS: usize = 10_000;
/// Flights start this much apart, so that they do not send at the same time.
const STAGGER_US: u64 = 370_000;
/// All starts lie within this.
const STAGGER_WITHIN_US: u64 = 5 * SECOND_US;
/// A recorder that is silent for longer has no position to send, seconds.
const LONGEST_GAP_S: f64 = 30.0;
/// The wait between two laps: as long as the way back takes at this speed, within limits.
const WAY_BACK_MPS: f64 = 11.0;
const PAUSE_S: (f64, f64) = (60.0, 600.0);
/// Receivers stand at most this far apart along a track.
const SITE_SPACING_M: f64 = 25_000.0;
const RECEIVERS_PER_SITE: usize = 3;

/// A directory that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordedFlightsError {
    /// A file or the directory cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no flight in it.
    #[error("no IGC file with a fix in {}", path.display())]
    NoFlights {
        /// The directory.
        path: PathBuf,
    },
    /// More flights than names.
    #[error("{found} flights in {} are too many: expected at most {MAX_FLIGHTS}", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// Files with flights.
        found: usize,
    },
}

/// A flight with its address and name.
#[derive(Debug, Clone)]
pub struct RecordedFlight {
    /// The sender's address.
    pub device: u32,
    /// "Pilot 01" and so on, in the order of file names; names in files are never read.
    pub name: String,
    /// The recording.
    pub flight: Flight,
    lap_start_us: u64,
    pause_us: u64,
    /// Index of the last fix that has been reached in this lap.
    reached: usize,
    schedule: Schedule,
}

/// Flights over an endless time.
#[derive(Debug)]
pub struct RecordedFlights {
    start_us: u64,
    /// Since the start.
    now_us: u64,
    flights: Vec<RecordedFlight>,
    sites: Vec<Position3d>,
    /// Files that hold no flight, with the reason.
    rejected: Vec<(PathBuf, IgcError)>,
}

impl RecordedFlights {
    /// All IGC files of a directory, to fly from `start_us` (microseconds since the Unix epoch) on.
    ///
    /// # Errors
    /// [`RecordedFlightsError`]: the directory is at fault. Single files that are no flights are [kept apart](Self::rejected).
    pub fn open(directory: &Path, start_us: u64) -> Result<Self, RecordedFlightsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| RecordedFlightsError::Unreadable { path, source }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
            let path = entry.map_err(unreadable(directory))?.path();
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("igc")) {
                files.push(path);
            }
        }
        files.sort();
        let mut flights = Vec::new();
        let mut rejected = Vec::new();
        for path in files {
            match parse(&std::fs::read(&path).map_err(unreadable(&path))?) {
                Ok(flight) => flights.push(flight),
                Err(error) => rejected.push((path, error)),
            }
        }
        match flights.len() {
            0 => Err(RecordedFlightsError::NoFlights { path: directory.to_owned() }),
            found if found > MAX_FLIGHTS => Err(RecordedFlightsError::TooMany { path: directory.to_owned(), found }),
            _ => Ok(Self { rejected, ..Self::new(flights, start_us) }),
        }
    }

    /// Of flights that are already read.
    pub fn new(flights: Vec<Flight>, start_us: u64) -> Self {
        let sites = sites(&flights);
        let flights = flights.into_iter().enumerate();
        let flights = flights.map(|(index, flight)| RecordedFlight::new(index, flight)).collect();
        Self { start_us, now_us: 0, flights, sites, rejected: Vec::new() }
    }

    /// The flights, in the order of file names.
    pub fn flights(&self) -> &[RecordedFlight] {
        &self.flights
    }

    /// Files that hold no flight, with the reason.
    pub fn rejected(&self) -> &[(PathBuf, IgcError)] {
        &self.rejected
    }

    /// When it began, microseconds since the Unix epoch.
    pub fn start_us(&self) -> u64 {
        self.start_us
    }

    /// How far it has come, microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.start_us + self.now_us
    }

    /// As [`World::step`](crate::generate::World::step).
    pub fn step(&mut self, to_us: u64) -> Vec<Transmission> {
        let mut sent = Vec::new();
        while self.now_us() < to_us {
            let first = sent.len();
            self.now_us += SECOND_US;
            let step = StepContext { start_us: self.start_us, end_us: self.now_us, neighbours: 0 };
            for flight in &mut self.flights {
                flight.send(&self.sites, &step, &mut sent);
            }
            sent[first..].sort_by_key(|transmission| (transmission.sent_at_us, transmission.device));
        }
        sent
    }

    /// The middles of the radio cells.
    pub(crate) fn middles(&self) -> Vec<Position3d> {
        self.sites.clone()
    }

    /// Around where receivers are to stand.
    pub(crate) fn receiver_positions(&self) -> Vec<Position3d> {
        self.sites.iter().flat_map(|site| std::iter::repeat_n(*site, RECEIVERS_PER_SITE)).collect()
    }
}

impl RecordedFlight {
    fn new(index: usize, flight: Flight) -> Self {
        let way_m = match (flight.fixes.first(), flight.fixes.last()) {
            (Some(first), Some(last)) => first.position.distance_m(&last.position),
            _ => 0.0,
        };
        let pause_s = (way_m / WAY_BACK_MPS).clamp(PAUSE_S.0, PAUSE_S.1);
        let mut dice = Dice::new(0, Part::Schedule, index as u64);
        Self {
            device: FIRST_ADDRESS + index as u32,
            name: format!("Pilot {:02}", index + 1),
            flight,
            lap_start_us: index as u64 * STAGGER_US % STAGGER_WITHIN_US,
            pause_us: pause_s as u64 * SECOND_US,
            reached: 0,
            schedule: Schedule::new(&mut dice),
        }
    }

    fn send(&mut self, sites: &[Position3d], step: &StepContext, sent: &mut Vec<Transmission>) {
        if let Some(at_us) = self.schedule.take(Slot::Position, step.end_us, POSITION_US)
            && let Some((report, position)) = self.position(at_us)
        {
            let is_airborne = matches!(report, Report::Tracking(_));
            sent.push(step.transmission(at_us, self.device, &report, position, is_airborne, nearest(sites, &position)));
        }
        if let Some(at_us) = self.schedule.take(Slot::Name, step.end_us, NAME_US) {
            let position = self.flight.fixes[self.reached].position;
            let report = Report::Name(&self.name);
            sent.push(step.transmission(at_us, self.device, &report, position, true, nearest(sites, &position)));
        }
    }

    /// The report and position at a time since the start of the run.
    fn position(&mut self, at_us: u64) -> Option<(Report<'static>, Position3d)> {
        let flown_us = u64::from(self.flight.duration_s()) * SECOND_US;
        while at_us >= self.lap_start_us + flown_us + self.pause_us {
            self.lap_start_us += flown_us + self.pause_us;
            self.reached = 0;
        }
        let fixes = &self.flight.fixes;
        let first_s = f64::from(fixes.first()?.at_s);
        let recorded_s = first_s + at_us.checked_sub(self.lap_start_us)? as f64 / SECOND_US as f64;
        while fixes.get(self.reached + 1).is_some_and(|next| f64::from(next.at_s) <= recorded_s) {
            self.reached += 1;
        }
        let fix = fixes[self.reached];
        let position = fix.position;
        if self.reached + 1 == fixes.len() && recorded_s > f64::from(fix.at_s) + 5.0 {
            let report = Report::Ground { position, state: GroundState::LandedWell, is_online: true };
            return Some((report, position));
        }
        if recorded_s - f64::from(fix.at_s) > LONGEST_GAP_S {
            return None;
        }
        let motion = motion(&fixes[..=self.reached]);
        let report = Report::Tracking(Tracking {
            position,
            kind: AircraftKind::Paraglider,
            is_online: true,
            speed_kmh: motion.speed_mps * 3.6,
            climb_mps: motion.climb_mps,
            course_deg: motion.course_deg,
            turn_dps: motion.turn_dps,
        });
        Some((report, position))
    }
}

/// Positions along all tracks, so that no fix is far from one.
fn sites(flights: &[Flight]) -> Vec<Position3d> {
    let mut sites: Vec<Position3d> = Vec::new();
    for fix in flights.iter().flat_map(|flight| &flight.fixes) {
        if sites.iter().all(|site| site.distance_m(&fix.position) > SITE_SPACING_M) {
            sites.push(fix.position);
        }
    }
    sites
}

fn nearest(sites: &[Position3d], position: &Position3d) -> usize {
    let distances = sites.iter().map(|site| site.distance_m(position)).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests;
