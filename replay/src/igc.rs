//! Recorded flights: IGC files, and flying them as devices.

mod fleet;
mod flight;
mod motion;
mod order;
mod parse;

pub use fleet::{Fleet, FleetError, RecordedFlight};
pub use flight::{Fix, Flight};
pub use parse::{IgcError, parse};

pub(crate) use motion::motion;
