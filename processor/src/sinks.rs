//! Writes outputs: into their topics, and live states into Redis or this process.

pub mod live;
pub mod rebuild;
pub mod redis;
mod redis_commands;
pub mod scores;
pub mod topics;
