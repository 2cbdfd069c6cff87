//! The simulated world: areas, their aircraft and vehicles, and their frames.
//!
//! Pure and deterministic: the same scenario gives the same transmissions, however its time is cut into steps. The cost
//! is linear in the number of devices, which never see each other: they share nothing but their area's air.

use super::aircraft::Air;
use super::area::Area;
use super::dice::{Dice, Part};
use super::identity::Identity;
use super::pilot::Pilot;
use super::report::{GroundState, Report};
use super::scenario::Scenario;
use super::schedule::{HARDWARE_US, NAME_US, SECOND_US, Schedule, Slot, WEATHER_US, position_interval_us};
use super::station::Station;
use super::step::StepContext;
use super::transmission::Transmission;
use super::vehicle::Vehicle;

/// The model's step.
const STEP_S: f64 = 1.0;

/// The state of a scenario at one time.
#[derive(Debug, Clone)]
pub struct World {
    scenario: Scenario,
    areas: Vec<Area>,
    pilots: Vec<Pilot>,
    drivers: Vec<Driver>,
    stations: Vec<Mast>,
    /// Since the start of the run.
    now_us: u64,
}

/// A vehicle and its device.
#[derive(Debug, Clone)]
struct Driver {
    identity: Identity,
    area: usize,
    vehicle: Vehicle,
    schedule: Schedule,
}

/// A weather station and its device.
#[derive(Debug, Clone)]
struct Mast {
    identity: Identity,
    area: usize,
    station: Station,
    schedule: Schedule,
}

impl World {
    /// The world at the start of a scenario, which should be [checked](Scenario::check) before.
    pub fn new(scenario: Scenario) -> Self {
        let areas: Vec<Area> =
            (0..scenario.areas()).map(|index| Area::new(scenario.seed, index, scenario.centre)).collect();
        let mut pilots: Vec<Pilot> = (0..scenario.aircraft).map(|index| Pilot::new(&scenario, index, &areas)).collect();
        for pair in pilots.chunks_exact_mut(2).take(scenario.faults.shared_addresses) {
            pair[1].identity.device = pair[0].identity.device;
        }
        let drivers = (0..scenario.vehicles).map(|index| Driver::new(&scenario, index, &areas)).collect();
        let stations = (0..scenario.stations).map(|index| Mast::new(&scenario, index, &areas)).collect();
        Self { scenario, areas, pilots, drivers, stations, now_us: 0 }
    }

    /// The scenario of the world.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// How far it has come, microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.scenario.start_us + self.now_us
    }

    /// Advances in full seconds until a time (microseconds since the Unix epoch) is reached, and returns the frames
    /// sent meanwhile, in the order sent. The last second may lead beyond that time.
    pub fn step(&mut self, to_us: u64) -> Vec<Transmission> {
        let mut sent = Vec::new();
        while self.now_us() < to_us {
            self.second(&mut sent);
        }
        sent
    }

    fn second(&mut self, sent: &mut Vec<Transmission>) {
        let first = sent.len();
        self.now_us += SECOND_US;
        let now_s = self.now_us as f64 / SECOND_US as f64;
        let step = StepContext {
            start_us: self.scenario.start_us,
            end_us: self.now_us,
            neighbours: self.scenario.neighbours(),
        };
        for area in &mut self.areas {
            area.advance(now_s);
        }
        for pilot in &mut self.pilots {
            let air = Air { area: &self.areas[pilot.area], now_s, step_s: STEP_S };
            pilot.aircraft.step(&air);
            pilot.send(&air, &step, sent);
        }
        for driver in &mut self.drivers {
            let area = &self.areas[driver.area];
            driver.vehicle.step(area, now_s, STEP_S);
            driver.send(area, &step, sent);
        }
        for mast in &mut self.stations {
            mast.send(&self.areas[mast.area], &step, sent);
        }
        // Stable: a device's own frames keep their order where two fall on one microsecond.
        sent[first..].sort_by_key(|transmission| (transmission.sent_at_us, transmission.device));
    }

    /// Where receivers are to stand: the launch of each area.
    pub(crate) fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// Pilots, hidden ones included.
    pub(crate) fn pilots(&self) -> &[Pilot] {
        &self.pilots
    }
}

impl Driver {
    fn new(scenario: &Scenario, index: usize, areas: &[Area]) -> Self {
        let mobile = scenario.aircraft + index;
        let area = index % areas.len();
        let mut dice = Dice::new(scenario.seed, Part::Schedule, mobile as u64);
        Self {
            identity: Identity::driver(mobile, index),
            area,
            vehicle: Vehicle::new(scenario.seed, index, &areas[area]),
            schedule: Schedule::new(&mut dice),
        }
    }

    fn send(&mut self, area: &Area, step: &StepContext, sent: &mut Vec<Transmission>) {
        let position_at = |at_us| {
            let point = self.vehicle.point.moved(self.vehicle.velocity, step.seconds_from_end(at_us));
            area.plane.position(point, area.floor_m)
        };
        let mut push = |at_us, report: &Report<'_>, position| {
            sent.push(step.transmission(at_us, self.identity.device, report, position, false, self.area));
        };
        let interval_us = position_interval_us(step.neighbours);
        if let Some(at_us) = self.schedule.take(Slot::Position, step.end_us, interval_us) {
            let position = position_at(at_us);
            push(at_us, &Report::Ground { position, state: GroundState::Vehicle, is_online: true }, position);
        }
        if let Some(at_us) = self.schedule.take(Slot::Name, step.end_us, NAME_US) {
            push(at_us, &Report::Name(&self.identity.name), position_at(at_us));
        }
    }
}

impl Mast {
    fn new(scenario: &Scenario, index: usize, areas: &[Area]) -> Self {
        let (area, round) = (index % areas.len(), index / areas.len());
        let mut dice = Dice::new(scenario.seed, Part::Schedule, (scenario.mobiles() + index) as u64);
        Self {
            identity: Identity::station(index, &areas[area].name, round),
            area,
            station: Station::new(scenario.seed, index, &areas[area], round),
            schedule: Schedule::new(&mut dice),
        }
    }

    fn send(&mut self, area: &Area, step: &StepContext, sent: &mut Vec<Transmission>) {
        let position = self.station.position;
        let mut push = |at_us, report: &Report<'_>| {
            sent.push(step.transmission(at_us, self.identity.device, report, position, false, self.area));
        };
        // A station that was just switched on repeats its reading soon, since a single reading is not trusted.
        let interval_us = if step.end_us < WEATHER_US { WEATHER_US / 4 } else { WEATHER_US };
        if let Some(at_us) = self.schedule.take(Slot::Weather, step.end_us, interval_us) {
            push(at_us, &Report::Weather(self.station.measure(area, step.start_us + at_us)));
        }
        if let Some(at_us) = self.schedule.take(Slot::Name, step.end_us, NAME_US) {
            push(at_us, &Report::Name(&self.identity.name));
        }
        if let Some(at_us) = self.schedule.take(Slot::Hardware, step.end_us, HARDWARE_US) {
            push(at_us, &step.hardware(at_us, self.identity.device_type));
        }
    }
}

#[cfg(test)]
mod tests;
