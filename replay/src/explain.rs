//! Explanations of frames: every byte with its field and meaning.

mod fields;
mod layout;
mod lists;
mod payload;
mod table;

use std::fmt::Write;

use envelope::WRAPPER_BYTES;
use fanet::json::Report;
use fanet::{DecodeError, Frame, RawFrame};

use crate::decode::line::{LineError, Parts};
use layout::{Kind, Layout};
use table::Table;

/// Writes explanations, in colour or not.
pub(crate) struct Explainer {
    colour: bool,
}

impl Explainer {
    pub(crate) const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// The explanation of one line.
    pub(crate) fn explain(&self, parts: &Parts<'_>, decoded: &Result<Report<'_>, LineError>) -> String {
        let table = Table::new(self.colour);
        match decoded {
            Ok(report) => table.print(&title(&report.frame, parts), &known(parts, report)),
            Err(LineError::Frame(error)) => table.print(&format!("refused: {error}"), &refused(parts, error)),
            Err(other) => table.print(&format!("refused: {}", other.codes().0), &Layout::new(&[])),
        }
    }

    /// The explanation of an MQTT payload.
    pub(crate) fn explain_payload(&self, payload: &[u8]) -> String {
        let decoded = crate::select::decode(payload).map(|(wrapped, frame)| Report {
            wrapped: Some(wrapped),
            frame,
            signature_valid: None,
        });
        self.explain(&Parts { bytes: payload, is_wrapped: true }, &decoded.map_err(LineError::Frame))
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
