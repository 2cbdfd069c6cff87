//! Where outputs go beside the log.

pub mod live;
pub mod redis;
mod redis_commands;
pub mod topics;
