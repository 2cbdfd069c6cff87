//! The header of a capture: its source.

use std::io::{Read, Write};

use prost::Message as _;

use crate::{Error, Result};

/// The first bytes of every capture. Like PNG's, they show a transfer that changed line ends or dropped the eighth bit.
pub const MAGIC: [u8; 8] = *b"\x89UDCAP\r\n";
/// The version of the format that this program writes.
pub const FORMAT_VERSION: u16 = 1;
/// Far above the length of a header.
const MAX_HEADER_BYTES: u32 = 1 << 20;
/// Magic, version and length.
const FIXED_BYTES: usize = 14;

/// The source of a capture.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FileHeader {
    /// The full name of the topic that the records were read from; empty: they came over MQTT.
    #[prost(string, tag = "1")]
    pub topic: String,
    /// The cluster and topic generation that the offsets are of; empty: unknown.
    #[prost(string, tag = "2")]
    pub epoch: String,
    /// The topic's number of partitions; 0: the records came over MQTT.
    #[prost(uint32, tag = "3")]
    pub partitions: u32,
    /// The program that wrote it, with its version.
    #[prost(string, tag = "4")]
    pub written_by: String,
    /// Where the records came from and how they were chosen, for people.
    #[prost(string, tag = "5")]
    pub source: String,
}

impl FileHeader {
    /// The header as bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend((self.encoded_len() as u32).to_le_bytes());
        self.encode(&mut bytes).expect("a Vec grows");
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> Result<u64> {
        let bytes = self.to_bytes();
        out.write_all(&bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Reads the header, and how many bytes it takes.
    ///
    /// # Errors
    /// [`Error::NotACapture`], [`Error::Newer`], [`Error::Header`], [`Error::Io`].
    pub fn read(input: &mut impl Read) -> Result<(Self, u64)> {
        let mut fixed = Vec::with_capacity(FIXED_BYTES);
        input.by_ref().take(FIXED_BYTES as u64).read_to_end(&mut fixed)?;
        if !fixed.starts_with(&MAGIC) {
            fixed.truncate(MAGIC.len());
            return Err(Error::NotACapture { found: fixed });
        }
        if fixed.len() < FIXED_BYTES {
            return Err(Error::Header { what: "it is cut off" });
        }
        let version = u16::from_le_bytes([fixed[8], fixed[9]]);
        if version > FORMAT_VERSION {
            return Err(Error::Newer { found: version, known: FORMAT_VERSION });
        }
        let length = u32::from_le_bytes([fixed[10], fixed[11], fixed[12], fixed[13]]);
        if version == 0 || length > MAX_HEADER_BYTES {
            return Err(Error::Header { what: "its version or length is impossible" });
        }
        let rest_bytes = length as usize + 4;
        let mut rest = Vec::with_capacity(rest_bytes);
        input.by_ref().take(rest_bytes as u64).read_to_end(&mut rest)?;
        if rest.len() < rest_bytes {
            return Err(Error::Header { what: "it is cut off" });
        }
        let (message, checksum) = rest.split_at(length as usize);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&fixed);
        hasher.update(message);
        if hasher.finalize().to_le_bytes() != checksum {
            return Err(Error::Header { what: "its checksum does not match" });
        }
        let header = Self::decode(message).map_err(|_| Error::Header { what: "it cannot be decoded" })?;
        Ok((header, (FIXED_BYTES + rest_bytes) as u64))
    }
}
