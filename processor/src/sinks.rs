//! Where outputs go beside the log.

pub mod live;
pub mod rebuild;
pub mod redis;
mod redis_commands;
pub mod scores;
pub mod topics;
