//! Positions of OpenAir files: `47:30:15 N 008:15:00 E` or `47:30.25N 008:15.0E`.

use geo::Position;

/// Reads a position in degrees, minutes and seconds, or in degrees and decimal minutes; also plain decimal degrees.
pub(super) fn parse_position(text: &str) -> Result<Position, String> {
    read(text).ok_or_else(|| {
        let text: String = text.trim().chars().take(60).collect();
        format!("invalid position {text:?}: expected for example 47:30:15 N 008:15:00 E or 47:30.25N 008:15.0E")
    })
}

fn read(text: &str) -> Option<Position> {
    let text = text.trim().to_ascii_uppercase();
    let end = text.find(['N', 'S'])?;
    let (latitude, rest) = text.split_at(end);
    let (south, rest) = rest.split_at(1);
    let rest = rest.trim_start_matches([',', ' ', '\t']);
    let end = rest.find(['E', 'W'])?;
    let (longitude, rest) = rest.split_at(end);
    let (west, rest) = rest.split_at(1);
    if !rest.trim().is_empty() {
        return None;
    }
    let latitude_deg = degrees(latitude, 90.0)? * if south == "S" { -1.0 } else { 1.0 };
    let longitude_deg = degrees(longitude, 180.0)? * if west == "W" { -1.0 } else { 1.0 };
    Some(Position::new(latitude_deg, longitude_deg))
}

fn degrees(text: &str, highest: f64) -> Option<f64> {
    let mut parts = text.trim().split(':').map(|part| {
        let part = part.trim();
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        part.parse::<f64>().ok().filter(|_| is_number)
    });
    let degrees = parts.next()??;
    let minutes = parts.next().unwrap_or(Some(0.0))?;
    let seconds = parts.next().unwrap_or(Some(0.0))?;
    let is_valid = parts.next().is_none() && minutes < 60.0 && seconds < 60.0;
    let degrees = degrees + minutes / 60.0 + seconds / 3_600.0;
    (is_valid && degrees <= highest).then_some(degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for text in [
            "47:30:15 N 008:15:00 E",
            "47:30:15N 008:15:00E",
            "47:30.25 N 008:15.0 E",
            "47:30.25n, 8:15e",
            "47.504166667 N 8.25 E",
        ] {
            let position = parse_position(text).expect(text);
            assert!((position.latitude_deg - 47.504_166_67).abs() < 1e-8, "{text}");
            assert_eq!(position.longitude_deg, 8.25, "{text}");
        }
        let southwest = parse_position("33:30:00 S 070:45:00 W").unwrap();
        assert_eq!(southwest, Position::new(-33.5, -70.75));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "47:30:15 N",
            "47:60:00 N 8:00:00 E",
            "91:00:00 N 8:0:0 E",
            "47 N 181 E",
            "x N y E",
            "1:2:3:4 N 5 E",
            "47:30:15 N 8:15:00 E 7",
            "-47 N 8 E",
            "47:: N 8 E",
        ] {
            assert!(parse_position(text).is_err(), "{text}");
        }
    }
}
