//! Records as an independent consumer reads them.

use serde_json::Value;

/// A record as an independent consumer prints it.
pub struct Record(pub Value);

impl Record {
    /// Its key as text.
    pub fn key(&self) -> &str {
        self.0["key"].as_str().unwrap_or_default()
    }

    /// A header as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_default()
    }

    /// A field of the value, as text.
    pub fn text(&self, field: &str) -> String {
        self.0["value"][field].as_str().unwrap_or_default().to_owned()
    }

    /// Latitude of an aircraft position, degrees x 1e6.
    pub fn latitude_e6(&self) -> i64 {
        let latitude = self.0["value"]["position"]["position"]["latitude_deg"].as_f64();
        (latitude.unwrap_or_default() * 1e6).round() as i64
    }

    /// Whether it is a reception of a tracking frame sent at that longitude.
    pub fn is_tracking_near(&self, longitude_deg: f64) -> bool {
        let heard = &self.0["value"]["heard_frame"];
        let longitude = heard["position"]["longitude_deg"].as_f64().unwrap_or_default();
        heard["packet_type"] == 1 && (longitude - longitude_deg).abs() < 1e-4
    }
}
