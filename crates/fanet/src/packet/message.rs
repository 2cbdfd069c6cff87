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
    /// The text.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use crate::testing::{broadcast, packet, refusal};

    #[test]
    fn subtypes_that_are_not_assigned_are_kept() {
        let message = Message { subtype: 7, message: Text::new("hi") };
        assert_eq!(packet(&broadcast(3, b"\x07hi\0x")), Packet::Message(message));
        assert_eq!(packet(&broadcast(3, &[0])), Packet::Message(Message { subtype: 0, message: Text::new("") }));
    }

    #[test]
    fn without_a_subtype_it_is_cut_short() {
        assert_eq!(refusal(&broadcast(3, &[])), ("truncated_payload", "subtype", 4));
    }
}
