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
