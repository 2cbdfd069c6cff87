//! What the harness says while it works: lines on standard error, past the capture of cargo test.

use std::io::Write;

/// A progress line.
pub(crate) fn say(line: &str) {
    // Nobody to hear it is no failure.
    let _ = writeln!(std::io::stderr(), "harness: {line}");
}
