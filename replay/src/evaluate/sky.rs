//! The simulated sky, whose truth is known.

use std::collections::BTreeMap;

use envelope::{DEFAULT_PREFIX, Topic};
use geo::distance::{distance_m, from_components, local_m, to_components};
use geo::position::wrap_difference_deg;
use geo::{Cell, Position};
use schemas::v1::WindState;

use super::chain::{Chain, Outcome};
use super::climb::{FoundClimb, Recording, TruthSample};
use super::score::{CALM_MPS, Errors, Score};
use crate::generate::{Position3d, SECOND_US, Scenario, Simulation, ThermalTruth, Truth, World};

/// A report can be about the end of a thermal that has just expired, microseconds.
const LINGERS_US: u64 = 60 * SECOND_US;

/// A run of the simulated sky.
#[derive(Debug)]
pub struct SkyCase {
    /// When it began.
    pub start_us: u64,
    /// The truth, per pilot who may be shown.
    pub recordings: Vec<Recording>,
    /// The detected climbs.
    pub outcome: Outcome,
    /// The same, as climbs.
    pub found: Vec<FoundClimb>,
    /// The truth of the model.
    pub truth: Truth,
}

/// How the picture of all pilots' climbs compares with the model's thermals.
#[derive(Debug, Default)]
pub struct PictureScore {
    /// Detected thermals.
    pub thermals: usize,
    /// Those of them that match one of the model's.
    pub right: usize,
    /// Of the centres of these, metres.
    pub centre_m: Errors,
    /// Of the estimates per cell and altitude band, against the model's wind there: speed, m/s,
    pub wind_mps: Errors,
    /// and direction, where it is no calm, degrees.
    pub wind_deg: Errors,
}

impl SkyCase {
    /// How well the climbs were found.
    pub fn score(&self) -> Score {
        let mut score = Score::default();
        for recording in &self.recordings {
            score.add(&Score::of(recording, &self.found, self.start_us));
        }
        score
    }

    /// How the thermals, and the winds per cell, compare with the model's.
    pub fn picture(&self) -> PictureScore {
        let mut score = PictureScore::default();
        for state in self.outcome.thermals.values() {
            let (Some(found), at_us) = (state.position, state.last_seen_at_us) else { continue };
            let found = Position::new(found.latitude_deg, found.longitude_deg);
            let all = self.truth.areas.iter().flat_map(|area| &area.thermals);
            let living = all.filter(|thermal| (thermal.born_at_us..=thermal.dies_at_us + LINGERS_US).contains(&at_us));
            let nearest = living
                .map(|thermal| (distance_m(position(thermal.centre_at(at_us)), found), thermal.radius_m))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            score.thermals += 1;
            if let Some((off_m, radius_m)) = nearest
                && off_m <= radius_m
            {
                score.right += 1;
                score.centre_m.push(off_m);
            }
        }
        for wind in self.outcome.winds.values() {
            self.compare_wind(wind, &mut score);
        }
        score
    }

    /// A cell can hold two areas with winds of their own: the one that fits better counts.
    fn compare_wind(&self, wind: &WindState, score: &mut PictureScore) {
        let found = to_components(wind.wind_from_deg + 180.0, wind.wind_speed_kmh / 3.6);
        let in_cell = self.truth.areas.iter().filter(|area| {
            let cell = Cell::at(area.launch.latitude_deg, area.launch.longitude_deg, 4);
            cell.to_string() == wind.cell || cell.neighbours().any(|near| near.to_string() == wind.cell)
        });
        let off = |truth: (f64, f64)| (truth.0 - found.0).hypot(truth.1 - found.1);
        // Thermals move with the wind at half their height, and circles with their thermal.
        let drifts = in_cell.flat_map(|area| &area.thermals).filter(|thermal| {
            thermal.born_at_us <= wind.last_seen_at_us && thermal.dies_at_us >= wind.first_seen_at_us
        });
        let nearest = drifts.map(drift_mps).min_by(|a, b| off(*a).total_cmp(&off(*b)));
        let Some(truth) = nearest else { return };
        let ((true_deg, true_mps), (found_deg, found_mps)) =
            (from_components(truth.0, truth.1), from_components(found.0, found.1));
        score.wind_mps.push(found_mps - true_mps);
        if true_mps >= CALM_MPS {
            score.wind_deg.push(wrap_difference_deg(found_deg - true_deg));
        }
    }
}

/// How a thermal of the model moves, metres per second east and north.
fn drift_mps(thermal: &ThermalTruth) -> (f64, f64) {
    let (east_m, north_m) = local_m(position(thermal.centre), position(thermal.last_centre));
    let seconds = thermal.dies_at_us.saturating_sub(thermal.born_at_us).max(1) as f64 / SECOND_US as f64;
    (east_m / seconds, north_m / seconds)
}

/// Flies a scenario for so many seconds.
pub fn fly(scenario: Scenario, seconds: u64) -> SkyCase {
    let start_us = scenario.start_us;
    let mut simulation = Simulation::of_world(scenario);
    let (mut chain, mut recordings) = (Chain::default(), BTreeMap::new());
    for second in 1..=seconds {
        for message in simulation.run_to(start_us + second * SECOND_US) {
            if let Some(Topic::Frame { receiver, .. }) = Topic::parse(&message.topic, &[DEFAULT_PREFIX]) {
                chain.hear(message.at_us, receiver, message.payload);
            }
        }
        if let Some(world) = simulation.world() {
            watch(world, second, &mut recordings);
        }
    }
    let outcome = chain.end(start_us + seconds * SECOND_US);
    let found = FoundClimb::of(&outcome.reports, start_us);
    let truth = Truth::of(&simulation);
    SkyCase { start_us, recordings: recordings.into_values().collect(), outcome, found, truth }
}

/// Records the position of each pilot, and its thermal.
fn watch(world: &World, second: u64, recordings: &mut BTreeMap<u32, Recording>) {
    for pilot in world.pilots().iter().filter(|pilot| pilot.is_online && pilot.aircraft.kind.soars()) {
        let area = &world.areas()[pilot.area];
        let craft = &pilot.aircraft.craft;
        let thermal = pilot.aircraft.circle().and_then(|circle| area.thermal(circle.thermal?));
        let sample = TruthSample {
            at_s: second as i64,
            position: position(area.plane.position(craft.point, craft.altitude_m)),
            altitude_m: craft.altitude_m,
            centre: thermal
                .map(|thermal| position(area.plane.position(thermal.centre(second as f64), craft.altitude_m))),
            wind_mps: thermal.map(|thermal| (thermal.drift.east_mps, thermal.drift.north_mps)),
        };
        let device = pilot.identity.device;
        let recording = recordings.entry(device).or_insert_with(|| Recording { device, samples: Vec::new() });
        recording.samples.push(sample);
    }
}

fn position(position: Position3d) -> Position {
    Position::new(position.latitude_deg, position.longitude_deg)
}
