//! Devices and receivers together: what the broker gets to see.

use super::plane::Place;
use super::radio::{Radio, Reception};
use super::receiver::Receiver;
use super::scenario::Scenario;
use super::transmission::Transmission;
use super::world::World;
use crate::igc::Fleet;

/// A run: traffic, simulated or recorded, and the receivers that hear it.
#[derive(Debug)]
pub struct Simulation {
    traffic: Traffic,
    radio: Radio,
    start_us: u64,
}

#[derive(Debug)]
enum Traffic {
    World(Box<World>),
    Fleet(Fleet),
}

impl Simulation {
    /// A simulated world, which should be [checked](Scenario::check) before.
    pub fn of_world(scenario: Scenario) -> Self {
        let (seed, start_us, wanted) = (scenario.seed, scenario.start_us, scenario.receivers);
        let world = World::new(scenario);
        let launches: Vec<Place> = world.areas().iter().map(super::area::Area::launch_place).collect();
        let receivers = (0..wanted).map(|index| Receiver::near(seed, index, launches[site(index, launches.len())]));
        let radio = Radio::new(seed, start_us, receivers.collect(), &launches);
        Self { traffic: Traffic::World(Box::new(world)), radio, start_us }
    }

    /// Recorded flights, with receivers put up along them.
    pub fn of_fleet(fleet: Fleet, seed: u64) -> Self {
        let start_us = fleet.start_us();
        let cells = fleet.middles();
        let receivers = fleet.receiver_places().into_iter().enumerate();
        let receivers = receivers.map(|(index, place)| Receiver::near(seed, index, place)).collect();
        Self { radio: Radio::new(seed, start_us, receivers, &cells), traffic: Traffic::Fleet(fleet), start_us }
    }

    /// Runs on to a time (microseconds since the Unix epoch) and returns what the receivers publish before it, in order.
    pub fn run_to(&mut self, to_us: u64) -> Vec<Reception> {
        for transmission in self.step(to_us) {
            self.radio.carry(&transmission);
        }
        let mut published = Vec::new();
        self.radio.published(to_us, &mut published);
        published
    }

    /// When it began, microseconds since the Unix epoch.
    pub fn start_us(&self) -> u64 {
        self.start_us
    }

    /// How far the traffic has come, microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        match &self.traffic {
            Traffic::World(world) => world.now_us(),
            Traffic::Fleet(fleet) => fleet.now_us(),
        }
    }

    /// The receivers that stand in it.
    pub fn receivers(&self) -> &[Receiver] {
        self.radio.receivers()
    }

    /// The simulated world; `None` where flights are recorded ones.
    pub fn world(&self) -> Option<&World> {
        match &self.traffic {
            Traffic::World(world) => Some(world),
            Traffic::Fleet(_) => None,
        }
    }

    fn step(&mut self, to_us: u64) -> Vec<Transmission> {
        match &mut self.traffic {
            Traffic::World(world) => world.step(to_us),
            Traffic::Fleet(fleet) => fleet.step(to_us),
        }
    }
}

/// The area of a receiver: first one for each, then a second one here and there.
fn site(index: usize, areas: usize) -> usize {
    if index < areas { index } else { (index - areas) * 3 % areas }
}

#[cfg(test)]
mod tests;
