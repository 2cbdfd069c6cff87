//! Recorded flights, as a receiver would have heard them.

use fanet::Wrapped;

use super::chain::{Chain, Outcome};
use super::circling::recording;
use super::climb::{FoundClimb, Recording};
use super::score::Score;
use crate::generate::{AircraftKind, Dice, Moment, Part, Report, SECOND_US, Tracking};
use crate::igc::{Fix, Flight, motion};

/// Midnight of the day on which all flights are flown: 2026-06-01, microseconds since the Unix epoch.
const DAY_US: u64 = 1_780_272_000 * SECOND_US;
/// A frame leaves every so many seconds,
const EVERY_S: u32 = 5;
/// and this share is lost.
const LOST: f64 = 0.2;
/// From the range for unregistered devices.
const FIRST_DEVICE: u32 = 0xFC_0001;
/// A change of altitude above this is a leap, m/s, unless the recorder was silent for so long before, seconds.
const LEAP_MPS: f64 = 15.0;
const LEAP_S: f64 = 10.0;
/// Nine in ten speeds of a paraglider are below this, m/s.
const SAILPLANE_MPS: f64 = 22.0;
const RECEIVER: &str = "evaluation";

/// A flight, what it shows as a whole, and what was found in the few frames of it.
#[derive(Debug)]
pub struct FlightCase {
    /// Its second 0.
    pub start_us: u64,
    /// What really was.
    pub recording: Recording,
    /// What was found.
    pub outcome: Outcome,
    /// The same, as climbs.
    pub found: Vec<FoundClimb>,
}

impl FlightCase {
    /// Flies a flight; `index` chooses which frames are lost.
    pub fn of(index: usize, flight: &Flight) -> Self {
        let flight = &without_leaps(flight);
        let device = FIRST_DEVICE + index as u32;
        let mut chain = Chain::default();
        let mut last_us = DAY_US;
        for (at_us, payload) in sampled(index, flight) {
            chain.hear(at_us, RECEIVER, payload);
            last_us = at_us;
        }
        let outcome = chain.end(last_us);
        let found = FoundClimb::of(&outcome.reports, DAY_US);
        Self { start_us: DAY_US, recording: recording(device, flight), outcome, found }
    }

    /// How well the climbs were found.
    pub fn score(&self) -> Score {
        Score::of(&self.recording, &self.found, self.start_us)
    }
}

/// A flight without fixes whose altitude leaps: a recorder that loses its satellites for a second tells another altitude.
fn without_leaps(flight: &Flight) -> Flight {
    let mut fixes: Vec<Fix> = Vec::with_capacity(flight.fixes.len());
    for fix in &flight.fixes {
        let is_leap = fixes.last().is_some_and(|last| {
            let seconds = f64::from(fix.at_s - last.at_s);
            seconds <= LEAP_S && (fix.place.altitude_m - last.place.altitude_m).abs() > LEAP_MPS * seconds
        });
        if !is_leap {
            fixes.push(*fix);
        }
    }
    Flight { fixes, ..flight.clone() }
}

/// What flies: paragliders stay below a speed that sailplanes hardly do.
fn kind_of(flight: &Flight) -> AircraftKind {
    let pairs = flight.fixes.windows(2);
    let speeds = pairs.map(|pair| pair[0].place.distance_m(&pair[1].place) / f64::from(pair[1].at_s - pair[0].at_s));
    let mut speeds: Vec<f64> = speeds.collect();
    speeds.sort_by(f64::total_cmp);
    match speeds.get(speeds.len() * 9 / 10) {
        Some(fast_mps) if *fast_mps > SAILPLANE_MPS => AircraftKind::Glider,
        _ => AircraftKind::Paraglider,
    }
}

/// The messages of a receiver that hears a flight: one every five seconds, a fifth of them lost; always the same.
pub fn sampled(index: usize, flight: &Flight) -> Vec<(u64, Vec<u8>)> {
    let device = FIRST_DEVICE + index as u32;
    let mut dice = Dice::new(0, Part::Radio, index as u64);
    let mut messages = Vec::new();
    let (kind, mut due_s) = (kind_of(flight), 0);
    for (reached, fix) in flight.fixes.iter().enumerate() {
        if fix.at_s < due_s {
            continue;
        }
        due_s = fix.at_s + EVERY_S;
        if dice.chance(LOST) {
            continue;
        }
        let motion = motion(&flight.fixes[..=reached]);
        let report = Report::Tracking(Tracking {
            place: fix.place,
            kind,
            is_online: true,
            speed_kmh: motion.speed_mps * 3.6,
            climb_mps: motion.climb_mps,
            course_deg: motion.course_deg,
            turn_dps: motion.turn_dps,
        });
        let moment = Moment { start_us: DAY_US, end_us: 0, neighbours: 0 };
        let sent = moment.transmission(u64::from(fix.at_s) * SECOND_US, device, &report, fix.place, true, 0);
        let stamp_s = (sent.sent_at_us / SECOND_US) as u32;
        let wrapped = Wrapped { timestamp_s: stamp_s, rssi_dbm: -90, snr_db: 5, frame: &sent.frame };
        messages.push((sent.sent_at_us, wrapped.encode()));
    }
    messages
}
