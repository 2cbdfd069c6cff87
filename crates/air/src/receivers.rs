//! Receivers from receptions: the traffic and coverage of each.

mod counts;
mod coverage;
mod hearing;
mod positions;

pub use hearing::{Hearing, ReceiverChange};
pub use positions::ReceiverPositions;
