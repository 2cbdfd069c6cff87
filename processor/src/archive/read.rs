//! Reading an archived hour back: checked against its manifest first, then record by record.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _};

use futures::TryStreamExt as _;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use zstd::stream::read::Decoder;

use super::{ArchivedRecord, Manifest, Store};

/// The largest record that can be: far above what Kafka takes.
const MAX_RECORD_BYTES: u64 = 64 << 20;

/// An archived hour that is not what its manifest says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is another one than was written.
    #[error("{file}: size or checksum is not that of the manifest")]
    Damaged {
        /// Its name.
        file: String,
    },
    /// The records are not those that the manifest tells of.
    #[error("{file}, partition {partition}: {what}")]
    Records {
        /// Its name.
        file: String,
        /// The partition.
        partition: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// The file cannot be read.
    #[error("cannot read an archived hour")]
    Io(#[from] io::Error),
}

/// The records of one hour. They come in the order of time, and of one partition in the order of the log: at each step the
/// partition whose next record has the lowest clock goes on.
pub struct ArchiveReader {
    partitions: Vec<Partition>,
}

struct Partition {
    file: String,
    number: u32,
    left: u64,
    end_offset: u64,
    next_offset: u64,
    /// The highest time so far: what orders this partition among the others.
    clock_ms: i64,
    input: BufReader<Decoder<'static, BufReader<io::Take<File>>>>,
    peeked: Option<ArchivedRecord>,
}

impl ArchiveReader {
    /// Fetches an hour into a temporary file and compares its checksum before the first record is given out.
    ///
    /// # Errors
    /// The store is away, or the file is damaged.
    pub async fn open(store: &Store, manifest: &Manifest) -> anyhow::Result<Self> {
        let named = tempfile::NamedTempFile::new()?;
        let (mut file, mut sha256, mut bytes) = (named.reopen()?, Sha256::new(), 0);
        let mut pieces = store.pieces(manifest).await?;
        while let Some(piece) = pieces.try_next().await? {
            sha256.update(&piece);
            bytes += piece.len() as u64;
            file.write_all(&piece)?;
        }
        let hex: String = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if bytes != manifest.bytes || hex != manifest.sha256 {
            return Err(ReadError::Damaged { file: manifest.file.clone() }.into());
        }
        let mut partitions = Vec::new();
        for section in &manifest.partitions {
            // Each partition reads at a place of its own.
            let mut part = named.reopen()?;
            part.seek(SeekFrom::Start(section.start_byte))?;
            let mut partition = Partition {
                file: manifest.file.clone(),
                number: section.partition,
                left: section.records,
                end_offset: section.end_offset,
                next_offset: section.first_offset,
                clock_ms: i64::MIN,
                input: BufReader::new(Decoder::new(part.take(section.bytes))?),
                peeked: None,
            };
            partition.peek()?;
            partitions.push(partition);
        }
        Ok(Self { partitions })
    }
}

impl Iterator for ArchiveReader {
    type Item = Result<ArchivedRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let waiting = self.partitions.iter_mut().filter(|partition| partition.peeked.is_some());
        let partition = waiting.min_by_key(|partition| (partition.clock_ms, partition.number))?;
        let record = partition.peeked.take()?;
        Some(partition.peek().map(|()| record))
    }
}

impl Partition {
    fn peek(&mut self) -> Result<(), ReadError> {
        self.peeked = self.read()?;
        if let Some(record) = &self.peeked {
            self.clock_ms = self.clock_ms.max(record.timestamp_ms);
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Option<ArchivedRecord>, ReadError> {
        let at_end = self.input.fill_buf()?.is_empty();
        match (self.left, at_end) {
            (0, true) => return Ok(None),
            (0, false) => return Err(self.wrong("more records than its manifest says")),
            (_, true) => return Err(self.wrong("fewer records than its manifest says")),
            (_, false) => self.left -= 1,
        }
        let length = self.varint()?;
        if length > MAX_RECORD_BYTES {
            return Err(self.wrong("a record of impossible length"));
        }
        let mut bytes = vec![0; length as usize];
        self.input.read_exact(&mut bytes)?;
        let record = ArchivedRecord::decode(bytes.as_slice()).map_err(|_| self.wrong("a record that is none"))?;
        let in_order = (self.next_offset..self.end_offset).contains(&record.offset);
        if record.partition != self.number || !in_order {
            return Err(self.wrong("a record out of its place"));
        }
        self.next_offset = record.offset + 1;
        Ok(Some(record))
    }

    fn varint(&mut self) -> Result<u64, ReadError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.input.read_exact(&mut byte)?;
            value |= u64::from(byte[0] & 0x7F) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(self.wrong("a length without an end"))
    }

    fn wrong(&self, what: &'static str) -> ReadError {
        ReadError::Records { file: self.file.clone(), partition: self.number, what }
    }
}
