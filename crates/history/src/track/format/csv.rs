//! CSV (RFC 4180): a line per position, units in the header, absent values empty.

use super::TrackWriter;
use super::json::rounded;
use crate::csv_line::CsvForm;
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
    form: CsvForm,
}

impl Csv {
    pub(super) fn new(subject: Subject, form: CsvForm) -> Self {
        Self { device: subject.address(), name: subject.name.unwrap_or_default(), form }
    }
}

impl TrackWriter for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.form.begin(out);
        let mut header = self.form.line(out);
        HEADER.iter().for_each(|name| header.identifier(name));
        header.end();
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        let mut line = self.form.line(out);
        line.text(&self.device);
        match self.name.as_str() {
            "" => line.absent(),
            name => line.text(name),
        }
        line.integer(point.segment.into());
        line.text(&schemas::RecordId(point.observation_id).to_string());
        line.time(point.event_at_us);
        line.number(rounded(point.latitude_deg, 1e7));
        line.number(rounded(point.longitude_deg, 1e7));
        for value in [point.altitude_m, point.speed_kmh, point.climb_mps, point.course_deg] {
            match value {
                Some(value) => line.number(rounded(value, 100.0)),
                None => line.absent(),
            }
        }
        line.identifier(&point.kind.as_str_name().trim_start_matches("AIRCRAFT_KIND_").to_lowercase());
        line.end();
    }

    fn end(&mut self, _summary: &Summary, _out: &mut Vec<u8>) {}
}
