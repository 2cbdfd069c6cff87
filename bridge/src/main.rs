//! `bridge`: MQTT frames into the raw topic.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::program::run(env!("CARGO_PKG_VERSION"), bridge::run)
}
