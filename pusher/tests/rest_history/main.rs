//! The history over HTTP: tracks, flights, weather and exports, from the embedded store. Independent programs read the
//! files.

mod exports;
mod hidden;
#[path = "../live/recorded.rs"]
mod recorded;
mod region;
mod silent;
#[path = "../live/stage.rs"]
mod stage;
mod tracks;
mod unavailable;

use std::path::Path;
use std::process::Command;

fn run_python(script: &str, arguments: &[&std::ffi::OsStr]) {
    let python = harness::python().expect("Python is set up: run `just setup test`");
    let script = harness::workspace_dir().join("tests/clients").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().expect("Python starts");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
}

const CSV: &str = "text/csv; charset=utf-8";

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).expect("the file is written");
}

fn humantime_ms(at_ms: i64) -> String {
    let since = std::time::Duration::from_millis(at_ms as u64);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}
