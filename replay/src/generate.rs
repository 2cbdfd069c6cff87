//! The simulated world: pilots, thermals, weather stations, vehicles and receivers, reproducible.
//!
//! [`World`] moves everything and makes frames; the radio lets receivers hear them; [`Simulation`] combines both and
//! returns the messages for a broker. All of it is pure: no clock, no socket; time comes in as an argument and the
//! same [`Scenario`] gives the same bytes. [`Truth`] is the ground truth. [`command`] is the shell around it.

mod aircraft;
mod area;
mod centre;
mod clock_fault;
#[cfg(feature = "services")]
pub mod command;
mod dice;
mod faults;
mod frames;
mod identity;
mod kind;
mod limits;
mod pilot;
mod plane;
mod radio;
mod receiver;
mod report;
mod scenario;
mod schedule;
mod simulation;
mod station;
mod step;
mod thermal;
mod transmission;
mod truth;
mod vehicle;
mod wind;
mod world;

pub use centre::{Centre, CentreError};
pub use clock_fault::ClockFault;
pub use faults::{CorruptedTruth, FaultError, Faults};
pub use kind::AircraftKind;
pub use plane::Position3d;
pub use radio::Reception;
pub use receiver::Receiver;
pub use scenario::{Scenario, ScenarioError};
pub use simulation::Simulation;
pub use transmission::Transmission;
pub use truth::{AreaTruth, FaultTruth, PilotTruth, ThermalTruth, Truth};
pub use wind::WindBand;
pub use world::World;

pub(crate) use dice::{Dice, Part};
pub(crate) use plane::turn_deg;
pub(crate) use report::{GroundState, Report, Tracking};
pub(crate) use schedule::{NAME_US, POSITION_US, SECOND_US, Schedule, Slot};
pub(crate) use step::StepContext;
