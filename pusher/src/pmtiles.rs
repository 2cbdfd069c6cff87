//! The header of a PMTiles file, version 3: enough to refuse a file that the map page cannot show.
//!
//! Source: <https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>, section 3.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

const MAGIC: &[u8] = b"PMTiles";
const VERSION: u8 = 3;
const HEADER_BYTES: usize = 127;
const TILE_TYPE_AT: usize = 99;
const KNOWN_TYPES: [&str; 6] = ["unknown", "MVT", "PNG", "JPEG", "WebP", "AVIF"];

/// The fields of a header that the pusher uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The format of the tiles.
    pub(crate) tile_type: &'static str,
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a PMTiles file of version 3: the end of a sentence for the operator.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let read = File::open(file).and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut bytes));
        read.map_err(|error| format!("it cannot be read: {error}"))?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(MAGIC) {
            return Err("it is not a PMTiles file: expected one that begins with \"PMTiles\"".to_owned());
        }
        match (bytes.get(MAGIC.len()), bytes.get(TILE_TYPE_AT)) {
            (Some(&VERSION), Some(&tile_type)) if bytes.len() == HEADER_BYTES => {
                Ok(Self { tile_type: KNOWN_TYPES.get(usize::from(tile_type)).copied().unwrap_or(KNOWN_TYPES[0]) })
            }
            (Some(&VERSION) | None, _) => Err("it is truncated within its header: copy it again".to_owned()),
            (Some(version), _) => {
                Err(format!("it has version {version}, expected {VERSION}: convert it with `pmtiles convert`"))
            }
        }
    }

    /// Whether the map page can show the tiles.
    pub(crate) fn is_drawable(&self) -> bool {
        self.tile_type != KNOWN_TYPES[0]
    }

    /// Whether the tiles are lossless images, as elevations need them.
    pub(crate) fn is_raster(&self) -> bool {
        matches!(self.tile_type, "PNG" | "WebP")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header alone, for tiles of a type.
    pub(crate) fn header(tile_type: u8) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[MAGIC.len()] = VERSION;
        bytes[TILE_TYPE_AT] = tile_type;
        bytes
    }

    #[test]
    fn the_type_of_the_tiles_is_known() {
        for (tile_type, name) in [(1, "MVT"), (2, "PNG"), (4, "WebP"), (0, "unknown"), (77, "unknown")] {
            assert_eq!(Header::parse(&header(tile_type)).unwrap().tile_type, name);
        }
    }

    #[test]
    fn an_invalid_file_gets_a_precise_error() {
        let mut old = header(1);
        old[MAGIC.len()] = 2;
        for (bytes, expected) in [
            (&b""[..], "not a PMTiles file"),
            (b"PMTiles", "truncated"),
            (&old, "it has version 2, expected 3"),
            (&header(1)[..126], "truncated"),
        ] {
            let error = Header::parse(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
