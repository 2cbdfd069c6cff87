//! What an import gives, and what all formats have in common.

use geo::Position;
use schemas::v1::{Zone as WireZone, ZoneLimit, ZonePolygon};

use crate::limits::{CLASS_CHARS, ID_CHARS, NAME_CHARS, POLYGONS, VERTICES, ZONES};
use crate::ring::{RingError, encode};
use crate::zone::Zone;

/// The zones of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// In the order of the file.
    pub zones: Vec<WireZone>,
    /// Names of those that are on the map only: with a limit above a ground whose altitude is not known.
    pub not_judged: Vec<String>,
    /// Lines or geometries of a kind that is passed over.
    pub ignored: usize,
    vertices: usize,
}

/// Why a file is no import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct ImportError {
    /// A line or a feature, for example `line 12`.
    pub location: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl ImportError {
    pub(crate) fn line(number: usize, problem: impl Into<String>) -> Self {
        Self { location: format!("line {number}"), problem: problem.into() }
    }

    pub(crate) fn feature(number: usize, problem: impl Into<String>) -> Self {
        Self { location: format!("feature {number}"), problem: problem.into() }
    }
}

/// The text of a file in UTF-8 or, where it is not, in Latin-1.
pub fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A zone of a file, before it is checked.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// Empty: made of the name.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) zone_class: String,
    pub(crate) polygons: Vec<ZonePolygon>,
    pub(crate) floor: Option<ZoneLimit>,
    pub(crate) ceiling: Option<ZoneLimit>,
    pub(crate) ground_altitude_m: Option<f64>,
    pub(crate) valid_from_us: Option<u64>,
    pub(crate) valid_until_us: Option<u64>,
}

impl Import {
    /// Adds a zone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn add(&mut self, drawn: Drawn) -> Result<(), String> {
        let name = clean(&drawn.name, NAME_CHARS);
        let id = slug(if drawn.id.is_empty() { &drawn.name } else { &drawn.id });
        let zone = WireZone {
            zone_id: id,
            name: if name.is_empty() { "?".to_owned() } else { name },
            zone_class: clean(&drawn.zone_class, CLASS_CHARS).to_uppercase(),
            polygons: drawn.polygons,
            floor: drawn.floor,
            ceiling: drawn.ceiling,
            ground_altitude_m: drawn.ground_altitude_m,
            valid_from_us: drawn.valid_from_us,
            valid_until_us: drawn.valid_until_us,
        };
        if zone.polygons.len() > POLYGONS {
            return Err(format!("the zone has {} polygons: expected at most {POLYGONS}", zone.polygons.len()));
        }
        let Some(decoded) = Zone::decode("", &zone) else { return Err("the zone has no outline".to_owned()) };
        if decoded.is_upside_down() {
            return Err(format!("the floor of {:?} is not below its ceiling", zone.name));
        }
        if let (Some(from_us), Some(until_us)) = (zone.valid_from_us, zone.valid_until_us)
            && from_us >= until_us
        {
            return Err(format!("{:?} is valid until a time that is not after its beginning", zone.name));
        }
        self.vertices += decoded.vertices();
        if self.zones.len() == ZONES {
            return Err(format!("the file has more than {ZONES} zones: divide it, or leave zones out"));
        }
        if self.vertices > VERTICES {
            return Err(format!("the outlines have more than {VERTICES} points: simplify them"));
        }
        if !decoded.is_judged() {
            self.not_judged.push(zone.name.clone());
        }
        self.zones.push(zone);
        Ok(())
    }

    /// Gives each zone an id of its own: of those with one name, the second gets `-2`, in the order of the file.
    pub(crate) fn finish(mut self) -> Self {
        let mut taken = std::collections::BTreeSet::new();
        let mut next = std::collections::BTreeMap::<String, usize>::new();
        for zone in &mut self.zones {
            let wanted = zone.zone_id.clone();
            while !taken.insert(zone.zone_id.clone()) {
                let number = next.entry(wanted.clone()).or_insert(1);
                *number += 1;
                zone.zone_id = format!("{wanted}-{number}");
            }
        }
        self
    }

    /// How many vertices the zones have.
    pub fn vertices(&self) -> usize {
        self.vertices
    }
}

/// A polygon through positions, the outline first.
pub(crate) fn polygon(outline: &[Position], holes: &[Vec<Position>]) -> Result<ZonePolygon, RingError> {
    let holes: Result<_, _> = holes.iter().map(|hole| encode(hole)).collect();
    Ok(ZonePolygon { outline: Some(encode(outline)?), holes: holes? })
}

/// Without control characters and repeated spaces, at most so many characters.
fn clean(text: &str, chars: usize) -> String {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(chars).collect()
}

/// An id of a text: ASCII letters and digits, the rest as hyphens.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' | '0'..='9' | '_' | '.' => slug.push(letter),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        // Room for a number.
        if slug.len() == ID_CHARS - 6 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "zone".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_names_and_differ() {
        let drawn = |name: &str| Drawn {
            name: name.to_owned(),
            polygons: crate::testing::rectangle("a", 46.0, 7.0, 1.0, 1.0).polygons,
            ..Drawn::default()
        };
        let mut import = Import::default();
        for name in ["CTR Bern", "ctr  bern", "Zürich (TMA 1)", "ctr-bern-2", "", "\u{1}x\ty"] {
            import.add(drawn(name)).unwrap();
        }
        let import = import.finish();
        let ids: Vec<_> = import.zones.iter().map(|zone| zone.zone_id.as_str()).collect();
        assert_eq!(ids, ["ctr-bern", "ctr-bern-2", "z-rich-tma-1", "ctr-bern-2-2", "zone", "x-y"]);
        assert_eq!(import.zones[5].name, "x y");
    }

    #[test]
    fn latin_1_and_utf_8_are_read() {
        assert_eq!(text_of("\u{feff}AN Zürich".as_bytes()), "AN Zürich");
        assert_eq!(text_of(b"AN Z\xfcrich"), "AN Zürich");
    }
}
