//! The file with the positions of receivers, as their owners state them.

use std::path::Path;

use air::receivers::ReceiverPositions;
use anyhow::Context as _;
use serde::Deserialize;

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

/// Reads the file.
///
/// # Errors
/// The file is missing, does not parse, or has a position that is not on Earth.
pub fn read_positions(file: &Path) -> anyhow::Result<ReceiverPositions> {
    let text = std::fs::read_to_string(file).with_context(|| format!("receivers file {}", file.display()))?;
    parse(&text).with_context(|| format!("receivers file {}", file.display()))
}

fn parse(text: &str) -> anyhow::Result<ReceiverPositions> {
    let file: File = toml::from_str(text)?;
    let position = |entry: Entry| {
        let position = geo::Position::new(entry.latitude_deg, entry.longitude_deg);
        anyhow::ensure!(
            position.is_on_earth(),
            "receiver {}: {}, {} is not on Earth: expected a latitude from -90 to 90 and a longitude from -180 to 180",
            entry.id,
            entry.latitude_deg,
            entry.longitude_deg
        );
        let position = schemas::v1::Position {
            latitude_deg: entry.latitude_deg,
            longitude_deg: entry.longitude_deg,
            altitude_m: entry.altitude_m,
        };
        Ok((entry.id, position))
    };
    file.receiver.into_iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_receiver() {
        let positions = parse("[[receiver]]\nid = \"42\"\nlatitude_deg = 46.5\nlongitude_deg = 13.0\n");
        assert_eq!(positions.expect("good").find("42").expect("configured").latitude_deg, 46.5);
        let nowhere = parse("[[receiver]]\nid = \"42\"\nlatitude_deg = 96.5\nlongitude_deg = 13.0\n");
        assert!(nowhere.expect_err("nowhere").to_string().contains("42"));
        assert!(parse("[[receiver]]\nname = \"42\"\n").is_err());
    }
}
