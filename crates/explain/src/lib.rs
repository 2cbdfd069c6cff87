//! Explanations of frames: every byte with its field and meaning.
//!
//! `replay` prints them in a terminal, and the pusher shows those of dead letters to operators. Pure: bytes in, text out.

mod fields;
mod layout;
mod lists;
mod payload;
mod table;

use std::fmt::Write;

use envelope::{Topic, WRAPPER_BYTES};
use fanet::json::Report;
use fanet::{DecodeError, Frame, RawFrame, Wrapped};

use layout::{Kind, Layout};
use table::Table;

/// The bytes of one message.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// All of them.
    pub bytes: &'a [u8],
    /// Whether they begin with a wrapper.
    pub is_wrapped: bool,
}

/// Writes explanations, in colour or not.
#[derive(Clone, Copy, Debug)]
pub struct Explainer {
    table: Table,
}

impl Explainer {
    /// `colour`: with the codes of a terminal.
    pub const fn new(colour: bool) -> Self {
        Self { table: Table::new(colour) }
    }

    /// The explanation of a message that decodes as `report`.
    ///
    /// # Panics
    /// `report` is of other bytes.
    pub fn decoded(&self, parts: &Parts<'_>, report: &Report<'_>) -> String {
        self.table.print(&title(&report.frame, parts), &known(parts, report))
    }

    /// The explanation of a message that is refused, up to where.
    pub fn refused(&self, parts: &Parts<'_>, error: &DecodeError) -> String {
        self.table.print(&format!("refused: {error}"), &refused(parts, error))
    }

    /// That there is no message. `reason`: a code.
    pub fn unreadable(&self, reason: &str) -> String {
        self.table.print(&format!("refused: {reason}"), &Layout::new(&[]))
    }

    /// The explanation of an MQTT payload.
    pub fn payload(&self, payload: &[u8]) -> String {
        let parts = Parts { bytes: payload, is_wrapped: true };
        let decoded = Wrapped::decode(payload).map_err(DecodeError::from).and_then(|wrapped| {
            Ok(Report { wrapped: Some(wrapped), frame: Frame::decode(wrapped.frame)?, signature_valid: None })
        });
        match decoded {
            Ok(report) => self.decoded(&parts, &report),
            Err(error) => self.refused(&parts, &error),
        }
    }
}

/// The receiver whose frames an MQTT topic has, under any prefix. `None`: it is for something else.
pub fn receiver_of_frames(topic: &str) -> Option<&str> {
    match Topic::parse_under_any_prefix(topic)? {
        Topic::Frame { receiver, .. } => Some(receiver),
        Topic::Hardware { .. } => None,
    }
}

/// Packet type, source, destination and length.
fn title(frame: &Frame<'_>, parts: &Parts<'_>) -> String {
    let mut title = format!("{} from {}", frame.packet.packet_type().name(), frame.header.source);
    if let Some(name) = frame.header.source.manufacturer_name() {
        let _ = write!(title, " ({name})");
    }
    if let Some(destination) = frame.header.destination() {
        let _ = write!(title, " to {destination}");
    }
    let _ = write!(title, ", {} bytes", parts.bytes.len());
    title
}

/// The layout of a line that decodes.
fn known<'a>(parts: &Parts<'a>, report: &Report<'_>) -> Layout<'a> {
    let mut layout = Layout::new(parts.bytes);
    if parts.is_wrapped {
        wrapper(&mut layout);
    }
    let start = layout.at();
    let raw = RawFrame::parse(&parts.bytes[start..]).expect("the frame has decoded");
    header(&mut layout, &raw, report.signature_valid);
    payload::explain(&mut layout, &report.frame);
    layout.kind(Kind::Trailing);
    layout.rest("trailing_hex", "unknown field");
    layout
}

/// The layout of a line up to where it is refused.
fn refused<'a>(parts: &Parts<'a>, error: &DecodeError) -> Layout<'a> {
    let mut layout = Layout::new(parts.bytes);
    if parts.is_wrapped && parts.bytes.len() >= WRAPPER_BYTES {
        wrapper(&mut layout);
    }
    let start = layout.at();
    if let Ok(raw) = RawFrame::parse(&parts.bytes[start..]) {
        header(&mut layout, &raw, None);
    }
    let bad = (start + error.offset).max(layout.at());
    let good = bad - layout.at();
    if good > 0 {
        layout.put(good, "", "valid up to here");
    }
    layout.kind(Kind::Error);
    layout.here(error.field, format!("{}: {}", error.class(), error.reason()));
    layout
}

fn wrapper(layout: &mut Layout<'_>) {
    layout.kind(Kind::Wrapper);
    let seconds = u32::from_le_bytes(layout.peek());
    layout.put(4, "timestamp_s", seconds.to_string());
    let rssi = i16::from_le_bytes(layout.peek());
    layout.put(2, "rssi_dbm", rssi.to_string());
    let snr = i16::from_le_bytes(layout.peek());
    layout.put(2, "snr_db", snr.to_string());
}

fn header(layout: &mut Layout<'_>, raw: &RawFrame<'_>, signature_valid: Option<bool>) {
    layout.kind(Kind::Header);
    let extended = raw.header.extended;
    layout.put(1, "", "");
    layout.bits("7", "extended", extended.is_some().to_string());
    layout.bits("6", "forward", raw.header.forward.to_string());
    layout.bits("0-5", "type", format!("{}, {}", raw.packet_type.code(), raw.packet_type.name()));
    layout.put(3, "source_address", address(raw.header.source));
    let Some(extended) = extended else { return };
    layout.put(1, "", "");
    layout.bits("6-7", "ack", format!("{}, {:?}", extended.ack.code(), extended.ack));
    layout.bits("5", "unicast", extended.destination.is_some().to_string());
    layout.bits("4", "signed", extended.signature.is_some().to_string());
    layout.bits("3", "geo_forwarded", extended.geo_forwarded.to_string());
    layout.bits("0-2", "extended_reserved", extended.reserved.to_string());
    if let Some(destination) = extended.destination {
        layout.put(3, "destination_address", address(destination));
    }
    if extended.signature.is_some() {
        let verdict = match signature_valid {
            None => "not checked without a key",
            Some(true) => "valid",
            Some(false) => "not valid with this key",
        };
        layout.put(4, "signature_hex", verdict);
    }
}

fn address(address: fanet::Address) -> String {
    match address.manufacturer_name() {
        Some(name) => format!("{address}, {name}"),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests;
