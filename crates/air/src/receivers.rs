//! Receivers from receptions: the traffic and coverage of each.

mod counts;
mod coverage;
mod positions;
mod receiver_core;

pub use positions::ReceiverPositions;
pub use receiver_core::{ReceiverChange, ReceiverCore};
