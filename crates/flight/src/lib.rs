//! The domain rules of flight, in one place for the live core and for the history.
//!
//! - [`limits`]: how fast and how high a kind of aircraft can be, and the coordinates of a receiver without a fix
//! - [`step`]: whether one body can have been at two positions
//! - [`progress`]: on the ground, flying, landed; take-off and landing
//! - [`units`]: integers as checkpoints and tables store them
//!
//! All functions are pure: no clock, no I/O, no async.

pub mod limits;
pub mod progress;
pub mod step;
pub mod units;

pub use limits::{ALTITUDES_M, is_missing_fix, max_speed_kmh};
pub use progress::{Phase, Progress, Sample};
pub use step::{Step, is_reliable, step};
