//! The `updraft` program.

use std::process::ExitCode;

use standalone::Config;

fn main() -> ExitCode {
    runtime::program::run(env!("CARGO_PKG_VERSION"), |config: Config, context| standalone::run(config, context))
}
