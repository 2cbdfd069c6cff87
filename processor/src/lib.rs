//! Raw frames in; observations, states, alerts and history out.
//!
//! The cores are pure and in [`air`]: records in, outputs out. [`raw`] and [`group`] connect them to their topics, [`pipeline`] is
//! the shell around each of them, [`sinks`] writes the outputs. Every group runs in a process of its own, or beside others on
//! any log: [`serve`], [`serve_thermals`], [`serve_receivers`].

#[cfg(feature = "services")]
pub mod archive;
mod clock_readiness;
#[cfg(feature = "services")]
pub mod command;
pub mod config;
pub mod group;
pub mod historian;
mod metrics;
#[cfg(feature = "services")]
pub mod migrate;
#[cfg(feature = "services")]
pub mod offline_core;
pub mod pipeline;
pub mod privacy;
#[cfg(feature = "services")]
mod program;
pub mod raw;
pub mod receivers;
mod serve;
pub mod sinks;
pub mod thermals;
pub mod topics;
#[cfg(feature = "services")]
pub mod verify;

pub use clock_readiness::ClockReadiness;
#[cfg(feature = "services")]
pub use config::{Command, Config};
pub use config::{CoreOptions, GroupOptions, Privacy, ReceiverOptions, RedisOptions};
pub use historian::{HistorianOptions, serve_historian};
pub use metrics::{GroupMetrics, RawMetrics, ReceiverMetrics, RedisMetrics};
#[cfg(feature = "services")]
pub use program::run;
pub use serve::{rebuild_redis, serve, serve_receivers, serve_thermals, serve_with_scores};
pub use sinks::scores::Scores;
