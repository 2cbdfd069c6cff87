//! The shell every program wears: settings, logs, traces, the admin port, named tasks, ordered shutdown, and the clock.
//!
//! A program's `main.rs` is one call of [`program::run`]; everything that its `run(config, context)` needs from the
//! process is in [`Context`]. Nothing here knows of aircraft, topics or maps.

pub mod admin;
pub mod backoff;
pub mod clock;
pub mod context;
pub mod metrics;
pub mod patience;
pub mod program;
pub mod readiness;
pub mod settings;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;
pub mod trace;

pub use backoff::Backoff;
pub use clock::Clock;
pub use context::Context;
pub use metrics::Metrics;
pub use patience::keep_trying;
pub use readiness::{Part, Readiness};
pub use settings::{Redacted, ShellOptions};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
