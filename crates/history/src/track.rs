//! Tracks: the recorded positions of one device, prepared for display.
//!
//! All types here are pure and have bounded memory, so that a track of any length can be streamed: [`Shaper`] takes
//! recorded positions in the order of time and returns those to show, cut into segments; a [`format::TrackWriter`]
//! encodes them.

pub mod format;
mod level;
mod point;
mod segment;
mod shaper;
mod simplify;
mod subject;

pub use format::{Format, TrackWriter};
pub use level::Level;
pub(crate) use level::Plausible;
pub use point::TrackPoint;
pub use segment::GAP_US;
pub use shaper::{Shaper, Summary};
pub use simplify::{ALTITUDE_WEIGHT, MAX_POINTS};
pub use subject::Subject;
