//! The records of a block, field by field: a column holds one field of all records, in their order.
//!
//! Consecutive values of a column are similar, so that a column compresses better than complete records. A field that a
//! record lacks takes no space in its column: the record's byte in `record_flags` says which columns have a value of
//! it. A record whose value is a frame as our bridge writes it is split into fields; any other value is stored as it
//! is. Joining the columns again gives the same bytes.
//!
//! Numbers are varints; "signed" ones are mapped to unsigned ones first (zigzag). A byte string has its length before
//! it. Repeated texts are stored once, in the columns that end in `texts` and `names`, and the other columns have their
//! index.

use bytes::Bytes;
use envelope::WRAPPER_BYTES;
use rustc_hash::FxHashMap;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

use crate::cursor::{Cursor, put_bytes, put_varint, zigzag};
use crate::raw::{Framed, address_of_frame};
use crate::{Header, Record};

/// Bits of a record's byte in `record_flags`: the fields that it has, and how they are stored.
mod flags {
    pub(super) const HAS_KEY: u8 = 1;
    /// The key is the sender's address in the frame: it is computed from the frame, and not in `keys`.
    pub(super) const KEY_IS_ADDRESS: u8 = 2;
    /// Not set: a tombstone.
    pub(super) const HAS_VALUE: u8 = 4;
    /// The value is a raw record with a frame, encoded as our bridge does: its fields are in the columns from
    /// `framings` to `frames`, and not in `values`.
    pub(super) const IS_FRAME: u8 = 8;
    /// The raw record has a `receiver_id`.
    pub(super) const HAS_RECEIVER: u8 = 16;
    /// The raw record has an `origin_id`: it was replayed.
    pub(super) const HAS_ORIGIN: u8 = 32;
    pub(super) const HAS_HEADERS: u8 = 64;
    /// Other bits are unknown.
    pub(super) const ALL: u8 = 127;
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident)*) => {
        /// The columns, in the order of a block.
        #[derive(Default)]
        struct Columns { $($(#[$doc])* $name: Vec<u8>,)* }

        impl Columns {
            fn write(&self, out: &mut Vec<u8>) {
                $(put_bytes(out, &self.$name);)*
            }

            fn clear(&mut self) {
                $(self.$name.clear();)*
            }
        }

        #[derive(Default)]
        struct Cursors { $($name: Cursor,)* }

        impl Cursors {
            fn read(from: &mut Cursor) -> Option<Self> {
                Some(Self { $($name: Cursor(from.bytes()?),)* })
            }

            fn are_empty(&self) -> bool {
                true $(&& self.$name.is_empty())*
            }
        }
    };
}

columns! {
    /// One byte per record: the bits of [`flags`].
    record_flags
    /// Partition minus that of the record before, signed.
    partitions
    /// Offset minus the one that follows that of the record before, signed: 0 within a partition without gaps.
    offsets
    /// The record's time minus that of the record before, ms, signed.
    timestamps
    /// Keys, without those that are the address in the frame.
    keys
    /// Values that are not split into fields.
    values
    /// The framing of the value: index in `framing_texts`.
    framings
    /// Ingestion time minus the record's time, µs, signed.
    ingested
    /// The id of the receiver: index in `receiver_texts`.
    receivers
    /// The `origin_id` of a replayed record: the id of the record that it repeats; eight bytes, little-endian.
    origin_ids
    /// From the wrapper: the receiver's timestamp minus the record's time, s, signed.
    stamps
    /// From the wrapper: the RSSI minus [`TYPICAL_RSSI_DBM`], signed.
    rssi
    /// From the wrapper: the SNR, signed.
    snr
    /// Length of the frame, without the wrapper, bytes.
    frame_lengths
    /// The frames, one after the other.
    frames
    /// The number of headers, then for each the index of its name in `header_names`, and its value.
    headers
    /// Distinct framings, in the order of their first use.
    framing_texts
    /// Distinct ids of receivers, likewise.
    receiver_texts
    /// Distinct names of headers, likewise.
    header_names
}

/// Most signal strengths differ from it by less than 64 dB, so that the difference takes one byte.
const TYPICAL_RSSI_DBM: i64 = -90;

/// Assigns an index to each distinct byte string, in the order of their first use.
#[derive(Default)]
struct Dictionary {
    numbers: FxHashMap<Bytes, u64>,
}

impl Dictionary {
    fn number(&mut self, text: &[u8], texts: &mut Vec<u8>) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u64;
        self.numbers.insert(Bytes::copy_from_slice(text), number);
        put_bytes(texts, text);
        number
    }
}

/// Builds the columns of a block from its records.
#[derive(Default)]
pub(crate) struct Encoder {
    columns: Columns,
    framings: Dictionary,
    receivers: Dictionary,
    names: Dictionary,
    previous: Previous,
}

/// The previous record, with which the next one is compared.
#[derive(Clone, Copy, Default)]
struct Previous {
    partition: i64,
    next_offset: i64,
    timestamp_ms: i64,
}

impl Encoder {
    /// Adds a record. Returns the receiver that it is from, where there is one.
    pub(crate) fn push(&mut self, record: &Record) -> Option<String> {
        let columns = &mut self.columns;
        let (partition, offset) = (i64::from(record.partition), record.offset as i64);
        put_varint(&mut columns.partitions, zigzag(partition.wrapping_sub(self.previous.partition)));
        put_varint(&mut columns.offsets, zigzag(offset.wrapping_sub(self.previous.next_offset)));
        let since_ms = record.timestamp_ms.wrapping_sub(self.previous.timestamp_ms);
        put_varint(&mut columns.timestamps, zigzag(since_ms));
        self.previous = Previous { partition, next_offset: offset.wrapping_add(1), timestamp_ms: record.timestamp_ms };

        let mut bits = 0;
        let mut frame = None;
        let mut receiver = None;
        if let Some(value) = &record.value {
            bits |= flags::HAS_VALUE;
            let framed = Framed::parse(value);
            frame = framed.as_ref().and_then(|framed| framed.canonical_frame(value));
            match (&frame, &framed) {
                (Some(payload), Some(framed)) => bits |= flags::IS_FRAME | self.push_frame(record, framed, payload),
                _ => put_bytes(&mut columns.values, value),
            }
            receiver = framed.and_then(|framed| framed.record.receiver_id);
        }
        if let Some(key) = &record.key {
            bits |= flags::HAS_KEY;
            let address = frame.as_ref().and_then(|payload| address_of_frame(&payload[WRAPPER_BYTES..]));
            if address.is_some_and(|address| address == key[..]) {
                bits |= flags::KEY_IS_ADDRESS;
            } else {
                put_bytes(&mut self.columns.keys, key);
            }
        }
        if !record.headers.is_empty() {
            bits |= flags::HAS_HEADERS;
            put_varint(&mut self.columns.headers, record.headers.len() as u64);
            for header in &record.headers {
                let number = self.names.number(header.name.as_bytes(), &mut self.columns.header_names);
                put_varint(&mut self.columns.headers, number);
                put_bytes(&mut self.columns.headers, &header.value);
            }
        }
        self.columns.record_flags.push(bits);
        receiver
    }

    fn push_frame(&mut self, record: &Record, framed: &Framed, payload: &Bytes) -> u8 {
        let columns = &mut self.columns;
        let mut bits = 0;
        put_varint(&mut columns.framings, self.framings.number(&framed.framing, &mut columns.framing_texts));
        let ingested_us = framed.record.ingested_at_us as i64;
        let record_us = record.timestamp_ms.wrapping_mul(1000);
        put_varint(&mut columns.ingested, zigzag(ingested_us.wrapping_sub(record_us)));
        if let Some(receiver) = &framed.record.receiver_id {
            bits |= flags::HAS_RECEIVER;
            let number = self.receivers.number(receiver.as_bytes(), &mut columns.receiver_texts);
            put_varint(&mut columns.receivers, number);
        }
        if let Some(origin) = framed.record.origin_id {
            bits |= flags::HAS_ORIGIN;
            columns.origin_ids.extend(origin.to_le_bytes());
        }
        let (wrapper, frame) = payload.split_at(WRAPPER_BYTES);
        let stamp_s = i64::from(u32::from_le_bytes([wrapper[0], wrapper[1], wrapper[2], wrapper[3]]));
        let record_s = record.timestamp_ms.div_euclid(1000);
        put_varint(&mut columns.stamps, zigzag(stamp_s.wrapping_sub(record_s)));
        let rssi = i64::from(i16::from_le_bytes([wrapper[4], wrapper[5]]));
        put_varint(&mut columns.rssi, zigzag(rssi - TYPICAL_RSSI_DBM));
        put_varint(&mut columns.snr, zigzag(i64::from(i16::from_le_bytes([wrapper[6], wrapper[7]]))));
        put_varint(&mut columns.frame_lengths, frame.len() as u64);
        columns.frames.extend_from_slice(frame);
        bits
    }

    /// The approximate size, bytes: that of the largest columns.
    pub(crate) fn bytes(&self) -> usize {
        let Columns { frames, values, headers, keys, .. } = &self.columns;
        frames.len() + values.len() + headers.len() + keys.len()
    }

    /// All columns, each as a byte string. The encoder is empty afterwards.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.columns.write(&mut out);
        self.columns.clear();
        for dictionary in [&mut self.framings, &mut self.receivers, &mut self.names] {
            dictionary.numbers.clear();
        }
        self.previous = Previous::default();
        out
    }
}

/// Joins the records of a block from its columns.
pub(crate) struct Decoder {
    cursors: Cursors,
    framings: Vec<Bytes>,
    receivers: Vec<String>,
    names: Vec<String>,
    previous: Previous,
}

impl Decoder {
    /// `None`: the bytes are not the columns of a block.
    pub(crate) fn new(columns: Bytes) -> Option<Self> {
        let mut all = Cursor(columns);
        let mut cursors = Cursors::read(&mut all)?;
        if !all.is_empty() {
            return None;
        }
        let framings = texts(&mut cursors.framing_texts)?;
        let receivers = strings(&mut cursors.receiver_texts)?;
        let names = strings(&mut cursors.header_names)?;
        Some(Self { cursors, framings, receivers, names, previous: Previous::default() })
    }

    /// Whether all columns have been read to their ends.
    pub(crate) fn is_at_end(&self) -> bool {
        self.cursors.are_empty()
    }

    /// The next record. `None`: the columns are damaged.
    pub(crate) fn record(&mut self) -> Option<Record> {
        let cursors = &mut self.cursors;
        let bits = cursors.record_flags.byte().filter(|bits| bits & !flags::ALL == 0)?;
        let partition = self.previous.partition.wrapping_add(cursors.partitions.signed()?);
        let offset = self.previous.next_offset.wrapping_add(cursors.offsets.signed()?);
        let timestamp_ms = self.previous.timestamp_ms.wrapping_add(cursors.timestamps.signed()?);
        self.previous = Previous { partition, next_offset: offset.wrapping_add(1), timestamp_ms };
        let mut frame = None;
        let value = match (bits & flags::HAS_VALUE != 0, bits & flags::IS_FRAME != 0) {
            (false, false) => None,
            (false, true) => return None,
            (true, false) => Some(cursors.values.bytes()?),
            (true, true) => {
                let (value, payload) = self.frame(bits, timestamp_ms)?;
                frame = Some(payload);
                Some(value)
            }
        };
        let key = match (bits & flags::HAS_KEY != 0, bits & flags::KEY_IS_ADDRESS != 0) {
            (false, false) => None,
            (false, true) => return None,
            (true, false) => Some(self.cursors.keys.bytes()?),
            (true, true) => {
                let address = address_of_frame(&frame?[WRAPPER_BYTES..])?;
                Some(Bytes::copy_from_slice(&address))
            }
        };
        let headers = if bits & flags::HAS_HEADERS == 0 { Vec::new() } else { self.headers()? };
        let partition = u32::try_from(partition).ok()?;
        Some(Record { partition, offset: offset as u64, timestamp_ms, key, value, headers })
    }

    /// The value of a record with [`flags::IS_FRAME`], and its MQTT payload: wrapper and frame.
    fn frame(&mut self, bits: u8, timestamp_ms: i64) -> Option<(Bytes, Bytes)> {
        let cursors = &mut self.cursors;
        let framing = nth(&self.framings, cursors.framings.varint()?)?.clone();
        let ingested_us = timestamp_ms.wrapping_mul(1000).wrapping_add(cursors.ingested.signed()?);
        let receiver_id = match bits & flags::HAS_RECEIVER != 0 {
            true => Some(nth(&self.receivers, cursors.receivers.varint()?)?.clone()),
            false => None,
        };
        let origin_id = match bits & flags::HAS_ORIGIN != 0 {
            true => Some(u64::from_le_bytes(cursors.origin_ids.take(8)?[..].try_into().ok()?)),
            false => None,
        };
        let stamp_s = timestamp_ms.div_euclid(1000).wrapping_add(cursors.stamps.signed()?);
        let rssi = cursors.rssi.signed()?.checked_add(TYPICAL_RSSI_DBM)?;
        let length = cursors.frame_lengths.varint()?;
        let mut payload = Vec::with_capacity(WRAPPER_BYTES + length.min(256) as usize);
        payload.extend(u32::try_from(stamp_s).ok()?.to_le_bytes());
        payload.extend(i16::try_from(rssi).ok()?.to_le_bytes());
        payload.extend(i16::try_from(cursors.snr.signed()?).ok()?.to_le_bytes());
        payload.extend_from_slice(&cursors.frames.take(length)?);
        let payload = Bytes::from(payload);
        let input = Some(Input::MqttFrame(payload.clone()));
        let record = RawRecord { ingested_at_us: ingested_us as u64, receiver_id, origin_id, input };
        Some((Framed { framing, record }.to_value(), payload))
    }

    fn headers(&mut self) -> Option<Vec<Header>> {
        let cursor = &mut self.cursors.headers;
        let count = cursor.varint()?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = nth(&self.names, cursor.varint()?)?.clone();
            headers.push(Header { name, value: cursor.bytes()? });
        }
        Some(headers)
    }
}

fn nth<T>(texts: &[T], number: u64) -> Option<&T> {
    texts.get(usize::try_from(number).ok()?)
}

fn texts(column: &mut Cursor) -> Option<Vec<Bytes>> {
    let mut texts = Vec::new();
    while !column.is_empty() {
        texts.push(column.bytes()?);
    }
    Some(texts)
}

fn strings(column: &mut Cursor) -> Option<Vec<String>> {
    texts(column)?.into_iter().map(|text| String::from_utf8(text.to_vec()).ok()).collect()
}
