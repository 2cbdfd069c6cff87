//! JSON: a streamed `v1.Track`.

use schemas::RecordId;
use schemas::v1::AircraftKind;
use serde::Serialize;

use super::TrackWriter;
use super::text::rfc3339;
use crate::track::{Subject, Summary, TrackPoint};

/// One position, with the names of `v1.TrackPoint`.
#[derive(Serialize)]
struct Point {
    observation_id: String,
    event_at_us: String,
    latitude_deg: f64,
    longitude_deg: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    altitude_m: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_kmh: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    climb_mps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    course_deg: Option<f64>,
    aircraft_kind: AircraftKind,
}

pub(super) struct Json {
    subject: Subject,
    segment: Option<u32>,
}

impl Json {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, segment: None }
    }
}

impl TrackWriter for Json {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let Subject { name, from_us, to_us, level, .. } = &self.subject;
        let name = name.as_ref().map(|name| format!("\"name\":{},", serde_json::json!(name))).unwrap_or_default();
        let head = format!(
            "{{\"device\":\"{}\",{name}\"from\":\"{}\",\"to\":\"{}\",\"level\":\"{}\",\"segments\":[",
            self.subject.address(),
            rfc3339(*from_us),
            rfc3339(*to_us),
            level.word()
        );
        out.extend_from_slice(head.as_bytes());
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.segment {
            None => b"{\"points\":[",
            Some(segment) if segment == point.segment => b",",
            Some(_) => b"]},{\"points\":[",
        });
        self.segment = Some(point.segment);
        let point = Point {
            observation_id: RecordId(point.observation_id).to_string(),
            event_at_us: point.event_at_us.to_string(),
            latitude_deg: rounded(point.latitude_deg, 1e7),
            longitude_deg: rounded(point.longitude_deg, 1e7),
            altitude_m: point.altitude_m.map(|altitude| rounded(altitude, 10.0)),
            speed_kmh: point.speed_kmh,
            climb_mps: point.climb_mps,
            course_deg: point.course_deg,
            aircraft_kind: point.kind,
        };
        serde_json::to_writer(out, &point).expect("numbers and strings into memory");
    }

    fn end(&mut self, summary: &Summary, out: &mut Vec<u8>) {
        let close = if self.segment.is_some() { "]}" } else { "" };
        let Summary { recorded, shown, error_m } = summary;
        let error_m = rounded(*error_m, 10.0);
        let tail = format!("{close}],\"recorded\":\"{recorded}\",\"shown\":\"{shown}\",\"error_m\":{error_m:?}}}");
        out.extend_from_slice(tail.as_bytes());
    }
}

/// Rounds to the precision of the store: ten-millionths of a degree.
pub(super) fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
