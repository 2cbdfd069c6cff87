//! CSV (RFC 4180): a line per position, units in the header, absent values empty.

use csv::{Terminator, WriterBuilder};

use super::TrackWriter;
use super::json::rounded;
use super::text::{csv_cell, rfc3339};
use crate::track::{Subject, Summary, TrackPoint};

const HEADER: [&str; 12] = [
    "device",
    "name",
    "segment",
    "observation_id",
    "event_at_utc",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
    "speed_kmh",
    "climb_mps",
    "course_deg",
    "aircraft_kind",
];

pub(super) struct Csv {
    device: String,
    name: String,
}

impl Csv {
    pub(super) fn new(subject: Subject) -> Self {
        Self { device: subject.address(), name: csv_cell(subject.name.as_deref().unwrap_or_default()).into_owned() }
    }
}

fn line<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).buffer_capacity(512).from_writer(out);
    writer.write_record(cells).and_then(|()| Ok(writer.flush()?)).expect("into memory");
}

impl TrackWriter for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        line(HEADER, out);
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        let number = |value: Option<f64>| value.map(|value| rounded(value, 100.0).to_string()).unwrap_or_default();
        let kind = point.kind.as_str_name().trim_start_matches("AIRCRAFT_KIND_").to_lowercase();
        let cells = [
            self.device.clone(),
            self.name.clone(),
            point.segment.to_string(),
            schemas::RecordId(point.observation_id).to_string(),
            rfc3339(point.event_at_us),
            rounded(point.latitude_deg, 1e7).to_string(),
            rounded(point.longitude_deg, 1e7).to_string(),
            number(point.altitude_m),
            number(point.speed_kmh),
            number(point.climb_mps),
            number(point.course_deg),
            kind,
        ];
        line(cells.iter().map(String::as_str), out);
    }

    fn end(&mut self, _summary: &Summary, _out: &mut Vec<u8>) {}
}
