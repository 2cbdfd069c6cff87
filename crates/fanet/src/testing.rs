//! What the tests of several packet types need.

use alloc::vec::Vec;

use crate::error::DecodeError;
use crate::frame::Frame;
use crate::header::Header;
use crate::packet::Packet;
use crate::{Address, EncodeError};

pub(crate) const SOURCE: Address = Address::new(0x11, 0x0B90);
pub(crate) const DESTINATION: Address = Address::new(0x01, 0x0128);

/// A broadcast frame with this payload; the payload begins at byte 4.
pub(crate) fn broadcast(code: u8, payload: &[u8]) -> Vec<u8> {
    [&[code, 0x11, 0x90, 0x0B], payload].concat()
}

/// A frame for `DESTINATION` with this payload; the payload begins at byte 8.
pub(crate) fn unicast(code: u8, payload: &[u8]) -> Vec<u8> {
    [&[code | 0x80, 0x11, 0x90, 0x0B, 0x20, 0x01, 0x28, 0x01], payload].concat()
}

/// The packet in a frame that must decode with nothing trailing.
pub(crate) fn packet(frame: &[u8]) -> Packet<'_> {
    let frame = Frame::decode(frame).expect("decodes");
    assert_eq!(frame.trailing, []);
    frame.packet
}

/// Reason, field and offset of a frame that must be refused.
pub(crate) fn refusal(frame: &[u8]) -> (&'static str, &'static str, usize) {
    let DecodeError { reason, field, offset } = Frame::decode(frame).expect_err("is refused");
    (reason.as_str(), field, offset)
}

/// Checks that `payload`, cut to each length below `fields.len()`, lacks the field given there.
pub(crate) fn assert_cuts(code: u8, payload: &[u8], fields: &[&str]) {
    for (length, field) in fields.iter().enumerate() {
        let (reason, found, offset) = refusal(&broadcast(code, &payload[..length]));
        assert_eq!((reason, found), ("truncated_payload", *field), "cut to {length}");
        assert!(offset <= 4 + length, "cut to {length}: byte {offset}");
    }
    assert!(Frame::decode(&broadcast(code, &payload[..fields.len()])).is_ok(), "complete at {}", fields.len());
}

/// The payload that a sender makes of `packet` in a broadcast.
pub(crate) fn sent(packet: Packet<'_>) -> Result<Vec<u8>, EncodeError> {
    Frame::new(Header::broadcast(SOURCE), packet).encode().map(|bytes| bytes[4..].to_vec())
}
