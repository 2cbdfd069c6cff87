//! Writing a capture.

use std::collections::BTreeMap;
use std::io::Write;

use crate::{EncodedBlock, FileHeader, Index, IndexEntry, Record, Result, RunBuilder};

/// Writes a capture: records go into blocks by run, and a full block is written at once.
///
/// Records that are not yet in a block are lost when the process ends without [`Writer::finish`]; [`Writer::flush`]
/// bounds the loss.
pub struct Writer<W> {
    out: W,
    written_bytes: u64,
    runs: BTreeMap<u32, RunBuilder>,
    index: Index,
}

impl<W: Write> Writer<W> {
    /// Begins a capture.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn new(mut out: W, header: &FileHeader) -> Result<Self> {
        let written_bytes = header.write(&mut out)?;
        Ok(Self { out, written_bytes, runs: BTreeMap::new(), index: Index::default() })
    }

    /// Continues a capture: `out` is positioned behind its last complete block ([`crate::Capture::end`]).
    pub fn resume(out: W, written_bytes: u64, index: Index) -> Self {
        Self { out, written_bytes, runs: BTreeMap::new(), index }
    }

    /// Adds a record to a run; its offset is higher than that of the one before it.
    ///
    /// # Errors
    /// [`crate::Error::Record`], or the output cannot be written.
    pub fn push(&mut self, run: u32, record: &Record) -> Result<()> {
        let builder = self.runs.entry(run).or_insert_with(|| RunBuilder::new(run));
        match builder.push(record)? {
            Some(block) => self.write(&block),
            None => Ok(()),
        }
    }

    /// Writes the buffered records of all runs as blocks: small ones compress less.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let blocks: Vec<EncodedBlock> = self.runs.values_mut().filter_map(RunBuilder::take).collect();
        blocks.iter().try_for_each(|block| self.write(block))?;
        Ok(self.out.flush()?)
    }

    /// Bytes written so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes the buffered records, and the index. Returns the output and how many bytes the capture has.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(mut self) -> Result<(W, u64)> {
        self.flush()?;
        let end = self.index.to_bytes(self.written_bytes);
        self.out.write_all(&end)?;
        self.out.flush()?;
        Ok((self.out, self.written_bytes + end.len() as u64))
    }

    fn write(&mut self, block: &EncodedBlock) -> Result<()> {
        self.out.write_all(&block.bytes)?;
        let (start, bytes) = (self.written_bytes, block.bytes.len() as u64);
        self.index.blocks.push(IndexEntry { start, bytes, summary: block.summary.clone() });
        self.written_bytes += bytes;
        Ok(())
    }
}

/// The end of a capture whose blocks were written elsewhere, one after the other behind a header of so many bytes.
pub fn assemble(header_bytes: u64, blocks: impl IntoIterator<Item = (u64, crate::Summary)>) -> Vec<u8> {
    let (mut index, mut start) = (Index::default(), header_bytes);
    for (bytes, summary) in blocks {
        index.blocks.push(IndexEntry { start, bytes, summary });
        start += bytes;
    }
    index.to_bytes(start)
}
