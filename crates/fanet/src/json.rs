//! Frames as JSON, with the keys of `tests/fixtures/vectors.md` (feature `serde`).
//!
//! Fields that were not transmitted have no key. Codes, ids and integral numbers are integers, flags are
//! booleans, other measured values are floating point, bytes are lower-case hex.

mod payload;
mod text;

use envelope::Wrapped;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::frame::Frame;
use crate::header::{ExtendedHeader, Header};
use crate::packet::Packet;

use payload::Payload;
use text::{Hex, Shown};

/// A frame with its metadata.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report<'a> {
    /// How it was received, where a base station said so.
    pub wrapped: Option<Wrapped<'a>>,
    /// The frame.
    pub frame: Frame<'a>,
    /// Whether its signature is right, where a key is known.
    pub signature_valid: Option<bool>,
}

impl<'a> Report<'a> {
    /// A frame of which nothing else is known.
    #[must_use]
    pub const fn new(frame: Frame<'a>) -> Self {
        Self { wrapped: None, frame, signature_valid: None }
    }
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(wrapped) = &self.wrapped {
            map.serialize_entry("timestamp_s", &wrapped.timestamp_s)?;
            map.serialize_entry("rssi_dbm", &wrapped.rssi_dbm)?;
            map.serialize_entry("snr_db", &wrapped.snr_db)?;
        }
        let Frame { header, packet, trailing } = &self.frame;
        let packet_type = packet.packet_type();
        map.serialize_entry("type", &packet_type.code())?;
        map.serialize_entry("type_name", packet_type.name())?;
        write_header(header, &mut map)?;
        if let Some(valid) = self.signature_valid {
            map.serialize_entry("signature_valid", &valid)?;
        }
        match packet {
            Packet::Other { payload, .. } => map.serialize_entry("payload_hex", &Hex(payload))?,
            known => map.serialize_entry("payload", &Payload(known))?,
        }
        if !trailing.is_empty() {
            map.serialize_entry("trailing_hex", &Hex(trailing))?;
        }
        map.end()
    }
}

impl Serialize for Frame<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Report::new(*self).serialize(serializer)
    }
}

fn write_header<M: SerializeMap>(header: &Header, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("forward", &header.forward)?;
    map.serialize_entry("extended", &header.extended.is_some())?;
    map.serialize_entry("source_address", &Shown(header.source))?;
    map.serialize_entry("source_manufacturer", &header.source.manufacturer())?;
    map.serialize_entry("source_id", &header.source.id())?;
    match &header.extended {
        Some(extended) => write_extended(extended, map),
        None => Ok(()),
    }
}

fn write_extended<M: SerializeMap>(extended: &ExtendedHeader, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("ack", &extended.ack.code())?;
    map.serialize_entry("unicast", &extended.destination.is_some())?;
    map.serialize_entry("signed", &extended.signature.is_some())?;
    map.serialize_entry("geo_forwarded", &extended.geo_forwarded)?;
    map.serialize_entry("extended_reserved", &extended.reserved)?;
    if let Some(destination) = extended.destination {
        map.serialize_entry("destination_address", &Shown(destination))?;
    }
    if let Some(signature) = extended.signature {
        map.serialize_entry("signature_hex", &Hex(&signature.0))?;
    }
    Ok(())
}
