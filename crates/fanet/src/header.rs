//! The header of every frame.
//!
//! | part | bytes | present when | layout |
//! |---|---|---|---|
//! | header | 1 | always | bit 7 extended, bit 6 forward, bits 0-5 packet type |
//! | source | 3 | always | manufacturer u8, id u16 little-endian |
//! | extended header | 1 | extended | bits 6-7 acknowledgement, 5 unicast, 4 signed, 3 geo-forwarded, 0-2 reserved |
//! | destination | 3 | unicast | as the source |
//! | signature | 4 | signed | first four bytes of a SHA-1, see [`crate::signature`] |

use crate::address::Address;
use crate::error::{DecodeError, EncodeError, Reason};
use crate::signature::Signature;
use crate::writer::Writer;

/// Addressing and relaying of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// May be relayed once.
    pub forward: bool,
    /// Who sent it; stays the same when it is relayed.
    pub source: Address,
    /// The extended header, where there is one.
    pub extended: Option<ExtendedHeader>,
}

impl Header {
    /// A plain broadcast from `source`.
    #[must_use]
    pub const fn broadcast(source: Address) -> Self {
        Self { forward: false, source, extended: None }
    }

    /// A frame from `source` for `destination` alone.
    #[must_use]
    pub const fn unicast(source: Address, destination: Address) -> Self {
        let extended = ExtendedHeader {
            ack: AckRequest::None,
            destination: Some(destination),
            signature: None,
            geo_forwarded: false,
            reserved: 0,
        };
        Self { forward: false, source, extended: Some(extended) }
    }

    /// The destination; `None` for a broadcast.
    #[must_use]
    pub fn destination(&self) -> Option<Address> {
        self.extended.and_then(|extended| extended.destination)
    }

    /// The signature, where the frame is signed.
    #[must_use]
    pub fn signature(&self) -> Option<Signature> {
        self.extended.and_then(|extended| extended.signature)
    }

    /// Reads the header of `bytes`; returns it with the packet type and the length of the header.
    #[inline]
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u8, usize), DecodeError> {
        let Some(&[first, manufacturer, low, high]) = bytes.first_chunk::<4>() else {
            return Err(DecodeError::new(Reason::FrameTooShort, "header", 0));
        };
        let mut length = 4;
        let extended = if first & 0x80 != 0 { Some(ExtendedHeader::decode(bytes, &mut length)?) } else { None };
        let header =
            Self { forward: first & 0x40 != 0, source: Address::from_wire([manufacturer, low, high]), extended };
        Ok((header, first & 0x3F, length))
    }

    #[inline]
    pub(crate) fn encode(&self, packet_type: u8, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        if writer.is_sender() && (self.source.is_reserved() || self.source.is_multicast()) {
            return Err(EncodeError::ReservedSource);
        }
        let flags = u8::from(self.extended.is_some()) << 7 | u8::from(self.forward) << 6;
        let [manufacturer, low, high] = self.source.to_wire();
        writer.bytes(&[flags | packet_type, manufacturer, low, high]);
        if let Some(extended) = &self.extended {
            extended.encode(writer);
        }
        Ok(())
    }
}

/// The optional part of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtendedHeader {
    /// Whether the sender wants an acknowledgement.
    pub ack: AckRequest,
    /// Whom it is for; `None` is a broadcast.
    pub destination: Option<Address>,
    /// The signature, where it is signed.
    pub signature: Option<Signature>,
    /// Was relayed because of its position, and must not be again.
    pub geo_forwarded: bool,
    /// Bits 0-2, which have no meaning yet: sent as 0.
    pub reserved: u8,
}

impl ExtendedHeader {
    fn decode(bytes: &[u8], length: &mut usize) -> Result<Self, DecodeError> {
        let Some(&flags) = bytes.get(4) else {
            return Err(DecodeError::new(Reason::TruncatedExtendedHeader, "extended_header", 4));
        };
        *length = 5;
        let mut part = |present: bool, bytes_needed: usize| {
            let start = *length;
            *length += if present { bytes_needed } else { 0 };
            present.then_some(start)
        };
        let destination = part(flags & 0x20 != 0, 3);
        let signature = part(flags & 0x10 != 0, 4);
        Ok(Self {
            ack: AckRequest::from_code(flags >> 6),
            destination: match destination {
                Some(at) => {
                    Some(Address::from_wire(chunk(bytes, at, Reason::TruncatedDestination, "destination_address")?))
                }
                None => None,
            },
            signature: match signature {
                Some(at) => Some(Signature(chunk(bytes, at, Reason::TruncatedSignature, "signature_hex")?)),
                None => None,
            },
            geo_forwarded: flags & 0x08 != 0,
            reserved: flags & 0x07,
        })
    }

    fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(self.ack.code() << 6
            | u8::from(self.destination.is_some()) << 5
            | u8::from(self.signature.is_some()) << 4
            | u8::from(self.geo_forwarded) << 3
            | writer.reserved(self.reserved & 0x07));
        if let Some(destination) = self.destination {
            writer.bytes(&destination.to_wire());
        }
        if let Some(Signature(bytes)) = self.signature {
            writer.bytes(&bytes);
        }
    }
}

fn chunk<const N: usize>(bytes: &[u8], at: usize, reason: Reason, field: &'static str) -> Result<[u8; N], DecodeError> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().ok_or(DecodeError::new(reason, field, at))
}

/// Whether the sender wants to know that its frame arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum AckRequest {
    /// 0: no.
    #[default]
    None,
    /// 1: yes, directly.
    Wanted,
    /// 2: yes, and relayed back if the request itself arrived relayed. Mandatory instead of 1 on a
    /// request with the forward bit.
    WantedViaForward,
    /// 3: not assigned.
    Reserved,
}

impl AckRequest {
    /// The request that fits a frame with this forward bit.
    #[must_use]
    pub const fn wanted(forward: bool) -> Self {
        if forward { Self::WantedViaForward } else { Self::Wanted }
    }

    /// The two bits on the air.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) const fn from_code(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::None,
            1 => Self::Wanted,
            2 => Self::WantedViaForward,
            _ => Self::Reserved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> (Reason, usize) {
        let error = Header::decode(bytes).expect_err("cut short");
        (error.reason, error.offset)
    }

    #[test]
    fn every_part_at_once() {
        let bytes = [0xC1, 0x08, 0x34, 0x12, 0xBD, 0x01, 0x28, 0x01, 0xA1, 0xB2, 0xC3, 0xD4];
        let (header, packet_type, length) = Header::decode(&bytes).unwrap();
        assert_eq!((packet_type, length), (1, 12));
        assert_eq!(header.source, Address::new(0x08, 0x1234));
        let extended = header.extended.unwrap();
        assert_eq!(extended.ack, AckRequest::WantedViaForward);
        assert_eq!(extended.destination, Some(Address::new(0x01, 0x0128)));
        assert_eq!(extended.signature, Some(Signature([0xA1, 0xB2, 0xC3, 0xD4])));
        assert!(header.forward && extended.geo_forwarded);
        assert_eq!(extended.reserved, 5);
    }

    #[test]
    fn each_cut_names_the_part_that_is_missing() {
        let bytes = [0x81, 0x11, 0x90, 0x0B, 0x30, 0x01, 0x28, 0x01, 0xA1, 0xB2, 0xC3, 0xD4];
        for length in 0..4 {
            assert_eq!(error(&bytes[..length]), (Reason::FrameTooShort, 0));
        }
        assert_eq!(error(&bytes[..4]), (Reason::TruncatedExtendedHeader, 4));
        for length in 5..8 {
            assert_eq!(error(&bytes[..length]), (Reason::TruncatedDestination, 5));
        }
        for length in 8..12 {
            assert_eq!(error(&bytes[..length]), (Reason::TruncatedSignature, 8));
        }
        assert!(Header::decode(&bytes).is_ok());
    }
}
