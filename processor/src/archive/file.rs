//! The file of an hour while it is made: a temporary file per partition, put one after the other at the end. So the bytes
//! depend on the records alone, and memory stays flat.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};

use prost::Message as _;
use streams::Incoming;
use zstd::stream::write::Encoder;

use super::ArchivedRecord;

/// Records of positions differ little from each other: level 3 makes a quarter of them, more costs ten times the time.
const LEVEL: i32 = 3;

/// One temporary file per partition.
pub(super) struct HourFile {
    partitions: Vec<Encoder<'static, File>>,
    buffer: Vec<u8>,
}

/// A partition's frame, complete.
pub(super) struct Frame {
    pub(super) file: File,
    pub(super) bytes: u64,
}

impl HourFile {
    pub(super) fn create(partitions: u32) -> std::io::Result<Self> {
        let open = |_| {
            let mut encoder = Encoder::new(tempfile::tempfile()?, LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(encoder)
        };
        let partitions = (0..partitions).map(open).collect::<std::io::Result<_>>()?;
        Ok(Self { partitions, buffer: Vec::new() })
    }

    pub(super) fn add(&mut self, record: Incoming) -> std::io::Result<()> {
        let into = &mut self.partitions[record.partition as usize];
        self.buffer.clear();
        ArchivedRecord::from(record).encode_length_delimited(&mut self.buffer).expect("a Vec grows");
        into.write_all(&self.buffer)
    }

    /// The frames, each read from its beginning.
    pub(super) fn finish(self) -> std::io::Result<Vec<Frame>> {
        let close = |encoder: Encoder<'static, File>| {
            let mut file = encoder.finish()?;
            let bytes = file.seek(SeekFrom::End(0))?;
            file.seek(SeekFrom::Start(0))?;
            Ok(Frame { file, bytes })
        };
        self.partitions.into_iter().map(close).collect()
    }
}

impl Frame {
    /// The next piece; empty at the end.
    pub(super) fn piece(&mut self) -> std::io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        (&mut self.file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        Ok(piece)
    }
}

/// How much of a file is in memory at once.
const PIECE_BYTES: usize = 1 << 20;
