//! Receptions as lines of JSON: `{"at_us":..,"topic":"..","payload_hex":".."}`.

use std::io::{self, Write};

use serde::Serialize;

use crate::generate::{Reception, Simulation};

/// Simulated time between two writes, microseconds.
const CHUNK_US: u64 = 1_000_000;

#[derive(Serialize)]
struct Line<'a> {
    at_us: u64,
    topic: &'a str,
    payload_hex: String,
}

/// The numbers of written lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    /// Receptions, one line each.
    pub receptions: u64,
}

/// Writes what a simulation publishes from where it is until a time (microseconds since the Unix epoch), as fast as it
/// goes.
///
/// # Errors
/// The output cannot be written.
pub fn lines(simulation: &mut Simulation, until_us: u64, out: &mut impl Write) -> io::Result<Lines> {
    let mut lines = Lines::default();
    let mut to_us = simulation.start_us();
    while to_us < until_us {
        to_us = until_us.min(to_us + CHUNK_US);
        for reception in simulation.run_to(to_us) {
            write_line(&reception, out)?;
            lines.receptions += 1;
        }
    }
    out.flush()?;
    Ok(lines)
}

fn write_line(reception: &Reception, out: &mut impl Write) -> io::Result<()> {
    let payload_hex = hex::encode(&reception.payload);
    serde_json::to_writer(&mut *out, &Line { at_us: reception.at_us, topic: &reception.topic, payload_hex })?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use envelope::{DEFAULT_PREFIX, Topic, Wrapped};

    use super::*;
    use crate::generate::Scenario;

    #[test]
    fn each_line_is_a_message_with_a_frame_in_it() {
        let start_us = 1_700_000_000_000_000;
        let mut simulation = Simulation::of_world(Scenario::of(10, 1, start_us));
        let mut out = Vec::new();
        let written = lines(&mut simulation, start_us + 20_000_000, &mut out).expect("memory can be written");
        let text = String::from_utf8(out).expect("JSON is text");
        assert_eq!(text.lines().count() as u64, written.receptions);
        let mut frames = 0;
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            let at_us = line["at_us"].as_u64().expect("a number");
            assert!((start_us..start_us + 20_000_000).contains(&at_us));
            let payload = hex::decode(line["payload_hex"].as_str().expect("text")).expect("hex");
            let topic = line["topic"].as_str().expect("text");
            if let Some(Topic::Frame { packet_type, .. }) = Topic::parse(topic, &[DEFAULT_PREFIX]) {
                let wrapped = Wrapped::decode(&payload).expect("a wrapper");
                let frame = fanet::Frame::decode(wrapped.frame).expect("a frame");
                assert_eq!(packet_type, Some(frame.packet.packet_type().code().into()));
                frames += 1;
            }
        }
        assert!(frames > 50, "{frames}");
    }
}
