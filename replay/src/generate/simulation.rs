//! Devices and receivers together: the messages for the broker.

use super::dice::{Dice, Part};
use super::faults::{CorruptedTruth, Corruption, Faults};
use super::limits;
use super::plane::Position3d;
use super::radio::{Radio, Reception};
use super::receiver::Receiver;
use super::scenario::Scenario;
use super::transmission::Transmission;
use super::world::World;
use crate::igc::RecordedFlights;

/// Between two frames of one device, microseconds.
const BEHIND_US: u64 = 200_000;

/// A run: traffic, simulated or recorded, and the receivers that hear it.
#[derive(Debug)]
pub struct Simulation {
    traffic: Traffic,
    radio: Radio,
    start_us: u64,
    faults: Faults,
    corruption: Corruption,
    /// For frames at the limits of their length.
    dice: Dice,
    limit_frames: u64,
}

#[derive(Debug)]
enum Traffic {
    World(Box<World>),
    RecordedFlights(RecordedFlights),
}

impl Simulation {
    /// A simulated world, which should be [checked](Scenario::check) before.
    pub fn of_world(scenario: Scenario) -> Self {
        let (seed, start_us, wanted) = (scenario.seed, scenario.start_us, scenario.receivers);
        let world = World::new(scenario);
        let launches: Vec<Position3d> = world.areas().iter().map(super::area::Area::launch_position).collect();
        let faults = world.scenario().faults;
        let receivers = (0..wanted).map(|index| Receiver::near(seed, index, launches[site(index, launches.len())]));
        Self::with(Traffic::World(Box::new(world)), receivers.collect(), &launches, start_us, seed, faults)
    }

    /// Recorded flights, with receivers put up along them.
    pub fn of_recorded_flights(flights: RecordedFlights, seed: u64, faults: Faults) -> Self {
        let start_us = flights.start_us();
        let cells = flights.middles();
        let receivers = flights.receiver_positions().into_iter().enumerate();
        let receivers = receivers.map(|(index, position)| Receiver::near(seed, index, position)).collect();
        Self::with(Traffic::RecordedFlights(flights), receivers, &cells, start_us, seed, faults)
    }

    fn with(
        traffic: Traffic,
        receivers: Vec<Receiver>,
        cells: &[Position3d],
        start_us: u64,
        seed: u64,
        faults: Faults,
    ) -> Self {
        let receivers = receivers.into_iter().enumerate();
        let receivers = receivers.map(|(index, receiver)| receiver.with_clock_faults(seed, index, faults.clock_share));
        Self {
            traffic,
            radio: Radio::new(seed, start_us, receivers.collect(), cells),
            start_us,
            faults,
            corruption: Corruption::new(seed, faults.corrupted_share),
            dice: Dice::new(seed, Part::Limit, 0),
            limit_frames: 0,
        }
    }

    /// Runs on to a time (microseconds since the Unix epoch) and returns what the receivers publish before it, in order.
    pub fn run_to(&mut self, to_us: u64) -> Vec<Reception> {
        for transmission in self.step(to_us) {
            self.radio.carry(&transmission);
            if self.faults.limit_share > 0.0 && self.dice.chance(self.faults.limit_share) {
                self.radio.carry(&self.at_a_limit(&transmission));
                self.limit_frames += 1;
            }
        }
        let mut published = Vec::new();
        self.radio.published(to_us, &mut published);
        published.iter_mut().for_each(|reception| self.corruption.pass(reception));
        published
    }

    /// A frame of the shortest or longest, sent behind another one.
    fn at_a_limit(&self, behind: &Transmission) -> Transmission {
        let frame = limits::frame(behind.device, self.limit_frames as usize % limits::KINDS);
        Transmission { sent_at_us: behind.sent_at_us + BEHIND_US, frame, ..behind.clone() }
    }

    /// Messages that were broken so far.
    pub fn corrupted(&self) -> CorruptedTruth {
        self.corruption.truth()
    }

    /// Frames at the limits of their length so far, each heard by any number of receivers.
    pub fn limit_frames(&self) -> u64 {
        self.limit_frames
    }

    /// When it began, microseconds since the Unix epoch.
    pub fn start_us(&self) -> u64 {
        self.start_us
    }

    /// How far the traffic has come, microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        match &self.traffic {
            Traffic::World(world) => world.now_us(),
            Traffic::RecordedFlights(flights) => flights.now_us(),
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
            Traffic::RecordedFlights(_) => None,
        }
    }

    fn step(&mut self, to_us: u64) -> Vec<Transmission> {
        match &mut self.traffic {
            Traffic::World(world) => world.step(to_us),
            Traffic::RecordedFlights(flights) => flights.step(to_us),
        }
    }
}

/// The area of a receiver: first one for each, then a second one here and there.
fn site(index: usize, areas: usize) -> usize {
    if index < areas { index } else { (index - areas) * 3 % areas }
}

#[cfg(test)]
mod tests;
