//! Writes the records of one run into blocks.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message as _;

use crate::block::{BLOCK_MAGIC, MAX_BLOCK_RECORDS, seal};
use crate::columns::Encoder;
use crate::keys;
use crate::{EncodedBlock, Error, Record, Result, Summary};

/// A block has at most about so many bytes before they are compressed.
const MAX_BLOCK_BYTES: usize = 1 << 20;
/// A record beyond it would make a block that no reader takes; Kafka takes far less.
const MAX_RECORD_BYTES: usize = 16 << 20;
/// Consecutive records differ little: a higher level costs twice the time for a twentieth of the size.
pub(crate) const LEVEL: i32 = 6;

/// Takes the records of one run in their order, and returns complete blocks.
pub struct RunBuilder {
    summary: Summary,
    devices: BTreeSet<Bytes>,
    receivers: BTreeSet<String>,
    encoder: Encoder,
}

impl RunBuilder {
    /// A run without records.
    pub fn new(run: u32) -> Self {
        let summary = Summary { run, ..Summary::default() };
        Self { summary, devices: BTreeSet::new(), receivers: BTreeSet::new(), encoder: Encoder::default() }
    }

    /// Adds a record; returns a block when one is full.
    ///
    /// # Errors
    /// [`Error::Record`]: a record of more than 16 MiB.
    pub fn push(&mut self, record: &Record) -> Result<Option<EncodedBlock>> {
        if size_of(record) > MAX_RECORD_BYTES {
            let Record { partition, offset, .. } = *record;
            return Err(Error::Record { partition, offset, what: "it is larger than 16 MiB" });
        }
        let summary = &mut self.summary;
        if summary.records == 0 {
            summary.first_offset = record.offset;
            (summary.first_ms, summary.last_ms) = (record.timestamp_ms, record.timestamp_ms);
        }
        summary.records += 1;
        summary.last_offset = record.offset;
        summary.first_ms = summary.first_ms.min(record.timestamp_ms);
        summary.last_ms = summary.last_ms.max(record.timestamp_ms);
        if let Some(key) = &record.key
            && !self.devices.contains(key)
        {
            // A copy: a slice would keep its complete buffer.
            self.devices.insert(Bytes::copy_from_slice(key));
        }
        if let Some(receiver) = self.encoder.push(record)
            && !self.receivers.contains(&receiver)
        {
            self.receivers.insert(receiver);
        }
        let is_full = self.summary.records >= MAX_BLOCK_RECORDS || self.encoder.bytes() >= MAX_BLOCK_BYTES;
        Ok(if is_full { self.take() } else { None })
    }

    /// The records since the last block as a block, `None` where there are none.
    pub fn take(&mut self) -> Option<EncodedBlock> {
        if self.summary.records == 0 {
            return None;
        }
        let next = Summary { run: self.summary.run, ..Summary::default() };
        let mut summary = std::mem::replace(&mut self.summary, next);
        summary.devices = keys::build(self.devices.iter().map(|key| &key[..])).into();
        summary.receivers = keys::build(self.receivers.iter().map(String::as_bytes)).into();
        self.devices.clear();
        self.receivers.clear();
        let payload = compress(&self.encoder.finish());
        let bytes = seal(BLOCK_MAGIC, &summary.encode_to_vec(), &payload);
        Some(EncodedBlock { bytes, summary })
    }
}

pub(crate) fn compress(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, LEVEL).expect("memory is compressed into a Vec")
}

fn size_of(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    let parts = [&record.key, &record.value];
    headers + parts.into_iter().flatten().map(Bytes::len).sum::<usize>()
}
