//! Records as a consumer of another make reads them.

use serde_json::Value;

pub(crate) struct Record(pub(crate) Value);

impl Record {
    pub(crate) fn key(&self) -> &str {
        self.0["key"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_default()
    }

    /// A field of the value, as text.
    pub(crate) fn text(&self, field: &str) -> String {
        self.0["value"][field].as_str().unwrap_or_default().to_owned()
    }

    /// Of an aircraft position.
    pub(crate) fn latitude_e6(&self) -> i64 {
        let latitude = self.0["value"]["position"]["position"]["latitude_deg"].as_f64();
        (latitude.unwrap_or_default() * 1e6).round() as i64
    }

    /// Whether it is a reception of a tracking frame sent at that longitude.
    pub(crate) fn is_tracking_near(&self, longitude_deg: f64) -> bool {
        let heard = &self.0["value"]["heard_frame"];
        let longitude = heard["position"]["longitude_deg"].as_f64().unwrap_or_default();
        heard["packet_type"] == 1 && (longitude - longitude_deg).abs() < 1e-4
    }
}
