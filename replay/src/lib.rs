//! Captures, plays, compares, explains, decodes and generates frames.

pub mod cat;
pub mod decode;
pub mod diff;
pub mod evaluate;
pub mod generate;
pub mod igc;
pub mod info;
pub mod input;
pub mod play;
mod progress;
pub mod publish;
#[cfg(feature = "services")]
pub mod record;
pub mod select;
#[cfg(feature = "services")]
mod stop;
pub mod time;
pub mod usage;
pub mod verdict;
