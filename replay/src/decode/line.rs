//! One line: decodes and prints it.

use std::borrow::Cow;
use std::io::{self, Write};

use explain::{Explainer, Parts};
use fanet::json::Report;
use fanet::{DecodeError, RawFrame, Wrapped};
use serde::Deserialize;

use super::hex;

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Hex of a frame.
    Frame,
    /// Hex of a base-station message.
    Wrapped,
    /// A vector object.
    Vectors,
}

/// Why a line has no frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LineError {
    /// The frame is refused.
    Frame(DecodeError),
    /// The line is not an even number of hex digits.
    NotHex,
    /// The line is not an object with `frame_hex` or `mqtt_hex`.
    NotAVector,
}

impl LineError {
    /// The code and the class to print.
    pub(crate) const fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::Frame(error) => (error.reason(), error.class().as_str()),
            Self::NotHex => ("invalid_hex", "violation"),
            Self::NotAVector => ("invalid_vector", "violation"),
        }
    }
}

impl From<hex::NotHex> for LineError {
    fn from(_: hex::NotHex) -> Self {
        Self::NotHex
    }
}

/// The keys of a vector object that we read; others are ignored.
#[derive(Deserialize)]
struct Vector<'a> {
    #[serde(borrow)]
    frame_hex: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mqtt_hex: Option<Cow<'a, str>>,
    #[serde(borrow)]
    psk_hex: Option<Cow<'a, str>>,
}

/// Decodes line after line into the same buffers.
pub(crate) struct LineDecoder<'k> {
    format: Format,
    key: Option<&'k [u8]>,
    bytes: Vec<u8>,
    own_key: Vec<u8>,
    has_own_key: bool,
    /// Whether `bytes` begins with a wrapper.
    is_wrapped: bool,
}

impl<'k> LineDecoder<'k> {
    pub(crate) const fn new(format: Format, key: Option<&'k [u8]>) -> Self {
        Self { format, key, bytes: Vec::new(), own_key: Vec::new(), has_own_key: false, is_wrapped: false }
    }

    /// Takes the bytes that `line` spells.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.bytes.clear();
        self.has_own_key = false;
        match self.format {
            Format::Frame | Format::Wrapped => {
                self.is_wrapped = self.format == Format::Wrapped;
                Ok(hex::decode(line, &mut self.bytes)?)
            }
            Format::Vectors => self.read_vector(line),
        }
    }

    /// The frame in the bytes read last, with all that is known about it.
    pub(crate) fn report(&self) -> Result<Report<'_>, LineError> {
        let key = if self.has_own_key { Some(self.own_key.as_slice()) } else { self.key };
        report(&self.bytes, self.is_wrapped, key).map_err(LineError::Frame)
    }

    /// Fills the buffers from a vector object.
    fn read_vector(&mut self, line: &[u8]) -> Result<(), LineError> {
        let vector: Vector<'_> = serde_json::from_slice(line).map_err(|_| LineError::NotAVector)?;
        let digits = match (&vector.mqtt_hex, &vector.frame_hex) {
            (Some(digits), None) | (None, Some(digits)) => digits,
            _ => return Err(LineError::NotAVector),
        };
        self.is_wrapped = vector.mqtt_hex.is_some();
        hex::decode(digits.as_bytes(), &mut self.bytes)?;
        if let Some(digits) = &vector.psk_hex {
            hex::decode(digits.as_bytes(), &mut self.own_key)?;
        }
        self.has_own_key = vector.psk_hex.is_some();
        Ok(())
    }

    /// The bytes of the last line.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { bytes: &self.bytes, is_wrapped: self.is_wrapped }
    }
}

fn report<'a>(bytes: &'a [u8], is_wrapped: bool, key: Option<&[u8]>) -> Result<Report<'a>, DecodeError> {
    let wrapped = if is_wrapped { Some(Wrapped::decode(bytes)?) } else { None };
    let raw = RawFrame::parse(wrapped.map_or(bytes, |wrapped| wrapped.frame))?;
    let frame = raw.decode()?;
    Ok(Report { wrapped, frame, signature_valid: key.map(|key| raw.is_signed_with(key)) })
}

/// The explanation of one line.
pub(crate) fn explained(explainer: &Explainer, parts: &Parts<'_>, decoded: &Result<Report<'_>, LineError>) -> String {
    match decoded {
        Ok(report) => explainer.decoded(parts, report),
        Err(LineError::Frame(error)) => explainer.refused(parts, error),
        Err(other) => explainer.unreadable(other.codes().0),
    }
}

/// Writes one line of JSON.
pub(crate) fn write_json(decoded: &Result<Report<'_>, LineError>, out: &mut impl Write) -> io::Result<()> {
    match decoded {
        Ok(report) => serde_json::to_writer(&mut *out, report).map_err(io::Error::from)?,
        Err(error) => {
            let (code, class) = error.codes();
            write!(out, r#"{{"error":"{code}","error_class":"{class}"}}"#)?;
        }
    }
    out.write_all(b"\n")
}
