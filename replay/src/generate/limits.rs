//! The shortest and the longest frames that the protocol has.

use fanet::packet::{Message, Name};
use fanet::{Address, Frame, Header, Packet, Text};

/// Frames of a limit, for a device.
pub(crate) const KINDS: usize = 5;

/// Frame `kind` (0 to [`KINDS`]) of a device.
///
/// # Panics
/// The address is none, which a checked scenario never gives.
pub(crate) fn frame(device: u32, kind: usize) -> Vec<u8> {
    let source = Address::from_u32(device).expect("addresses have 24 bits");
    let header = Header { forward: true, source, extended: None };
    // Longer than fits: the encoder cuts them to what may be sent.
    let (latin, umlauts) = ("A".repeat(300), "ü".repeat(300));
    let packet = match kind % KINDS {
        0 => Packet::Name(Name { name: Text::new(&latin) }),
        1 => Packet::Name(Name { name: Text::new(&umlauts) }),
        2 => Packet::Name(Name { name: Text::new("") }),
        3 => Packet::Message(Message { subtype: 0, message: Text::new(&latin) }),
        _ => Packet::Message(Message { subtype: 0, message: Text::new("") }),
    };
    Frame::new(header, packet).encode().expect("texts are cut to what may be sent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_protocol() {
        let lengths: Vec<usize> = (0..KINDS).map(|kind| frame(0x11_0B90, kind).len()).collect();
        // The last character of two bytes does not fit.
        assert_eq!(lengths, [254, 254, 4, 254, 5]);
        for kind in 0..KINDS {
            Frame::decode(&frame(0x11_0B90, kind)).expect("a frame");
        }
    }
}
