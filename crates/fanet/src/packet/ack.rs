//! Type 0, acknowledgement: no payload, the destination is mandatory.

use crate::address::Address;
use crate::error::{DecodeError, EncodeError, Reason};
use crate::reader::Reader;

/// The frame before, from the destination, arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ack;

impl Ack {
    pub(crate) fn decode(destination: Option<Address>, reader: &Reader<'_>) -> Result<Self, DecodeError> {
        if destination.is_none() {
            return Err(DecodeError::new(Reason::AckNotUnicast, "destination_address", reader.offset()));
        }
        Ok(Self)
    }

    pub(crate) fn encode(self, destination: Option<Address>) -> Result<(), EncodeError> {
        destination.map(|_| ()).ok_or(EncodeError::NotUnicast)
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::Frame;
    use crate::packet::{Ack, Packet};
    use crate::testing::{broadcast, packet, refusal, sent, unicast};
    use crate::{EncodeError, Reason};

    #[test]
    fn only_with_a_destination() {
        assert_eq!(packet(&unicast(0, &[])), Packet::Ack(Ack));
        assert_eq!(refusal(&broadcast(0, &[])).0, Reason::AckNotUnicast.as_str());
        assert_eq!(sent(Packet::Ack(Ack)), Err(EncodeError::NotUnicast));
    }

    #[test]
    fn bytes_after_it_are_trailing() {
        assert_eq!(Frame::decode(&unicast(0, &[1, 2])).unwrap().trailing, [1, 2]);
    }
}
