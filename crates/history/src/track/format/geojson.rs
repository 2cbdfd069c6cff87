//! GeoJSON (RFC 7946): a feature per segment, its times in the property `coordTimes`, which track viewers support.
//!
//! The RFC has altitudes above the ellipsoid of WGS84. These are above mean sea level, since the device sends only
//! those and the difference (about 50 m in the Alps) is unknown here; the property `altitudes` declares that.

use serde_json::{Value, json};

use super::TrackWriter;
use super::json::rounded;
use super::runs::Runs;
use super::text::{ALTITUDES, rfc3339};
use crate::track::{Subject, Summary, TrackPoint};

pub(super) struct GeoJson {
    subject: Subject,
    runs: Runs,
    features: usize,
}

impl GeoJson {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, runs: Runs::default(), features: 0 }
    }

    fn feature(&mut self, run: &[TrackPoint], out: &mut Vec<u8>) {
        if self.features > 0 {
            out.push(b',');
        }
        self.features += 1;
        let times: Vec<String> = run.iter().map(|point| rfc3339(point.event_at_us)).collect();
        let positions: Vec<Value> = run.iter().map(position).collect();
        // A line needs at least two positions.
        let geometry = match positions.as_slice() {
            [single] => json!({"type": "Point", "coordinates": single}),
            _ => json!({"type": "LineString", "coordinates": positions}),
        };
        let mut properties = json!({
            "device": self.subject.address(),
            "segment": run[0].segment,
            "level": self.subject.level.word(),
            "altitudes": ALTITUDES,
            "coordTimes": times,
        });
        if let Some(name) = &self.subject.name {
            properties["name"] = json!(name);
        }
        let feature = json!({"type": "Feature", "geometry": geometry, "properties": properties});
        serde_json::to_writer(out, &feature).expect("into memory");
    }
}

fn position(point: &TrackPoint) -> Value {
    let (longitude, latitude) = (rounded(point.longitude_deg, 1e7), rounded(point.latitude_deg, 1e7));
    match point.altitude_m {
        Some(altitude) => json!([longitude, latitude, rounded(altitude, 10.0)]),
        None => json!([longitude, latitude]),
    }
}

impl TrackWriter for GeoJson {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"FeatureCollection\",\"features\":[");
    }

    fn point(&mut self, point: &TrackPoint, out: &mut Vec<u8>) {
        if let Some(run) = self.runs.push(point) {
            self.feature(&run, out);
        }
    }

    fn end(&mut self, _summary: &Summary, out: &mut Vec<u8>) {
        if let Some(run) = self.runs.finish() {
            self.feature(&run, out);
        }
        out.extend_from_slice(b"]}");
    }
}
