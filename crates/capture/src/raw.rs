//! Splits a raw record's value into fields, where joining them again gives the same bytes.

use bytes::Bytes;
use envelope::WRAPPER_BYTES;
use prost::Message as _;
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

/// Length of the framing before a message that is the first of its file: magic byte 0, schema id, message indexes
/// `[0]`.
const FRAMING_BYTES: usize = 6;
/// A record's value: the framing, and the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Framed {
    /// Six bytes; empty where the value was written without a registry.
    pub framing: Bytes,
    /// The message.
    pub record: RawRecord,
}

impl Framed {
    /// Splits a value into fields. `None`: it is no raw record.
    pub fn parse(value: &Bytes) -> Option<Self> {
        let framing_bytes = if value.first() == Some(&0) { FRAMING_BYTES } else { 0 };
        if framing_bytes > value.len() {
            return None;
        }
        let record = RawRecord::decode(value.slice(framing_bytes..)).ok()?;
        Some(Self { framing: value.slice(..framing_bytes), record })
    }

    /// The value again.
    pub fn to_value(&self) -> Bytes {
        let mut value = Vec::with_capacity(self.framing.len() + self.record.encoded_len());
        value.extend_from_slice(&self.framing);
        self.record.encode(&mut value).expect("a Vec grows");
        value.into()
    }

    /// The MQTT payload, where it has a complete wrapper and the value is encoded as our bridge does, byte for byte.
    pub(crate) fn canonical_frame(&self, value: &Bytes) -> Option<Bytes> {
        match &self.record.input {
            Some(Input::MqttFrame(payload)) if payload.len() >= WRAPPER_BYTES => {
                (self.to_value() == *value).then(|| payload.clone())
            }
            _ => None,
        }
    }
}

/// The address of a FANET frame's sender as keys have it. `None`: the frame is too short to have one.
pub fn address_of_frame(frame: &[u8]) -> Option<[u8; 6]> {
    let [_, manufacturer, low, high, ..] = *frame else { return None };
    let mut text = [0; 6];
    for (at, byte) in [manufacturer, high, low].into_iter().enumerate() {
        text[2 * at] = HEX[usize::from(byte >> 4)];
        text[2 * at + 1] = HEX[usize::from(byte & 0xF)];
    }
    Some(text)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_keys_have_it() {
        assert_eq!(address_of_frame(&[0x01, 0x11, 0x90, 0x0b, 0x4c]).as_ref(), Some(b"110B90"));
        assert_eq!(address_of_frame(&[0x01, 0x11, 0x90]), None);
    }
}
