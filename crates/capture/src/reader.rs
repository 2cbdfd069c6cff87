//! Reading a capture.

use std::io::{Read, Seek, SeekFrom};

use crate::block::read_records;
use crate::index::Gap;
use crate::{Error, FileHeader, Index, Record, Result};

/// How a capture ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an index: it is complete.
    Complete,
    /// Without one: its writer was killed, is still writing, or the file was cut off.
    CutOff {
        /// Where the last complete block ends: from here it can be continued.
        end: u64,
        /// Bytes behind it that are lost.
        lost_bytes: u64,
    },
}

/// A capture that is open for reading.
#[derive(Debug)]
pub struct Capture<R> {
    input: R,
    header: FileHeader,
    header_bytes: u64,
    index: Index,
    ending: Ending,
    gaps: Vec<Gap>,
}

impl<R: Read + Seek> Capture<R> {
    /// Reads header and index; without an index, looks through the blocks.
    ///
    /// # Errors
    /// [`Error::NotACapture`], [`Error::Newer`], [`Error::Header`], [`Error::Io`]. Damaged blocks are no error here: see
    /// [`Capture::damage`].
    pub fn open(mut input: R) -> Result<Self> {
        let file_bytes = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        let (header, header_bytes) = FileHeader::read(&mut input)?;
        if let Some(index) = Index::read(&mut input, file_bytes)? {
            let fits = |entry: &crate::IndexEntry| {
                let end = entry.start.checked_add(entry.bytes);
                entry.start >= header_bytes && end.is_some_and(|end| end <= file_bytes)
            };
            if index.blocks.iter().all(fits) {
                return Ok(Self { input, header, header_bytes, index, ending: Ending::Complete, gaps: Vec::new() });
            }
        }
        let (index, gaps, end) = Index::scan(&mut input, header_bytes, file_bytes)?;
        let ending = Ending::CutOff { end, lost_bytes: file_bytes - end };
        Ok(Self { input, header, header_bytes, index, ending, gaps })
    }

    /// Its source.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Its blocks.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Whether it is complete.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Where its last complete block ends, or its header where it has none: from here it can be continued.
    pub fn end(&self) -> u64 {
        match self.ending {
            Ending::CutOff { end, .. } => end,
            Ending::Complete => self.index.blocks.last().map_or(self.header_bytes, |entry| entry.start + entry.bytes),
        }
    }

    /// Stretches between readable blocks, `(first byte, first byte behind)`: known where there was no index.
    pub fn damage(&self) -> impl Iterator<Item = (u64, u64)> {
        self.gaps.iter().map(|gap| (gap.start, gap.end))
    }

    /// How many records it has.
    pub fn records_len(&self) -> u64 {
        self.index.blocks.iter().map(|entry| u64::from(entry.summary.records)).sum()
    }

    /// The records of the block with this number.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn block(&mut self, number: usize) -> Result<Vec<Record>> {
        let entry = &self.index.blocks[number];
        let (summary, records) = read_records(&mut self.input, entry.start)?;
        if summary != entry.summary {
            return Err(Error::damaged(entry.start, "the block is not the one that the index names"));
        }
        Ok(records)
    }

    /// The file again.
    pub fn into_inner(self) -> R {
        self.input
    }
}
