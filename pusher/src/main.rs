//! `pusher`: serves the air picture over WebSocket, REST, and as a map.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::program::run(env!("CARGO_PKG_VERSION"), pusher::run)
}
