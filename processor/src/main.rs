//! `processor`: raw frames into everything that is known.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::program::run(env!("CARGO_PKG_VERSION"), processor::run)
}
