//! Messages as WebSocket frames: encoded once per form, with the frame header, and shared by all clients of that form.

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};
use prost::Message as _;
use schemas::v1;

/// The encoding of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Binary Protobuf: `updraft.v1.proto`.
    #[default]
    Proto,
    /// The same messages as JSON text: `updraft.v1.json`.
    Json,
}

/// The form of one connection's frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wire {
    /// The encoding of messages.
    pub encoding: Encoding,
    /// Whether frames may be compressed (permessage-deflate, no context takeover).
    pub deflate: bool,
}

impl Wire {
    /// The number of forms.
    pub const COUNT: usize = 4;

    /// The index, from 0.
    pub fn index(self) -> usize {
        usize::from(self.encoding == Encoding::Json) * 2 + usize::from(self.deflate)
    }
}

/// One message in each form that has readers; empty in the other forms.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    frames: [Bytes; Wire::COUNT],
    /// The size of the message in bytes by encoding, before compression.
    plain: [usize; 2],
}

impl Frames {
    /// The frame of a form.
    pub fn of(&self, wire: Wire) -> &Bytes {
        &self.frames[wire.index()]
    }

    /// How many bytes compression saves in the frame of a form.
    pub fn saved_bytes(&self, wire: Wire) -> usize {
        if !wire.deflate {
            return 0;
        }
        self.plain[usize::from(wire.encoding == Encoding::Json)].saturating_sub(self.of(wire).len())
    }

    /// Bytes of all encoded frames.
    pub fn encoded_bytes(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }
}

/// A message in which only some characters differ between clients; never compressed.
#[derive(Debug)]
pub(crate) struct Template {
    /// By encoding: the frame, and the offset of the characters.
    frames: [Option<(Bytes, usize)>; 2],
    used: [bool; Wire::COUNT],
}

impl Template {
    /// A template of a message with a placeholder, for the forms that are `used`.
    pub(crate) fn new(message: &v1::ServerMessage, placeholder: &str, used: [bool; Wire::COUNT]) -> Self {
        let frame = |encoding| {
            let forms = [false, true].map(|deflate| Wire { encoding, deflate });
            if !forms.iter().any(|wire| used[wire.index()]) {
                return None;
            }
            let frame = Encoder::uncompressed(message, encoding);
            let at = frame.windows(placeholder.len()).position(|window| window == placeholder.as_bytes())?;
            Some((frame, at))
        };
        Self { frames: [frame(Encoding::Proto), frame(Encoding::Json)], used }
    }

    /// The frames with a text of the same length in the place of the placeholder.
    pub(crate) fn with(&self, text: &str) -> Frames {
        let mut frames = Frames::default();
        for (encoding, template) in [Encoding::Proto, Encoding::Json].into_iter().zip(&self.frames) {
            let Some((template, at)) = template else { continue };
            let mut frame = BytesMut::from(&template[..]);
            frame[*at..*at + text.len()].copy_from_slice(text.as_bytes());
            let frame = frame.freeze();
            for wire in [false, true].map(|deflate| Wire { encoding, deflate }) {
                if self.used[wire.index()] {
                    frames.frames[wire.index()] = frame.clone();
                }
            }
        }
        frames
    }
}

/// Shorter frames are not compressed.
const MIN_DEFLATE_BYTES: usize = 128;
/// The end of every sync flush, which RFC 7692 omits.
const SYNC_TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;

/// Encodes messages into frames; reuses the compressor's memory.
#[derive(Debug)]
pub struct Encoder {
    compress: Compress,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { compress: Compress::new(Compression::new(5), false) }
    }
}

impl Encoder {
    /// The frame of a message for one form.
    pub fn frame(&mut self, message: &v1::ServerMessage, wire: Wire) -> Bytes {
        let body = encode(message, wire.encoding);
        self.finish(&body, wire)
    }

    /// The frames of a message for each form that is `used`.
    pub fn frames(&mut self, message: &v1::ServerMessage, used: impl Fn(Wire) -> bool) -> Frames {
        let mut frames = Frames::default();
        for encoding in [Encoding::Proto, Encoding::Json] {
            let forms = [false, true].map(|deflate| Wire { encoding, deflate });
            if !forms.iter().any(|wire| used(*wire)) {
                continue;
            }
            let body = encode(message, encoding);
            frames.plain[usize::from(encoding == Encoding::Json)] = body.len();
            for wire in forms.into_iter().filter(|wire| used(*wire)) {
                frames.frames[wire.index()] = self.finish(&body, wire);
            }
        }
        frames
    }

    /// The uncompressed frame, which every connection of that encoding can read.
    fn uncompressed(message: &v1::ServerMessage, encoding: Encoding) -> Bytes {
        framed(FIN | opcode(encoding), &encode(message, encoding))
    }

    fn finish(&mut self, body: &[u8], wire: Wire) -> Bytes {
        let opcode = opcode(wire.encoding);
        if wire.deflate
            && body.len() >= MIN_DEFLATE_BYTES
            && let Some(small) = self.deflate(body)
        {
            return framed(FIN | RSV1 | opcode, &small);
        }
        framed(FIN | opcode, body)
    }

    /// `None`: the result would not be smaller.
    fn deflate(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        self.compress.reset();
        let mut small = Vec::with_capacity(body.len() + 16);
        let status = self.compress.compress_vec(body, &mut small, FlushCompress::Sync).ok()?;
        let all_in = status == Status::Ok && self.compress.total_in() == body.len() as u64;
        let ends = small.ends_with(&SYNC_TAIL);
        small.truncate(small.len().saturating_sub(SYNC_TAIL.len()));
        (all_in && ends && small.len() < body.len()).then_some(small)
    }
}

fn encode(message: &v1::ServerMessage, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Proto => message.encode_to_vec(),
        Encoding::Json => serde_json::to_vec(message).expect("our messages have string keys and cannot fail"),
    }
}

fn opcode(encoding: Encoding) -> u8 {
    if encoding == Encoding::Json { TEXT } else { BINARY }
}

/// Adds the frame header of a server (never masked).
pub fn framed(first_byte: u8, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(body.len() + 10);
    frame.put_u8(first_byte);
    match body.len() {
        length @ 0..=125 => frame.put_u8(length as u8),
        length @ 126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(length as u16);
        }
        length => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_slice(body);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn pong(text_bytes: usize) -> v1::ServerMessage {
        let error = v1::Error { request_id: None, code: "x".into(), message: "y".repeat(text_bytes) };
        v1::ServerMessage { message: Some(v1::server_message::Message::Error(error)) }
    }

    #[test]
    fn frame_headers_have_the_lengths_of_the_rfc() {
        assert_eq!(framed(0x82, &[7; 125])[..2], [0x82, 125]);
        assert_eq!(framed(0x82, &[7; 126])[..4], [0x82, 126, 0, 126]);
        assert_eq!(framed(0x82, &[7; 0x1_0000])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_compressed_frame_has_the_same_message() {
        let (mut encoder, message) = (Encoder::default(), pong(400));
        let plain = encoder.frame(&message, Wire::default());
        for _ in 0..2 {
            let small = encoder.frame(&message, Wire { encoding: Encoding::Proto, deflate: true });
            assert_eq!(small[0], 0xC2, "no frame depends on the one before");
            assert!(small.len() < plain.len());
            let mut body = Vec::new();
            let tailed = [&small[2..], &SYNC_TAIL].concat();
            let _ = flate2::read::DeflateDecoder::new(&tailed[..]).read_to_end(&mut body);
            assert_eq!(v1::ServerMessage::decode(&body[..]), Ok(message.clone()));
        }
    }

    #[test]
    fn only_forms_with_readers_are_encoded() {
        let json = Wire { encoding: Encoding::Json, deflate: false };
        let frames = Encoder::default().frames(&pong(3), |wire| wire == json);
        assert_eq!(frames.of(json)[0], 0x81);
        assert!(frames.of(Wire::default()).is_empty());
    }

    #[test]
    fn a_template_differs_only_in_its_placeholder() {
        let json = Wire { encoding: Encoding::Json, deflate: true };
        let mut used = [false; Wire::COUNT];
        [Wire::default(), json].iter().for_each(|wire| used[wire.index()] = true);
        let checkpoint = |resume: &str| {
            let checkpoint = v1::Checkpoint { resume: resume.into(), server_at_us: 1_780_000_000_000_000 };
            v1::ServerMessage { message: Some(v1::server_message::Message::Checkpoint(checkpoint)) }
        };
        let frames = Template::new(&checkpoint("________rest"), "________", used).with("abcdefgh");
        let plain = |wire: Wire| Encoder::default().frame(&checkpoint("abcdefghrest"), Wire { deflate: false, ..wire });
        assert_eq!(*frames.of(Wire::default()), plain(Wire::default()));
        assert_eq!(*frames.of(json), plain(json));
        assert!(frames.of(Wire { encoding: Encoding::Json, deflate: false }).is_empty(), "no reader");
    }
}
