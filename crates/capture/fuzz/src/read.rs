//! Any bytes as a capture: it is refused with an error, or read to its end; nothing panics, and no length that it names is
//! believed before the bytes are there.

#![no_main]

use std::io::Cursor;

use capture::{Capture, Filter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut capture) = Capture::open(Cursor::new(bytes)) else { return };
    let filter = Filter { time_ms: Some(0..i64::MAX), ..Filter::default() };
    for record in capture.records(filter) {
        if record.is_err() {
            break;
        }
    }
});
