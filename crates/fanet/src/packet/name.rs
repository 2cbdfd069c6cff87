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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::header::Header;
    use crate::packet::Packet;
    use crate::testing::{SOURCE, broadcast, packet, sent};
    use alloc::string::String;

    fn name(text: &str) -> Packet<'_> {
        Packet::Name(Name { name: Text::new(text) })
    }

    #[test]
    fn a_nul_ends_the_name_and_what_follows_is_dropped() {
        assert_eq!(packet(&broadcast(2, b"Anna\0\x01\x02")), name("Anna"));
        assert_eq!(packet(&broadcast(2, b"")), name(""));
    }

    #[test]
    fn names_that_are_not_utf8_decode_and_are_not_sent() {
        let bytes = broadcast(2, &[b'J', 0xFC]);
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!(frame.encode(), Err(EncodeError::TextNotSendable));
        assert_eq!(frame.encode_as_received().unwrap(), bytes);
        assert_eq!(sent(name("a\0b")), Err(EncodeError::TextNotSendable));
    }

    #[test]
    fn long_names_are_shortened_between_characters() {
        let long: String = core::iter::repeat_n("ä", 200).collect();
        let sent = Frame::new(Header::broadcast(SOURCE), name(&long)).encode().unwrap();
        assert_eq!(sent.len(), 254);
        let odd = alloc::format!("x{long}");
        let sent = Frame::new(Header::broadcast(SOURCE), name(&odd)).encode().unwrap();
        assert_eq!(sent.len(), 253);
        assert!(core::str::from_utf8(&sent[4..]).is_ok());
    }
}
