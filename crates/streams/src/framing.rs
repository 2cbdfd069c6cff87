//! The Confluent wire format: a header in front of each value names its schema.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | magic, 0 |
//! | 4 | schema id, big-endian |
//! | 1.. | message indexes: how many (zigzag varint), then each (zigzag varint); the single byte 0 stands for `[0]`, the first message of the file |
//! | .. | the Protobuf message |
//!
//! The indexes are the path to the message type within its file: `[1]` the second message, `[3, 0]` the first message
//! nested in the fourth. Source: Confluent, "Formats, Serializers, and Deserializers", section "Wire format".

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

const MAGIC: u8 = 0;
/// Deeper nesting than real files have: a longer list of indexes is malformed and must not cause an allocation.
const MAX_DEPTH: u64 = 16;

/// A value that is not in the wire format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// It ends within the header.
    #[error("value of {length} bytes ends within its schema header")]
    Truncated {
        /// Bytes of the value.
        length: usize,
    },
    /// It starts with another byte than 0.
    #[error("value starts with {found:#04x}, not with the magic byte 0")]
    Magic {
        /// The first byte.
        found: u8,
    },
    /// The message indexes are malformed.
    #[error("message indexes are malformed")]
    Indexes,
    /// The value's message type differs from the reader's.
    #[error("message indexes {found:?}, not {wanted:?}")]
    OtherMessage {
        /// The path of the value's type in its file.
        found: Vec<u32>,
        /// The path of the reader's type.
        wanted: Vec<u32>,
    },
    /// The message itself cannot be decoded.
    #[error("message cannot be decoded")]
    Message(#[from] prost::DecodeError),
}

impl FramingError {
    /// The code: metric label, dead-letter header and log field.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "framing_truncated",
            Self::Magic { .. } => "framing_magic",
            Self::Indexes => "framing_indexes",
            Self::OtherMessage { .. } => "framing_other_message",
            Self::Message(_) => "message_undecodable",
        }
    }
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    /// The schema's id in the registry.
    pub schema_id: u32,
    /// The path to the message type in the schema's file.
    pub indexes: Vec<u32>,
    /// The Protobuf message; shares the value's memory.
    pub payload: Bytes,
}

/// The header of every message of one type: encoded once.
pub fn header(schema_id: u32, indexes: &[u32]) -> Bytes {
    let mut header = BytesMut::with_capacity(8);
    header.put_u8(MAGIC);
    header.put_u32(schema_id);
    if indexes == [0] {
        header.put_u8(0);
    } else {
        put_zigzag(&mut header, indexes.len() as u64);
        for index in indexes {
            put_zigzag(&mut header, u64::from(*index));
        }
    }
    header.freeze()
}

/// Header and message, in one allocation.
pub fn encode(schema_id: u32, indexes: &[u32], message: &impl Message) -> Bytes {
    encode_with(&header(schema_id, indexes), message)
}

/// A ready-made header and the message, in one allocation.
pub(crate) fn encode_with(header: &[u8], message: &impl Message) -> Bytes {
    let mut value = BytesMut::with_capacity(header.len() + message.encoded_len());
    value.put_slice(header);
    message.encode(&mut value).expect("the buffer grows");
    value.freeze()
}

/// Decodes header and message bytes; copies only the indexes.
///
/// # Errors
/// Rejects a value that is not in the wire format.
pub fn decode(value: &Bytes) -> Result<Framed, FramingError> {
    let mut rest = value.clone();
    let truncated = FramingError::Truncated { length: value.len() };
    if rest.is_empty() {
        return Err(truncated);
    }
    let found = rest.get_u8();
    if found != MAGIC {
        return Err(FramingError::Magic { found });
    }
    if rest.len() < 4 {
        return Err(truncated);
    }
    let schema_id = rest.get_u32();
    let count = take_zigzag(&mut rest, &truncated)?;
    let indexes = match count {
        0 => vec![0],
        count if count > MAX_DEPTH => return Err(FramingError::Indexes),
        count => (0..count)
            .map(|_| u32::try_from(take_zigzag(&mut rest, &truncated)?).map_err(|_| FramingError::Indexes))
            .collect::<Result<_, _>>()?,
    };
    Ok(Framed { schema_id, indexes, payload: rest })
}

fn put_zigzag(to: &mut BytesMut, value: u64) {
    let mut zigzag = value << 1;
    while zigzag >= 0x80 {
        to.put_u8((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    to.put_u8(zigzag as u8);
}

/// An index is never negative; Java writes 32 bits, which are at most five bytes.
fn take_zigzag(from: &mut Bytes, truncated: &FramingError) -> Result<u64, FramingError> {
    let mut zigzag = 0_u64;
    for shift in (0..35).step_by(7) {
        if from.is_empty() {
            return Err(truncated.clone());
        }
        let byte = from.get_u8();
        zigzag |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if zigzag & 1 == 0 { Ok(zigzag >> 1) } else { Err(FramingError::Indexes) };
        }
    }
    Err(FramingError::Indexes)
}

#[cfg(test)]
mod tests;
