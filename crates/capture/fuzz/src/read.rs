//! Any bytes as a capture: it is refused with an error, or read to its end; nothing panics, and no length that it names is
//! believed before the bytes are there. Records that are read are written and read again: they stay the same.
//!
//! Checksums are made right first, since none would be right by chance. Bytes that are no capture become the columns of a
//! block, so that the fuzzer reaches them without Zstandard in between.

#![no_main]

use std::io::Cursor;

use capture::{Capture, FileHeader, Filter, MAGIC, Record, Writer};
use libfuzzer_sys::fuzz_target;

/// Columns of a block.
const COLUMNS: usize = 19;
/// Maximum size of a raw Zstandard block.
const RAW_BLOCK_BYTES: usize = 128 << 10;

fuzz_target!(|bytes: &[u8]| {
    let file = if bytes.starts_with(&MAGIC) { with_checksums(bytes) } else { with_columns(bytes) };
    let Ok(mut capture) = Capture::open(Cursor::new(file)) else { return };
    let filter = Filter { time_ms: Some(0..i64::MAX), ..Filter::default() };
    for record in capture.records(filter) {
        if record.is_err() {
            break;
        }
    }
    let read: Result<Vec<Record>, _> = capture.records(Filter::default()).collect();
    if let Ok(records) = read
        && !records.is_empty()
    {
        stays_the_same(&records);
    }
});

fn stays_the_same(records: &[Record]) {
    let mut writer = Writer::new(Vec::new(), &FileHeader::default()).expect("a Vec takes all");
    for record in records {
        // Larger ones are refused.
        if writer.push(0, record).is_err() {
            return;
        }
    }
    let (bytes, _) = writer.finish().expect("a Vec takes all");
    let mut capture = Capture::open(Cursor::new(bytes)).expect("it was written just now");
    let again: Result<Vec<Record>, _> = capture.records(Filter::default()).collect();
    assert_eq!(again.expect("it was written just now"), records);
}

/// The file with the checksums of its parts, as far as their lengths lead.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let Some(length) = number(&file, 10) else { return file };
    let checksum_at = 14_usize.saturating_add(length);
    if checksum_at + 4 > file.len() {
        return file;
    }
    let checksum = crc32fast::hash(&file[..checksum_at]);
    put(&mut file, checksum_at, checksum);
    let mut at = checksum_at + 4;
    while let (Some(first), Some(second)) = (number(&file, at + 4), number(&file, at + 8)) {
        let end = at + 16 + first + second;
        if end > file.len() {
            break;
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&file[at + 4..at + 12]);
        hasher.update(&file[at + 16..end]);
        put(&mut file, at + 12, hasher.finalize());
        at = end;
    }
    file
}

/// A capture of one block: two bytes are its number of records, then come the lengths of its columns, then these.
fn with_columns(bytes: &[u8]) -> Vec<u8> {
    let mut file = FileHeader::default().to_bytes();
    let Some((start, mut rest)) = bytes.split_at_checked(2 + COLUMNS) else { return file };
    let mut plain = Vec::new();
    for length in &start[2..] {
        let (column, behind) = rest.split_at(rest.len().min(usize::from(*length)));
        plain.extend(varint(column.len() as u64));
        plain.extend_from_slice(column);
        rest = behind;
    }
    // Field 2 of the summary.
    let mut summary = vec![0x10];
    summary.extend(varint(u64::from(u16::from_le_bytes([start[0], start[1]]))));
    let plain = &plain[..plain.len().min(RAW_BLOCK_BYTES)];
    // A frame of Zstandard with one raw block: magic, no options, a window of 2 MiB, the last block's length.
    let mut payload = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58];
    payload.extend_from_slice(&((plain.len() as u32) << 3 | 1).to_le_bytes()[..3]);
    payload.extend_from_slice(plain);
    let lengths = [summary.len() as u32, payload.len() as u32].map(u32::to_le_bytes);
    let mut hasher = crc32fast::Hasher::new();
    for part in [&lengths[0][..], &lengths[1], &summary, &payload] {
        hasher.update(part);
    }
    file.extend_from_slice(b"BLK1");
    file.extend_from_slice(lengths.as_flattened());
    file.extend_from_slice(&hasher.finalize().to_le_bytes());
    file.extend_from_slice(&summary);
    file.extend_from_slice(&payload);
    file
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*four) as usize)
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
