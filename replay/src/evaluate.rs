//! How well thermals are found: frames go through the processor's own cores, and what comes out is compared with what
//! really was.
//!
//! What really was is a [`Recording`] per aircraft, one [`Moment`] per second: in the simulated sky what the model says,
//! of recorded flights what all of their fixes show ([`circling`] says how). A climb of a recording is a stretch of
//! circling that gains at least 50 m at more than 1 m/s, from its foot to its top. Found climbs are the reports that the
//! stream core makes from the few frames it gets, those that follow each other taken together; [`score`] compares.

mod chain;
mod circling;
mod climb;
pub mod command;
mod flights;
mod picture;
mod score;
mod sky;

pub use chain::{Chain, Outcome};
pub use climb::{FoundClimb, Moment, Recording, TrueClimb};
pub use flights::{FlightCase, sampled};
pub use score::{Errors, Score};
pub use sky::{PictureScore, SkyCase, fly};
