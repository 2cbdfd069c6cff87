//! Progress messages of the harness: lines on standard error, which cargo test does not capture.

use std::io::Write;

/// A progress line.
pub(crate) fn say(line: &str) {
    // A closed standard error is no failure.
    let _ = writeln!(std::io::stderr(), "harness: {line}");
}
