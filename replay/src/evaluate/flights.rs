//! Recorded flights, as a receiver would hear them.

use fanet::Wrapped;

use super::chain::{Chain, Outcome};
use super::circling::recordings;
use super::climb::{FoundClimb, Recording};
use super::faults::faults;
use super::score::Score;
use crate::generate::{AircraftKind, Dice, Part, Report, SECOND_US, StepContext, Tracking};
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
/// Circles of 20 s are detected by their turn from fix to fix: nine in ten fixes follow the one before within this,
/// seconds.
const DENSE_S: u32 = 3;
/// Nine in ten speeds of a paraglider are below this, m/s.
const SAILPLANE_MPS: f64 = 22.0;
const RECEIVER: &str = "evaluation";

/// A flight, its truth from all fixes, and the climbs found in its few frames.
#[derive(Debug)]
pub struct FlightCase {
    /// Its second 0.
    pub start_us: u64,
    /// The truth.
    pub recording: Recording,
    /// The same in a second opinion.
    pub second_opinion: Recording,
    /// The detected climbs.
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
        let [recording, second_opinion] = recordings(device, flight);
        Self { start_us: DAY_US, recording, second_opinion, outcome, found }
    }

    /// How well the climbs were found.
    pub fn score(&self) -> Score {
        Score::of(&self.recording, &self.found, self.start_us)
    }

    /// The errors, a line each.
    pub fn faults(&self) -> Vec<String> {
        faults(&self.recording, &self.found)
    }

    /// The same, compared with the second opinion.
    pub fn second_score(&self) -> Score {
        Score::of(&self.second_opinion, &self.found, self.start_us)
    }

    /// Seconds that one opinion calls circled and the other does not, and those that either does.
    pub fn disputed_s(&self) -> (usize, usize) {
        let both = self.recording.samples.iter().zip(&self.second_opinion.samples);
        let circled = both.map(|(one, other)| (one.centre.is_some(), other.centre.is_some()));
        circled.fold((0, 0), |(disputed, either), (one, other)| {
            (disputed + usize::from(one != other), either + usize::from(one || other))
        })
    }
}

/// Seconds that nine in ten fixes follow the one before within, where that is too long to detect circling: such a
/// recording cannot be used as truth. `None`: it can.
pub(super) fn too_sparse(flight: &Flight) -> Option<u32> {
    let mut steps: Vec<u32> = flight.fixes.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).collect();
    steps.sort_unstable();
    steps.get(steps.len() * 9 / 10).copied().filter(|step_s| *step_s > DENSE_S)
}

/// A flight without fixes whose altitude leaps: a recorder that loses its satellites for a second writes another
/// altitude.
fn without_leaps(flight: &Flight) -> Flight {
    let mut fixes: Vec<Fix> = Vec::with_capacity(flight.fixes.len());
    for fix in &flight.fixes {
        let is_leap = fixes.last().is_some_and(|last| {
            let seconds = f64::from(fix.at_s - last.at_s);
            seconds <= LEAP_S && (fix.position.altitude_m - last.position.altitude_m).abs() > LEAP_MPS * seconds
        });
        if !is_leap {
            fixes.push(*fix);
        }
    }
    Flight { fixes, ..flight.clone() }
}

/// The kind of aircraft: paragliders stay below a speed that sailplanes rarely do.
fn kind_of(flight: &Flight) -> AircraftKind {
    let pairs = flight.fixes.windows(2);
    let speeds =
        pairs.map(|pair| pair[0].position.distance_m(&pair[1].position) / f64::from(pair[1].at_s - pair[0].at_s));
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
            position: fix.position,
            kind,
            is_online: true,
            speed_kmh: motion.speed_mps * 3.6,
            climb_mps: motion.climb_mps,
            course_deg: motion.course_deg,
            turn_dps: motion.turn_dps,
        });
        let step = StepContext { start_us: DAY_US, end_us: 0, neighbours: 0 };
        let sent = step.transmission(u64::from(fix.at_s) * SECOND_US, device, &report, fix.position, true, 0);
        let stamp_s = (sent.sent_at_us / SECOND_US) as u32;
        let wrapped = Wrapped { timestamp_s: stamp_s, rssi_dbm: -90, snr_db: 5, frame: &sent.frame };
        messages.push((sent.sent_at_us, wrapped.encode()));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Position3d;

    fn flight(steps_s: &[u32]) -> Flight {
        let position = Position3d { latitude_deg: 46.0, longitude_deg: 13.0, altitude_m: 1_000.0 };
        let times = steps_s.iter().scan(0, |at_s, step_s| {
            *at_s += step_s;
            Some(*at_s)
        });
        let fixes = std::iter::once(0).chain(times).map(|at_s| Fix { at_s, position }).collect();
        Flight { date: None, fixes, skipped: 0 }
    }

    #[test]
    fn recordings_with_long_steps_are_no_truth() {
        assert_eq!(too_sparse(&flight(&[1; 100])), None);
        assert_eq!(too_sparse(&flight(&[3; 100])), None);
        assert_eq!(too_sparse(&flight(&[5; 100])), Some(5));
        assert_eq!(too_sparse(&flight(&[10; 100])), Some(10));
        let mut mostly_dense = vec![1; 95];
        mostly_dense.extend([600; 5]);
        assert_eq!(too_sparse(&flight(&mostly_dense)), None, "pauses interrupt, they blur nothing");
        assert_eq!(too_sparse(&flight(&[])), None);
    }
}
