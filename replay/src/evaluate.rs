//! Evaluates the detection of thermals: frames pass through the processor's own cores, and the outputs are compared
//! with the truth.
//!
//! The truth is a [`Recording`] per aircraft, one [`TruthSample`] per second: in the simulated sky from the model, of
//! recorded flights from all of their fixes (see [`circling`]). A climb of a recording is a stretch of
//! circling that gains at least 50 m at more than 1 m/s, from its foot to its top. Found climbs are the reports that the
//! stream core makes from the few frames it gets, those that follow each other taken together; [`score`] compares.
//! [`second_opinion`] detects circling in another way, as an independent check of the truth.

mod chain;
mod circling;
mod climb;
pub mod command;
mod faults;
mod flights;
mod picture;
mod score;
mod second_opinion;
mod sky;

pub use chain::{Chain, Outcome};
pub use climb::{FoundClimb, Recording, TrueClimb, TruthSample};
pub use flights::{FlightCase, sampled};
pub use score::{Errors, Score};
pub use sky::{PictureScore, SkyCase, fly};
