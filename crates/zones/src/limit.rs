//! Floors and ceilings: their text, and the altitude at which they are.

use schemas::v1::ZoneLimit;
use schemas::v1::zone_limit::Limit;

/// Metres of a foot.
const FOOT_M: f64 = 0.3048;
/// Metres of a flight level: a hundred feet.
const FLIGHT_LEVEL_M: f64 = 100.0 * FOOT_M;
/// No limit is beyond this, metres: higher ones count as none.
const HIGHEST_M: f64 = 100_000.0;

/// A text that is no floor and no ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid limit: expected for example GND, FL95, 4500 ft MSL, 300 m AGL or UNL")]
pub struct InvalidLimit;

/// Where a limit is, compared with altitudes above mean sea level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// There is none.
    Open,
    /// At this altitude, metres above mean sea level.
    At(f64),
    /// Above a ground whose altitude is not known.
    Unknown,
}

impl Bound {
    /// A flight level is taken as its altitude in the standard atmosphere. The ground itself is no limit: what flies is above
    /// it.
    pub(crate) fn of(limit: Option<&ZoneLimit>, ground_altitude_m: Option<f64>) -> Self {
        match (limit.and_then(|limit| limit.limit), ground_altitude_m) {
            (None, _) => Self::Open,
            (Some(Limit::AltitudeM(altitude_m)), _) => Self::At(altitude_m),
            (Some(Limit::FlightLevel(level)), _) => Self::At(f64::from(level) * FLIGHT_LEVEL_M),
            (Some(Limit::HeightM(height_m)), _) if height_m <= 0.0 => Self::Open,
            (Some(Limit::HeightM(height_m)), Some(ground_m)) => Self::At(ground_m + height_m),
            (Some(Limit::HeightM(_)), None) => Self::Unknown,
        }
    }
}

/// Reads a limit as OpenAir files and charts write it: `GND`, `FL 95`, `4500 ft MSL`, `300 m AGL`, `UNL`. Without a unit: feet;
/// without a reference: above mean sea level. `None`: no limit.
///
/// # Errors
/// Any other text.
pub fn parse_limit(text: &str) -> Result<Option<ZoneLimit>, InvalidLimit> {
    let text: String = text.to_ascii_uppercase();
    let text = text.trim();
    if ["UNL", "UNLIM", "UNLIMITED", "UNLTD"].contains(&text) {
        return Ok(None);
    }
    if ["GND", "SFC", "SURFACE", "GROUND"].contains(&text) {
        return Ok(limit(Limit::HeightM(0.0)));
    }
    if let Some(level) = text.strip_prefix("FL") {
        let level: u32 = level.trim().parse().map_err(|_| InvalidLimit)?;
        return if level <= 3_000 { Ok(limit(Limit::FlightLevel(level))) } else { Err(InvalidLimit) };
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !"+-.".contains(letter)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| InvalidLimit)?;
    let (mut metres, mut is_height) = (number * FOOT_M, false);
    for word in words(rest) {
        match word {
            "FT" | "F" | "MSL" | "AMSL" | "ALT" | "AAL" | "STD" => {}
            "M" => metres = number,
            "AGL" | "GND" | "SFC" | "ASFC" => is_height = true,
            _ => return Err(InvalidLimit),
        }
    }
    if metres.abs() > HIGHEST_M {
        return Err(InvalidLimit);
    }
    let metres = to_centimetres(metres);
    Ok(limit(if is_height { Limit::HeightM(metres) } else { Limit::AltitudeM(metres) }))
}

/// `FTMSL` and `MAGL` are two words each.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| {
        let unit = ["FT", "M"].into_iter().find(|unit| {
            let rest = word.strip_prefix(unit);
            rest.is_some_and(|rest| ["MSL", "AMSL", "AGL", "GND", "SFC", "ASFC"].contains(&rest))
        });
        let (first, second) = word.split_at(unit.map_or(word.len(), str::len));
        [first, second].into_iter().filter(|part| !part.is_empty())
    })
}

/// A limit in metres above mean sea level.
pub(crate) fn altitude(metres: f64) -> Option<ZoneLimit> {
    (metres.abs() <= HIGHEST_M).then(|| limit(Limit::AltitudeM(to_centimetres(metres)))).flatten()
}

/// So that a limit is the same after it was written as a text and read again.
fn to_centimetres(metres: f64) -> f64 {
    (metres * 100.0).round() / 100.0
}

fn limit(limit: Limit) -> Option<ZoneLimit> {
    Some(ZoneLimit { limit: Some(limit) })
}

/// A limit as [`parse_limit`] reads it, exact to a centimetre: `GND`, `FL95`, `1371.6 m`, `300 m AGL`, `UNL`.
pub fn limit_text(limit: Option<&ZoneLimit>) -> String {
    match limit.and_then(|limit| limit.limit) {
        None => "UNL".to_owned(),
        Some(Limit::AltitudeM(metres)) => format!("{} m", to_centimetres(metres)),
        Some(Limit::HeightM(metres)) if metres <= 0.0 => "GND".to_owned(),
        Some(Limit::HeightM(metres)) => format!("{} m AGL", to_centimetres(metres)),
        Some(Limit::FlightLevel(level)) => format!("FL{level}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        for (text, read) in [
            ("GND", "GND"),
            ("sfc", "GND"),
            ("0 ft AGL", "GND"),
            ("FL 95", "FL95"),
            ("FL095", "FL95"),
            ("UNLIM", "UNL"),
            ("4500 ft MSL", "1371.6 m"),
            ("4500ft", "1371.6 m"),
            ("4500", "1371.6 m"),
            ("4500 AMSL", "1371.6 m"),
            ("1000MSL", "304.8 m"),
            ("1500 M MSL", "1500 m"),
            ("300 m AGL", "300 m AGL"),
            ("300MAGL", "300 m AGL"),
            ("1000FTAGL", "304.8 m AGL"),
            ("-100 ft", "-30.48 m"),
        ] {
            assert_eq!(parse_limit(text).map(|limit| limit_text(limit.as_ref())), Ok(read.to_owned()), "{text}");
        }
        for invalid in ["", "FL", "FL x", "high", "4500 furlongs", "1e9", "999999999 m", "FL99999"] {
            assert_eq!(parse_limit(invalid), Err(InvalidLimit), "{invalid}");
        }
    }

    #[test]
    fn a_limit_above_an_unknown_ground_is_unknown() {
        let bound = |text: &str, ground| Bound::of(parse_limit(text).unwrap().as_ref(), ground);
        assert_eq!(bound("300 m AGL", None), Bound::Unknown);
        assert_eq!(bound("300 m AGL", Some(1_200.0)), Bound::At(1_500.0));
        assert_eq!(bound("GND", None), Bound::Open);
        assert_eq!(bound("FL100", None), Bound::At(3_048.0));
        assert_eq!(bound("UNL", None), Bound::Open);
    }
}
