//! Type 2, name: all bytes up to the first NUL or the end of the frame. Bytes after a NUL are
//! dropped. An empty name is valid.

use crate::error::EncodeError;
use crate::field::text::Text;
use crate::reader::Reader;
use crate::writer::Writer;

/// The name of a device or its pilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The name.
    pub name: Text<'a>,
}

impl<'a> Name<'a> {
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Self {
        Self { name: Text::until_nul(reader.take_rest()) }
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.text(self.name.as_bytes())
    }
}
