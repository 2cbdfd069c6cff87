//! The ground truth: every thermal, the wind, the identities. Tests compare the outputs with it.

use serde::Serialize;

use super::area::Area;
use super::faults::CorruptedTruth;
use super::kind::AircraftKind;
use super::plane::Position3d;
use super::receiver::Receiver;
use super::schedule::SECOND_US;
use super::simulation::Simulation;
use super::thermal::Thermal;
use super::wind::WindBand;
use super::world::World;

/// The ground truth of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Truth {
    /// As the run's scenario.
    pub seed: u64,
    /// Start of the run, microseconds since the Unix epoch.
    pub start_us: u64,
    /// The end of the period that the truth covers.
    pub until_us: u64,
    /// Launch areas.
    pub areas: Vec<AreaTruth>,
    /// Pilots.
    pub pilots: Vec<PilotTruth>,
    /// Receivers.
    pub receivers: Vec<Receiver>,
    /// What went wrong on purpose.
    pub faults: FaultTruth,
}

/// What went wrong on purpose; faulty clocks are with their receivers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultTruth {
    /// Messages that were broken, by how.
    pub corrupted: CorruptedTruth,
    /// Frames at the limits of their length.
    pub limit_frames: u64,
    /// Addresses that two pilots' devices have, as they are shown.
    pub shared_addresses: Vec<String>,
}

/// A launch area.
#[derive(Debug, Clone, Serialize)]
pub struct AreaTruth {
    /// As on maps.
    pub name: String,
    /// Where pilots take off.
    pub launch: Position3d,
    /// The valley.
    pub floor_altitude_m: f64,
    /// From low to high; between two bands the wind lies on the straight line between them.
    pub wind: Vec<WindBand>,
    /// All that lived during the run, in the order of their birth.
    pub thermals: Vec<ThermalTruth>,
}

/// One thermal. Its lift at distance `d` from the centre is
/// `core_mps * (1 - (d / radius_m)^2) * height * vigour`, where height falls to 0 at base and top, and vigour at birth
/// and death.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThermalTruth {
    /// Unique in the run, hexadecimal.
    pub id: String,
    /// Birth, microseconds since the Unix epoch; before the start for those that lived then.
    pub born_at_us: u64,
    /// Death, likewise.
    pub dies_at_us: u64,
    /// The centre at birth; altitude: the base.
    pub centre: Position3d,
    /// The centre at death; altitude: the top. Between the two it moves evenly.
    pub last_centre: Position3d,
    /// Where the lift has fallen to zero.
    pub radius_m: f64,
    /// Of the air at the centre, in its prime.
    pub core_mps: f64,
}

/// One pilot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PilotTruth {
    /// As it is shown, `110B90`.
    pub device: String,
    /// Made up.
    pub name: String,
    /// What is flown.
    pub aircraft_kind: AircraftKind,
    /// No consent to be shown.
    pub is_hidden: bool,
}

impl Truth {
    /// The truth of a simulation from its start to where it is now. Recorded flights have none but their receivers.
    pub fn of(simulation: &Simulation) -> Self {
        let receivers = simulation.receivers().to_vec();
        let (corrupted, limit_frames) = (simulation.corrupted(), simulation.limit_frames());
        let mut faults = FaultTruth { corrupted, limit_frames, shared_addresses: Vec::new() };
        let Some(world) = simulation.world() else {
            return Self {
                seed: 0,
                start_us: simulation.start_us(),
                until_us: simulation.now_us(),
                areas: Vec::new(),
                pilots: Vec::new(),
                receivers,
                faults,
            };
        };
        let scenario = world.scenario();
        let until_us = world.now_us();
        let areas = (0..scenario.areas()).map(|index| area(world, index, until_us)).collect();
        let pairs = world.pilots().chunks_exact(2).take(scenario.faults.shared_addresses);
        faults.shared_addresses = pairs.map(|pair| format!("{:06X}", pair[0].identity.device)).collect();
        let pilots = world.pilots().iter().map(|pilot| PilotTruth {
            device: format!("{:06X}", pilot.identity.device),
            name: pilot.identity.name.clone(),
            aircraft_kind: pilot.aircraft.kind,
            is_hidden: !pilot.is_online,
        });
        let pilots = pilots.collect();
        Self { seed: scenario.seed, start_us: scenario.start_us, until_us, areas, pilots, receivers, faults }
    }
}

/// Thermals follow from the seed alone: they are made again instead of having been kept.
fn area(world: &World, index: usize, until_us: u64) -> AreaTruth {
    let scenario = world.scenario();
    let mut area = Area::new(scenario.seed, index, scenario.centre);
    let until_s = (until_us - scenario.start_us) as f64 / SECOND_US as f64;
    let mut thermals: Vec<Thermal> = area.thermals().cloned().collect();
    let mut now_s = 0.0;
    while now_s < until_s {
        now_s += 1.0;
        area.advance_and_report(now_s, &mut thermals);
    }
    thermals.retain(|thermal| thermal.born_s < until_s);
    thermals.sort_by(|a, b| a.born_s.total_cmp(&b.born_s));
    let thermals = thermals.iter().map(|thermal| ThermalTruth::of(thermal, &area, scenario.start_us)).collect();
    AreaTruth {
        name: area.name.clone(),
        launch: area.launch_position(),
        floor_altitude_m: area.floor_m,
        wind: area.wind.bands().to_vec(),
        thermals,
    }
}

impl ThermalTruth {
    fn of(thermal: &Thermal, area: &Area, start_us: u64) -> Self {
        let at_us = |seconds: f64| start_us.saturating_add_signed((seconds * SECOND_US as f64) as i64);
        Self {
            id: format!("{:016x}", thermal.id),
            born_at_us: at_us(thermal.born_s),
            dies_at_us: at_us(thermal.dies_s()),
            centre: area.plane.position(thermal.centre(thermal.born_s), thermal.base_m),
            last_centre: area.plane.position(thermal.centre(thermal.dies_s()), thermal.top_m),
            radius_m: thermal.radius_m,
            core_mps: thermal.core_mps,
        }
    }

    /// Where the centre is at a time, microseconds since the Unix epoch; altitude: the middle.
    pub fn centre_at(&self, at_us: u64) -> Position3d {
        let lifetime_us = self.dies_at_us.saturating_sub(self.born_at_us).max(1) as f64;
        let share = (at_us.saturating_sub(self.born_at_us) as f64 / lifetime_us).clamp(0.0, 1.0);
        let between = |from: f64, to: f64| from + (to - from) * share;
        Position3d {
            latitude_deg: between(self.centre.latitude_deg, self.last_centre.latitude_deg),
            longitude_deg: between(self.centre.longitude_deg, self.last_centre.longitude_deg),
            altitude_m: f64::midpoint(self.centre.altitude_m, self.last_centre.altitude_m),
        }
    }
}
