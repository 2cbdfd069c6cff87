//! Captures, decodes, replays and generates frames.

pub mod decode;
pub mod evaluate;
mod explain;
pub mod generate;
pub mod igc;
pub mod publish;
