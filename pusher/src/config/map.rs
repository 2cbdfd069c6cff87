//! Settings of the map page.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use url::Url;

use crate::pmtiles;

/// The base map and terrain of the map page, and the view with which it opens.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Map")]
pub struct MapOptions {
    /// Serve the map page from this folder instead of the built-in one.
    #[arg(long, env = "UPDRAFT_PUSHER_WEB_DIR", value_name = "DIR", global = true)]
    pub web_dir: Option<PathBuf>,
    /// View with which the map opens: latitude,longitude,zoom [default: 46.6,8.4,8].
    #[arg(long, env = "UPDRAFT_PUSHER_MAP_START", value_name = "LAT,LON,ZOOM", value_parser = parse_map_start, allow_hyphen_values = true, global = true)]
    pub map_start: Option<MapStart>,
    /// PMTiles file with the base map: vector tiles in the Protomaps schema, or raster tiles. The map page reads it by
    /// HTTP range requests. See docs/base-maps.md.
    #[arg(long, env = "UPDRAFT_PUSHER_BASEMAP", value_name = "FILE.pmtiles", global = true)]
    pub basemap: Option<PathBuf>,
    /// PMTiles file with terrain, raster tiles of elevations: enables hillshade, contour lines and heights above
    /// ground.
    #[arg(long, env = "UPDRAFT_PUSHER_TERRAIN", value_name = "FILE.pmtiles", global = true)]
    pub terrain: Option<PathBuf>,
    /// Encoding of elevations in the terrain's pixels.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_TERRAIN_ENCODING",
        value_name = "ENCODING",
        value_enum,
        default_value_t,
        global = true
    )]
    pub terrain_encoding: TerrainEncoding,
    /// URL of a MapLibre style that users can choose as the base map. A style of another host is off until a user
    /// enables it, so that no browser contacts that host without consent.
    #[arg(long, env = "UPDRAFT_PUSHER_MAP_STYLE", value_name = "URL", global = true)]
    pub map_style: Option<String>,
    /// Further origins from which the map style loads tiles, fonts and symbols, separated by commas. The page's
    /// Content-Security-Policy allows these origins and no others.
    #[arg(
        long,
        env = "UPDRAFT_PUSHER_MAP_STYLE_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        global = true
    )]
    pub map_style_origins: Vec<String>,
}

/// How an elevation is encoded in a pixel's red, green and blue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TerrainEncoding {
    /// red * 256 + green + blue / 256 - 32768 m.
    #[default]
    Terrarium,
    /// (red * 65536 + green * 256 + blue) / 10 - 10000 m.
    Mapbox,
}

impl TerrainEncoding {
    /// MapLibre's name of the encoding.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Terrarium => "terrarium",
            Self::Mapbox => "mapbox",
        }
    }
}

/// The view with which the map opens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapStart {
    /// Degrees.
    pub latitude_deg: f64,
    /// Degrees.
    pub longitude_deg: f64,
    /// MapLibre's zoom level, 0 to 22.
    pub zoom: f64,
}

impl Default for MapStart {
    /// The Alps.
    fn default() -> Self {
        Self { latitude_deg: 46.6, longitude_deg: 8.4, zoom: 8.0 }
    }
}

impl MapOptions {
    /// Checks the headers of the files and the origins.
    ///
    /// # Errors
    /// A file cannot be read, is not a PMTiles file of version 3, or has tiles of the wrong type; an origin is invalid.
    pub fn check(&self) -> Result<(), String> {
        check_file("--basemap", self.basemap.as_deref(), pmtiles::Header::is_drawable)?;
        check_file("--terrain", self.terrain.as_deref(), pmtiles::Header::is_raster)?;
        for origin in &self.map_style_origins {
            if !Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin) {
                return Err(format!(
                    "invalid --map-style-origins {origin:?}: expected a scheme and a host without a path, for example \
                     https://tiles.example.org"
                ));
            }
        }
        Ok(())
    }
}

fn check_file(option: &str, file: Option<&Path>, is_allowed: fn(&pmtiles::Header) -> bool) -> Result<(), String> {
    let Some(file) = file else { return Ok(()) };
    let header =
        pmtiles::Header::read(file).map_err(|error| format!("invalid {option} {}: {error}", file.display()))?;
    if is_allowed(&header) {
        return Ok(());
    }
    let expected = if option == "--terrain" { "PNG or WebP" } else { "MVT, PNG, JPEG, WebP or AVIF" };
    let (file, found) = (file.display(), header.tile_type);
    Err(format!("invalid {option} {file}: its tiles are of type {found}, expected {expected}"))
}

fn parse_map_start(text: &str) -> Result<MapStart, String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match numbers[..] {
        [latitude_deg, longitude_deg, zoom]
            if latitude_deg.abs() <= 90.0 && longitude_deg.abs() <= 180.0 && (0.0..=22.0).contains(&zoom) =>
        {
            Ok(MapStart { latitude_deg, longitude_deg, zoom })
        }
        _ => Err("expected latitude,longitude,zoom, for example 46.6,8.4,8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(bytes: &[u8], options: fn(PathBuf) -> MapOptions) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        options(file.path().to_owned()).check()
    }

    #[test]
    fn a_file_with_wrong_tiles_is_refused() {
        let basemap = |file| MapOptions { basemap: Some(file), ..MapOptions::default() };
        let terrain = |file| MapOptions { terrain: Some(file), ..MapOptions::default() };
        let vector = pmtiles::tests::header(1);
        assert_eq!(with_file(&vector, basemap), Ok(()));
        let error = with_file(&vector, terrain).unwrap_err();
        assert!(error.contains("--terrain") && error.contains("PNG or WebP"), "{error}");
        assert_eq!(with_file(&pmtiles::tests::header(2), terrain), Ok(()));
        let error = with_file(b"PK\x03\x04", basemap).unwrap_err();
        assert!(error.contains("not a PMTiles file"), "{error}");
        let missing = MapOptions { basemap: Some("/nowhere/at.pmtiles".into()), ..MapOptions::default() };
        assert!(missing.check().unwrap_err().contains("/nowhere/at.pmtiles"));
    }

    #[test]
    fn an_origin_has_no_path() {
        let with = |origin: &str| MapOptions { map_style_origins: vec![origin.to_owned()], ..MapOptions::default() };
        assert_eq!(with("https://tiles.example.org").check(), Ok(()));
        for bad in ["tiles.example.org", "https://tiles.example.org/", "https://a.example; script-src *", "*"] {
            assert!(with(bad).check().is_err(), "{bad}");
        }
    }
}
