//! The file formats of tracks: each is a writer that takes the track position by position.

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

/// A file format of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Segments of positions, in the style of our other JSON answers.
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
    /// All formats.
    pub const ALL: [Self; 6] = [Self::Json, Self::GeoJson, Self::Gpx, Self::Kml, Self::Igc, Self::Csv];

    /// The text in a URL, which is also the file name's extension.
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

    /// The format of a text in a URL.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// The media type, without parameters.
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

    /// A writer for a track of this subject; `csv` is the form of CSV.
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
