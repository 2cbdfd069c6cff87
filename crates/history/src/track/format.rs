//! The forms in which a track leaves: each a writer that is fed position by position.

mod csv;
mod geojson;
mod gpx;
mod igc;
mod json;
mod kml;
#[cfg(test)]
mod properties;
mod runs;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod writer;

pub use writer::TrackWriter;

use super::Subject;
use crate::csv_line::CsvForm;

/// A form of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Segments of positions, as our other JSON answers have them.
    #[default]
    Json,
    /// RFC 7946: a line per segment.
    GeoJson,
    /// GPX 1.1.
    Gpx,
    /// KML 2.2 (OGC 07-147r2), with Google's `gx:Track` beside each line.
    Kml,
    /// The flight recorder format of the FAI, without its signature.
    Igc,
    /// RFC 4180.
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Json, Self::GeoJson, Self::Gpx, Self::Kml, Self::Igc, Self::Csv];

    /// As it is written in a query, and the ending of a file's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::GeoJson => "geojson",
            Self::Gpx => "gpx",
            Self::Kml => "kml",
            Self::Igc => "igc",
            Self::Csv => "csv",
        }
    }

    /// The form of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GeoJson => "application/geo+json",
            Self::Gpx => "application/gpx+xml",
            Self::Kml => "application/vnd.google-earth.kml+xml",
            Self::Igc => "application/vnd.fai.igc",
            Self::Csv => "text/csv",
        }
    }

    /// A writer for a track of this subject; `csv` says for whom CSV is.
    pub fn writer(self, subject: Subject, csv: CsvForm) -> Box<dyn TrackWriter> {
        match self {
            Self::Json => Box::new(json::Json::new(subject)),
            Self::GeoJson => Box::new(geojson::GeoJson::new(subject)),
            Self::Gpx => Box::new(gpx::Gpx::new(subject)),
            Self::Kml => Box::new(kml::Kml::new(subject)),
            Self::Igc => Box::new(igc::Igc::new(subject)),
            Self::Csv => Box::new(csv::Csv::new(subject, csv)),
        }
    }
}
