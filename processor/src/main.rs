//! `processor`: turns raw frames into observations, states, alerts and history.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::program::run(env!("CARGO_PKG_VERSION"), processor::run)
}
