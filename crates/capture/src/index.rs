//! The index of blocks and their contents: written at the end of a complete capture, rebuilt by scanning otherwise.

use std::io::{Read, Seek, SeekFrom};

use prost::Message as _;

use crate::block::{BLOCK_MAGIC, HEAD_BYTES, Head, INDEX_MAGIC, MAX_INDEX_BYTES, decompress, read_parts, seal};
use crate::run::compress;
use crate::{Error, Result, Summary};

const END: [u8; 8] = *b"UDCAPEND";
pub(crate) const TRAILER_BYTES: u64 = 16;
/// How many bytes are scanned at once for the next block behind a damaged one.
const SEARCH_BYTES: usize = 1 << 16;

/// All blocks of a capture, in the order of the file.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Index {
    /// The blocks.
    #[prost(message, repeated, tag = "1")]
    pub blocks: Vec<IndexEntry>,
}

/// One block.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct IndexEntry {
    /// Where it begins in the file.
    #[prost(uint64, tag = "1")]
    pub start: u64,
    /// Its size, bytes.
    #[prost(uint64, tag = "2")]
    pub bytes: u64,
    /// Its contents.
    #[prost(message, required, tag = "3")]
    pub summary: Summary,
}

impl Index {
    /// Index and trailer as the end of a file that is `start` bytes long without them.
    pub fn to_bytes(&self, start: u64) -> Vec<u8> {
        let mut bytes = seal(INDEX_MAGIC, &[], &compress(&self.encode_to_vec()));
        bytes.extend(start.to_le_bytes());
        bytes.extend(END);
        bytes
    }

    /// The index at the end of a file. `None`: there is none, or it is damaged.
    pub(crate) fn read(input: &mut (impl Read + Seek), file_bytes: u64) -> Result<Option<Self>> {
        let Some(trailer_at) = file_bytes.checked_sub(TRAILER_BYTES) else { return Ok(None) };
        input.seek(SeekFrom::Start(trailer_at))?;
        let mut trailer = [0; TRAILER_BYTES as usize];
        input.read_exact(&mut trailer)?;
        let (start, end) = trailer.split_at(8);
        if end != END {
            return Ok(None);
        }
        let start = u64::from_le_bytes(start.try_into().expect("eight bytes"));
        if start > trailer_at {
            return Ok(None);
        }
        match read_parts(input, start) {
            Ok((head, _, payload)) if head.magic == INDEX_MAGIC => {
                let plain = decompress(&payload, max_plain_bytes(start));
                Ok(plain.and_then(|plain| Self::decode(plain.as_slice()).ok()))
            }
            Ok(_) | Err(Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks for the blocks from a byte on. Returns them, the damage between them, and where the last complete block ends.
    pub(crate) fn scan(input: &mut (impl Read + Seek), from: u64, file_bytes: u64) -> Result<(Self, Vec<Gap>, u64)> {
        let (mut index, mut gaps, mut at, mut end) = (Self::default(), Vec::<Gap>::new(), from, from);
        while at < file_bytes {
            match read_parts(input, at) {
                Ok((head, ..)) if head.magic == INDEX_MAGIC => break,
                Ok((head, summary, _)) if Summary::decode(summary.clone()).is_ok() => {
                    let summary = Summary::decode(summary).expect("it was decoded before");
                    index.blocks.push(IndexEntry { start: at, bytes: head.total_bytes(), summary });
                    at += head.total_bytes();
                    end = at;
                }
                Ok(_) | Err(Error::Damaged { .. }) => match next_block(input, at + 1, file_bytes)? {
                    Some(next) => {
                        match gaps.last_mut() {
                            Some(gap) if gap.end == at => gap.end = next,
                            _ => gaps.push(Gap { start: at, end: next }),
                        }
                        at = next;
                    }
                    None => break,
                },
                Err(error) => return Err(error),
            }
        }
        // What looked like a head behind the last block was none.
        gaps.retain(|gap| gap.end < end);
        Ok((index, gaps, end))
    }
}

/// The longest decompressed index that begins at this byte. An entry repeats the summary of its block and adds at most
/// 34 bytes, so it is shorter than the block twice; and a small file cannot make a reader allocate much.
fn max_plain_bytes(start: u64) -> u64 {
    start.saturating_mul(2).min(MAX_INDEX_BYTES.into())
}

/// Bytes that belong to no readable block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The first of them.
    pub start: u64,
    /// The first byte behind them.
    pub end: u64,
}

/// The position of the next possible head.
fn next_block(input: &mut (impl Read + Seek), mut from: u64, file_bytes: u64) -> Result<Option<u64>> {
    let mut piece = Vec::new();
    while from + HEAD_BYTES as u64 <= file_bytes {
        input.seek(SeekFrom::Start(from))?;
        piece.clear();
        input.by_ref().take(SEARCH_BYTES as u64).read_to_end(&mut piece)?;
        let found = piece.windows(HEAD_BYTES).position(|bytes| {
            bytes.starts_with(&BLOCK_MAGIC) && Head::parse(bytes.try_into().expect("sixteen bytes")).is_some()
        });
        if let Some(found) = found {
            return Ok(Some(from + found as u64));
        }
        // The pieces overlap, so that a head across their border is found.
        from += (piece.len().max(HEAD_BYTES) - HEAD_BYTES + 1) as u64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// An index of some blocks with long filters.
    fn index(blocks: u64) -> Index {
        let summary = Summary { records: 1, devices: vec![7_u8; 8 << 10].into(), ..Summary::default() };
        let entry = |number| IndexEntry { start: number, bytes: 1, summary: summary.clone() };
        Index { blocks: (0..blocks).map(entry).collect() }
    }

    /// The index that is read behind blocks of `start` bytes.
    fn read_behind(start: u64, index: &Index) -> Option<Index> {
        let mut file = vec![0_u8; start as usize];
        file.extend(index.to_bytes(start));
        let file_bytes = file.len() as u64;
        Index::read(&mut Cursor::new(file), file_bytes).expect("readable")
    }

    #[test]
    fn the_index_of_a_long_capture_may_be_longer_than_a_block() {
        let limit_of_a_block = 32 << 20;
        assert!(max_plain_bytes(100 * limit_of_a_block) > 10 * limit_of_a_block);
        assert_eq!(max_plain_bytes(u64::MAX), 1 << 30, "never without a limit");
    }

    #[test]
    fn an_index_is_bounded_by_the_blocks_before_it() {
        let index = index(20);
        let plain_bytes = index.encoded_len() as u64;
        assert_eq!(read_behind(plain_bytes, &index), Some(index.clone()));
        assert_eq!(read_behind(plain_bytes / 2 - 1, &index), None, "no such blocks would fit there");
    }
}
