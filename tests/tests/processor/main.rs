//! The processor as a process with real services: its commands, its group on the raw topic, its picture in Redis.

mod archive;
mod command;
mod kills;
#[path = "../../../processor/tests/support/outcome.rs"]
mod outcome;
mod redis_sink;
mod topics;
#[path = "../../../processor/tests/support/traffic.rs"]
#[allow(dead_code, reason = "shared with the processor's tests and benches")]
mod traffic;

use std::process::Command;

/// A command line of the program, without arguments.
fn processor() -> Command {
    Command::new(harness::beside_the_test("processor").expect("a test is beside the programs"))
}
