//! Type 3, message: byte 0 is the subtype, the rest is text up to the first NUL.

use crate::error::{DecodeError, EncodeError};
use crate::field::text::Text;
use crate::reader::Reader;
use crate::writer::Writer;

/// A text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// 0 is a normal message; others are not assigned.
    pub subtype: u8,
    /// What it says.
    pub message: Text<'a>,
}

impl<'a> Message<'a> {
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let subtype = reader.u8("subtype")?;
        Ok(Self { subtype, message: Text::until_nul(reader.take_rest()) })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u8(self.subtype);
        writer.text(self.message.as_bytes())
    }
}
