//! A world that flies: pilots, thermals, weather stations, vehicles and receivers, made up and reproducible.
//!
//! [`World`] moves everything and makes frames; the radio lets receivers hear them; [`Simulation`] puts both together
//! and gives what a broker would be given. All of it is pure: no clock, no socket; time comes in as an argument and the
//! same [`Scenario`] gives the same bytes. [`Truth`] tells what really was. [`command`] is the shell around it.

mod aircraft;
mod area;
pub mod command;
mod dice;
mod frames;
mod identity;
mod moment;
mod pilot;
mod plane;
mod radio;
mod receiver;
mod report;
mod scenario;
mod schedule;
mod simulation;
mod station;
mod thermal;
mod transmission;
mod truth;
mod vehicle;
mod wind;
mod world;

pub use aircraft::AircraftKind;
pub use plane::Place;
pub use radio::Reception;
pub use receiver::Receiver;
pub use scenario::{Scenario, ScenarioError};
pub use simulation::Simulation;
pub use transmission::Transmission;
pub use truth::{AreaTruth, PilotTruth, ThermalTruth, Truth};
pub use wind::WindBand;
pub use world::World;

pub(crate) use dice::{Dice, Part};
pub(crate) use moment::Moment;
pub(crate) use plane::turn_deg;
pub(crate) use report::{GroundState, Report, Tracking};
pub(crate) use schedule::{NAME_US, POSITION_US, SECOND_US, Schedule, Slot};
