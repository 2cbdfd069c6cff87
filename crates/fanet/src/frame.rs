//! Complete frames: bytes in two stages, values, and values back to bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::dedup::{DedupKey, stable_hash};
use crate::error::{DecodeError, EncodeError};
use crate::header::{ExtendedHeader, Header};
use crate::packet::{Packet, PacketType, landmark};
use crate::signature::Signature;
use crate::writer::{MAX_SENT_BYTES, Rules, Writer};

/// A frame whose header is decoded and whose payload is not.
///
/// Enough to route, to find copies and to verify signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// Addressing and relaying.
    pub header: Header,
    /// The packet type.
    pub packet_type: PacketType,
    /// Everything after the header.
    pub payload: &'a [u8],
    /// Where the payload begins, in bytes from the start of the frame: 4 to 12.
    pub payload_offset: usize,
}

impl<'a> RawFrame<'a> {
    /// Reads the header of a frame.
    ///
    /// # Errors
    /// When a part of the header is incomplete.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, code, payload_offset) = Header::decode(bytes)?;
        Ok(Self { header, packet_type: PacketType::from_code(code), payload: &bytes[payload_offset..], payload_offset })
    }

    /// Decodes the payload too.
    ///
    /// # Errors
    /// When the payload is incomplete or breaks a rule of its packet type.
    #[inline]
    pub fn decode(&self) -> Result<Frame<'a>, DecodeError> {
        let destination = self.header.destination();
        let (packet, trailing) = Packet::decode(self.packet_type, destination, self.payload, self.payload_offset)?;
        Ok(Frame { header: self.header, packet, trailing })
    }

    /// The key that copies of this frame share.
    #[inline]
    #[must_use]
    pub fn dedup_key(&self) -> DedupKey {
        DedupKey::new(self.packet_type.code(), self.header.source, self.header.destination(), self.payload)
    }

    /// Whether the frame is signed with `key`; an unsigned frame is not.
    #[must_use]
    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        let expected = || Signature::compute(self.packet_type.code(), self.header.source, self.payload, key);
        self.header.signature().is_some_and(|signature| signature == expected())
    }

    /// The identity of a landmark: a stable hash of its body, without lifetime, layer and wind.
    ///
    /// Sending the same body with layer 15 removes it. `None` for other packets.
    #[must_use]
    pub fn landmark_identity(&self) -> Option<u64> {
        if self.packet_type != PacketType::Landmark {
            return None;
        }
        landmark::body(self.payload).map(|body| stable_hash(0, body))
    }
}

/// A decoded frame, borrowing texts, point lists and unknown bytes from the bytes it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame<'a> {
    /// Addressing and relaying.
    pub header: Header,
    /// The content.
    pub packet: Packet<'a>,
    /// Bytes after the last known field: not an error, the protocol grows by appending.
    pub trailing: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame to send, with nothing trailing.
    #[must_use]
    pub const fn new(header: Header, packet: Packet<'a>) -> Self {
        Self { header, packet, trailing: &[] }
    }

    /// Decodes a complete frame without allocating.
    ///
    /// # Errors
    /// When the frame is incomplete or breaks a rule of the protocol.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        RawFrame::parse(bytes)?.decode()
    }

    /// Encodes a frame to send.
    ///
    /// Numbers are rounded to the nearest step and saturate at their limits, headings and
    /// longitudes wrap, optional values that are not finite are left out, reserved bits are 0, and
    /// texts are shortened to what fits.
    ///
    /// # Errors
    /// When the protocol forbids sending this: see [`EncodeError`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(64);
        self.encode_into(&mut out)?;
        Ok(out)
    }

    /// Appends the encoded frame to `out`; on an error `out` is unchanged.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    #[inline]
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(out, Rules::Sender)
    }

    /// Encodes a frame that was received, in our canonical form.
    ///
    /// Writes every frame that decodes, also where a sender would refuse or limit it: reserved
    /// sources and bits, 102 % humidity, -475 m, texts that are not UTF-8, any length. Decoding
    /// the result gives the same frame.
    ///
    /// # Errors
    /// When the values are ambiguous on the air; decoding never produces such values.
    pub fn encode_as_received(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out, Rules::Received)?;
        Ok(out)
    }

    /// Signs a frame to send, adding an extended header where there is none.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn sign(&mut self, key: &[u8]) -> Result<(), EncodeError> {
        // Room for the signature first: it decides how much text fits.
        let extended = self.header.extended.get_or_insert(ExtendedHeader::default());
        extended.signature = Some(Signature::default());
        let bytes = self.encode()?;
        let raw = RawFrame::parse(&bytes).expect("an encoded frame has a complete header");
        let signature = Signature::compute(raw.packet_type.code(), raw.header.source, raw.payload, key);
        if let Some(extended) = &mut self.header.extended {
            extended.signature = Some(signature);
        }
        Ok(())
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, rules: Rules) -> Result<(), EncodeError> {
        let start = out.len();
        let written = self.write_parts(&mut Writer::new(out, rules));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    #[inline]
    fn write_parts(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.header.encode(self.packet.packet_type().code(), writer)?;
        self.packet.encode(self.header.destination(), writer)?;
        if !self.trailing.is_empty() {
            if !self.packet.may_trail() {
                return Err(EncodeError::TrailingNotAllowed);
            }
            writer.bytes(self.trailing);
        }
        if writer.is_sender() && writer.length() > MAX_SENT_BYTES {
            return Err(EncodeError::TooLong { length: writer.length() });
        }
        Ok(())
    }
}

/// A frame that owns its bytes, which are known to decode.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FrameBuf {
    bytes: Box<[u8]>,
}

impl FrameBuf {
    /// Takes the bytes of a frame.
    ///
    /// # Errors
    /// When they do not decode.
    pub fn decode(bytes: impl Into<Box<[u8]>>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        Frame::decode(&bytes)?;
        Ok(Self { bytes })
    }

    /// Encodes `frame` as a sender and owns the result.
    ///
    /// # Errors
    /// As [`Frame::encode`].
    pub fn encode(frame: &Frame<'_>) -> Result<Self, EncodeError> {
        frame.encode().map(|bytes| Self { bytes: bytes.into() })
    }

    /// The frame.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame::decode(&self.bytes).expect("the bytes of a FrameBuf decode")
    }

    /// The frame with its payload not decoded.
    #[must_use]
    pub fn raw(&self) -> RawFrame<'_> {
        RawFrame::parse(&self.bytes).expect("the bytes of a FrameBuf decode")
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the bytes back.
    #[must_use]
    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }
}

impl core::fmt::Debug for FrameBuf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.frame().fmt(f)
    }
}
