//! Where receivers stand, as their owners say.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// Configured places by receiver id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places(HashMap<String, schemas::v1::Position>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    receiver: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: Option<f64>,
}

impl Places {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, does not parse, or has a place that is not on Earth.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("receivers file {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("receivers file {}", file.display()))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// It does not parse, or has a place that is not on Earth.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut places = HashMap::new();
        for entry in file.receiver {
            let place = geo::Position::new(entry.latitude_deg, entry.longitude_deg);
            anyhow::ensure!(place.is_on_earth(), "receiver {}: that is not on Earth", entry.id);
            let position = schemas::v1::Position {
                latitude_deg: entry.latitude_deg,
                longitude_deg: entry.longitude_deg,
                altitude_m: entry.altitude_m,
            };
            places.insert(entry.id, position);
        }
        Ok(Self(places))
    }

    /// Where a receiver stands. `None`: nobody said.
    pub fn find(&self, receiver_id: &str) -> Option<schemas::v1::Position> {
        self.0.get(receiver_id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_mistakes_are_told() {
        let places = Places::parse("[[receiver]]\nid = \"42\"\nlatitude_deg = 46.5\nlongitude_deg = 13.0\n");
        assert_eq!(places.expect("good").find("42").expect("told").latitude_deg, 46.5);
        let nowhere = Places::parse("[[receiver]]\nid = \"42\"\nlatitude_deg = 96.5\nlongitude_deg = 13.0\n");
        assert!(nowhere.expect_err("nowhere").to_string().contains("42"));
        assert!(Places::parse("[[receiver]]\nname = \"42\"\n").is_err());
    }
}
