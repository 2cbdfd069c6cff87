//! The common shell of all programs: settings, logs, traces, the admin port, named tasks, ordered shutdown, and the
//! clock.
//!
//! A program's `main.rs` is one call of [`program::run`]; everything that its `run(config, context)` needs from the
//! process is in [`Context`]. This crate has no knowledge about aircraft, topics or maps.

pub mod admin;
pub mod backoff;
pub mod certificates;
pub mod clock;
pub mod context;
pub mod files;
mod health;
pub mod metrics;
mod open_files;
mod process;
pub mod program;
pub mod readiness;
pub mod retry;
mod running;
pub mod settings;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;
pub mod trace;
pub mod watched;

pub use backoff::Backoff;
pub use certificates::{CertificateFiles, CertificateUse};
pub use clock::Clock;
pub use context::Context;
pub use metrics::Metrics;
pub use readiness::{Part, Readiness};
pub use retry::keep_trying;
pub use running::{AdminRequest, reachable};
pub use settings::{Redacted, ShellOptions};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
pub use watched::Watched;
