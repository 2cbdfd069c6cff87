//! The capture of an hour while it is made: a temporary file of blocks per partition, put one after the other at the
//! end. So the bytes depend on the records only, and memory use is constant.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use capture::{EncodedBlock, FileHeader, Record, RunBuilder, Summary};

/// The blocks of all partitions; a partition is a run.
pub struct HourFile {
    partitions: Vec<Partition>,
}

struct Partition {
    builder: RunBuilder,
    file: File,
    blocks: Vec<(u64, Summary)>,
}

impl HourFile {
    /// No records.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub fn create(partitions: u32) -> std::io::Result<Self> {
        let open =
            |run| Ok(Partition { builder: RunBuilder::new(run), file: tempfile::tempfile()?, blocks: Vec::new() });
        Ok(Self { partitions: (0..partitions).map(open).collect::<std::io::Result<_>>()? })
    }

    /// Adds a record behind those of its partition.
    ///
    /// # Errors
    /// The record is too large for a capture, or a temporary file cannot be written.
    pub fn add(&mut self, record: &Record) -> capture::Result<()> {
        let partition = &mut self.partitions[record.partition as usize];
        match partition.builder.push(record)? {
            Some(block) => Ok(partition.write(block)?),
            None => Ok(()),
        }
    }

    /// The capture, to be read piece by piece.
    pub(crate) fn finish(self, header: &FileHeader) -> std::io::Result<Pieces> {
        let header = header.to_bytes();
        let header_bytes = header.len() as u64;
        let (mut files, mut blocks) = (Vec::new(), Vec::new());
        for mut partition in self.partitions {
            if let Some(block) = partition.builder.take() {
                partition.write(block)?;
            }
            partition.file.seek(SeekFrom::Start(0))?;
            blocks.append(&mut partition.blocks);
            files.push(partition.file);
        }
        files.reverse();
        Ok(Pieces { begin: Some(header), files, end: Some(capture::assemble(header_bytes, blocks)) })
    }
}

impl Partition {
    fn write(&mut self, block: EncodedBlock) -> std::io::Result<()> {
        self.file.write_all(&block.bytes)?;
        self.blocks.push((block.bytes.len() as u64, block.summary));
        Ok(())
    }
}

/// A capture in pieces.
pub(crate) struct Pieces {
    begin: Option<Vec<u8>>,
    /// The next one last.
    files: Vec<File>,
    end: Option<Vec<u8>>,
}

impl Pieces {
    /// The next piece; empty at the end.
    pub(crate) fn next(&mut self) -> std::io::Result<Vec<u8>> {
        if let Some(begin) = self.begin.take() {
            return Ok(begin);
        }
        while let Some(file) = self.files.last_mut() {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            file.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            if !piece.is_empty() {
                return Ok(piece);
            }
            self.files.pop();
        }
        Ok(self.end.take().unwrap_or_default())
    }
}

/// How much of a file is in memory at once.
const PIECE_BYTES: usize = 1 << 20;
