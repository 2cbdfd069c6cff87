//! A block: some records of one run, compressed, with a summary that is readable without decompressing.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use prost::Message as _;

use crate::columns::Decoder;
use crate::{Error, Record, Result};

pub(crate) const BLOCK_MAGIC: [u8; 4] = *b"BLK1";
pub(crate) const INDEX_MAGIC: [u8; 4] = *b"IDX1";
/// Maximum number of records of a block: enough to compress well, few enough to be read for one of them.
pub const MAX_BLOCK_RECORDS: u32 = 4096;
/// Magic, two lengths and the checksum.
pub(crate) const HEAD_BYTES: usize = 16;
/// Far above the lengths that this program writes: a longer one is damage, and must not make a reader allocate.
const MAX_PART_BYTES: u32 = 40 << 20;
/// Maximum size of a block's decompressed payload.
const MAX_PLAIN_BYTES: u64 = 32 << 20;
/// Maximum size of an index, compressed or not: it grows with the capture, by up to 16 KiB a block. Captures beyond it
/// are read by looking through their blocks.
pub(crate) const MAX_INDEX_BYTES: u32 = 1 << 30;

/// The contents of a block.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Summary {
    /// The run that its records belong to.
    #[prost(uint32, tag = "1")]
    pub run: u32,
    /// How many records.
    #[prost(uint32, tag = "2")]
    pub records: u32,
    /// The lowest record time, ms since the epoch.
    #[prost(sint64, tag = "3")]
    pub first_ms: i64,
    /// The highest record time, ms since the epoch.
    #[prost(sint64, tag = "4")]
    pub last_ms: i64,
    /// The offset of the first record.
    #[prost(uint64, tag = "5")]
    pub first_offset: u64,
    /// The offset of the last record.
    #[prost(uint64, tag = "6")]
    pub last_offset: u64,
    /// A Bloom filter over the keys: device addresses, and receivers' ids of frames without one.
    #[prost(bytes = "bytes", tag = "7")]
    pub devices: Bytes,
    /// A Bloom filter over the receivers' ids.
    #[prost(bytes = "bytes", tag = "8")]
    pub receivers: Bytes,
}

/// A block as bytes of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBlock {
    /// Head, summary and payload.
    pub bytes: Vec<u8>,
    /// Its contents.
    pub summary: Summary,
}

/// Head, first and second part with their checksum.
pub(crate) fn seal(magic: [u8; 4], first: &[u8], second: &[u8]) -> Vec<u8> {
    let lengths = [first.len(), second.len()].map(|length| (length as u32).to_le_bytes());
    let mut bytes = Vec::with_capacity(HEAD_BYTES + first.len() + second.len());
    bytes.extend(magic);
    bytes.extend(lengths.iter().flatten());
    bytes.extend(checksum(&lengths, first, second).to_le_bytes());
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(second);
    bytes
}

fn checksum(lengths: &[[u8; 4]; 2], first: &[u8], second: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [lengths[0].as_slice(), &lengths[1], first, second] {
        hasher.update(part);
    }
    hasher.finalize()
}

/// The head of a block or of the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) magic: [u8; 4],
    pub(crate) first_bytes: u32,
    pub(crate) second_bytes: u32,
    checksum: u32,
}

impl Head {
    /// `None`: no head begins here.
    pub(crate) fn parse(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let magic = [bytes[0], bytes[1], bytes[2], bytes[3]];
        let head = Self { magic, first_bytes: number(4), second_bytes: number(8), checksum: number(12) };
        let max_second_bytes = match magic {
            BLOCK_MAGIC => MAX_PART_BYTES,
            INDEX_MAGIC => MAX_INDEX_BYTES,
            _ => return None,
        };
        let is_possible = head.first_bytes <= MAX_PART_BYTES && head.second_bytes <= max_second_bytes;
        is_possible.then_some(head)
    }

    /// From its magic to its last byte.
    pub(crate) fn total_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.first_bytes) + u64::from(self.second_bytes)
    }
}

/// Both parts behind a head, after their checksum was compared.
pub(crate) fn read_parts(input: &mut (impl Read + Seek), at: u64) -> Result<(Head, Bytes, Bytes)> {
    input.seek(SeekFrom::Start(at))?;
    let mut head = [0; HEAD_BYTES];
    read_all(input, &mut head, at)?;
    let head = Head::parse(&head).ok_or(Error::damaged(at, "no block begins here"))?;
    let length = u64::from(head.first_bytes) + u64::from(head.second_bytes);
    let mut both = Vec::new();
    input.by_ref().take(length).read_to_end(&mut both)?;
    if both.len() as u64 != length {
        return Err(Error::damaged(at, "the file ends within a block"));
    }
    let (first, second) = both.split_at(head.first_bytes as usize);
    if checksum(&[head.first_bytes.to_le_bytes(), head.second_bytes.to_le_bytes()], first, second) != head.checksum {
        return Err(Error::damaged(at, "the checksum does not match"));
    }
    let first_bytes = first.len();
    let both = Bytes::from(both);
    Ok((head, both.slice(..first_bytes), both.slice(first_bytes..)))
}

fn read_all(input: &mut impl Read, into: &mut [u8], at: u64) -> Result<()> {
    input.read_exact(into).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::damaged(at, "the file ends within a block"),
        _ => error.into(),
    })
}

/// The records of the block that begins at a byte of the file.
pub(crate) fn read_records(input: &mut (impl Read + Seek), at: u64) -> Result<(Summary, Vec<Record>)> {
    let (head, summary, payload) = read_parts(input, at)?;
    if head.magic != BLOCK_MAGIC {
        return Err(Error::damaged(at, "no block begins here"));
    }
    let summary = Summary::decode(summary).map_err(|_| Error::damaged(at, "the summary cannot be decoded"))?;
    let records = decode(&summary, &payload).ok_or(Error::damaged(at, "the records cannot be decoded"))?;
    Ok((summary, records))
}

fn decode(summary: &Summary, payload: &[u8]) -> Option<Vec<Record>> {
    if summary.records > MAX_BLOCK_RECORDS {
        return None;
    }
    let plain = decompress(payload, MAX_PLAIN_BYTES)?;
    let mut decoder = Decoder::new(plain.into())?;
    let mut records = Vec::new();
    for _ in 0..summary.records {
        records.push(decoder.record()?);
    }
    decoder.is_at_end().then_some(records)
}

/// `None`: it is no Zstandard frame, or one of more than `max_bytes`. The memory grows with what is decompressed: the
/// length that a frame names is not believed.
pub(crate) fn decompress(payload: &[u8], max_bytes: u64) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(payload).ok()?;
    decoder.take(max_bytes + 1).read_to_end(&mut plain).ok()?;
    (plain.len() as u64 <= max_bytes).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::compress;

    #[test]
    fn more_than_the_limit_is_not_decompressed() {
        let compressed = compress(&[7; 1000]);
        assert_eq!(decompress(&compressed, 1000), Some(vec![7; 1000]));
        assert_eq!(decompress(&compressed, 999), None);
        assert_eq!(decompress(b"no frame", 1000), None);
    }

    #[test]
    fn an_index_may_be_longer_than_a_block() {
        let head = |magic: [u8; 4], second_bytes: u32| {
            let mut bytes = [0; HEAD_BYTES];
            bytes[..4].copy_from_slice(&magic);
            bytes[8..12].copy_from_slice(&second_bytes.to_le_bytes());
            Head::parse(&bytes)
        };
        assert!(head(BLOCK_MAGIC, MAX_PART_BYTES).is_some() && head(BLOCK_MAGIC, MAX_PART_BYTES + 1).is_none());
        assert!(head(INDEX_MAGIC, MAX_PART_BYTES + 1).is_some() && head(INDEX_MAGIC, MAX_INDEX_BYTES).is_some());
        assert!(head(INDEX_MAGIC, MAX_INDEX_BYTES + 1).is_none() && head(*b"BLK9", 0).is_none());
    }
}
