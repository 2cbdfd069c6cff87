//! Captures, decodes, replays and generates frames.

pub mod decode;
mod explain;
