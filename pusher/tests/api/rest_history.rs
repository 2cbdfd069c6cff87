//! The history over HTTP: tracks, flights, weather and exports, from the embedded store. `tests/tests/interoperability` has
//! the files read by independent programs.

mod exports;
mod hidden;
mod region;
mod silent;
mod tracks;
mod unavailable;

/// A time as a query has it.
fn humantime_ms(at_ms: i64) -> String {
    let since = std::time::Duration::from_millis(at_ms as u64);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}
