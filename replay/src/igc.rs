//! Recorded flights: IGC files, and flying them as devices.

mod flight;
mod motion;
mod order;
mod parse;
mod recorded_flights;

pub use flight::{Fix, Flight};
pub use parse::{IgcError, parse};
pub use recorded_flights::{RecordedFlight, RecordedFlights, RecordedFlightsError};

pub(crate) use motion::motion;
