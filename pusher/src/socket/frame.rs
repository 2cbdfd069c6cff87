//! The reading side of RFC 6455: bytes in, events out. Pure.
//!
//! The reader supports everything that a client may send: fragments, control frames between them, masks, the close
//! handshake, compressed messages by RFC 7692. A violation ends in the close code of the RFC. The largest message
//! bounds the memory, independent of the lengths that headers claim, and the memory is released when no message is
//! partly read.

use flate2::{Decompress, FlushDecompress, Status};

use fanout::close::CloseCode;

/// An event from a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A text message, valid UTF-8.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping; the pong has the same bytes.
    Ping(Vec<u8>),
    /// A pong, solicited or not.
    Pong,
    /// A fragment of an incomplete message, for the limit of messages.
    Fragment,
    /// A close frame.
    Close,
}

const MAX_CONTROL_BYTES: u64 = 125;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// Reads the frames of one connection.
#[derive(Debug)]
pub(crate) struct FrameReader {
    /// Bytes of an incomplete frame.
    unread: Vec<u8>,
    /// The fragments of an incomplete message.
    message: Vec<u8>,
    /// The message whose last fragment is missing.
    open: Option<Open>,
    max_message_bytes: usize,
    deflate: bool,
    /// The client sent a close frame: everything after it is ignored (section 5.5.1).
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    text: bool,
    compressed: bool,
}

struct Header {
    fin: bool,
    compressed: bool,
    opcode: u8,
    mask: [u8; 4],
    header_bytes: usize,
    body_bytes: usize,
}

impl FrameReader {
    /// `deflate`: whether compression was negotiated.
    pub(crate) fn new(max_message_bytes: usize, deflate: bool) -> Self {
        Self { unread: Vec::new(), message: Vec::new(), open: None, max_message_bytes, deflate, closed: false }
    }

    /// Parses bytes and calls `on_event` for each event, in order. After an error the reader must not be used again.
    ///
    /// # Errors
    /// Peer: the code to close with.
    pub(crate) fn read(&mut self, bytes: &[u8], mut on_event: impl FnMut(Event)) -> Result<(), CloseCode> {
        if self.closed {
            return Ok(());
        }
        self.unread.extend_from_slice(bytes);
        let mut at = 0;
        let outcome = loop {
            match self.frame(at) {
                Ok(Some((_, Some(Event::Close)))) => {
                    self.closed = true;
                    at = self.unread.len();
                    on_event(Event::Close);
                    break Ok(());
                }
                Ok(Some((bytes, event))) => {
                    at += bytes;
                    event.into_iter().for_each(&mut on_event);
                }
                Ok(None) => break Ok(()),
                Err(code) => break Err(code),
            }
        };
        self.unread.drain(..at);
        if self.unread.is_empty() {
            self.unread = Vec::new();
        }
        outcome
    }

    /// Parses the frame at `at`: its length, and the event that it completes. `None`: the frame is incomplete.
    fn frame(&mut self, at: usize) -> Result<Option<(usize, Option<Event>)>, CloseCode> {
        let Some(header) = self.header(&self.unread[at..])? else { return Ok(None) };
        let body_at = at + header.header_bytes;
        let Some(body) = self.unread.get_mut(body_at..body_at + header.body_bytes) else { return Ok(None) };
        for (byte, mask) in body.iter_mut().zip(header.mask.iter().cycle()) {
            *byte ^= mask;
        }
        let body = body.to_vec();
        let event = if header.opcode >= CLOSE { control(header.opcode, body)? } else { self.data(&header, body)? };
        Ok(Some((header.header_bytes + header.body_bytes, event)))
    }

    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, CloseCode> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        let compressed = first & 0x40 != 0;
        let control = opcode >= CLOSE;
        let known = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].contains(&opcode);
        // Only the first frame of a message has the bit for compression.
        let may_compress = self.deflate && !control && opcode != CONTINUATION;
        let unmasked = second & 0x80 == 0;
        if !known || first & 0x30 != 0 || compressed && !may_compress || unmasked || control && !fin {
            return Err(CloseCode::Protocol);
        }
        let (length, length_bytes) = match second & 0x7F {
            126 => {
                let Some(length) = rest.first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*length)), 2)
            }
            127 => {
                let Some(length) = rest.first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*length), 8)
            }
            length => (u64::from(length), 0),
        };
        let shortest = match length_bytes {
            2 => 126,
            8 => 0x1_0000,
            _ => 0,
        };
        if control && length > MAX_CONTROL_BYTES || length < shortest {
            return Err(CloseCode::Protocol);
        }
        // Checked by the header alone, so that a claim of 4 GB takes no memory.
        if !control && length > (self.max_message_bytes - self.message.len().min(self.max_message_bytes)) as u64 {
            return Err(CloseCode::TooBig);
        }
        let Some(mask) = rest[length_bytes..].first_chunk() else { return Ok(None) };
        let header_bytes = 2 + length_bytes + mask.len();
        Ok(Some(Header { fin, compressed, opcode, mask: *mask, header_bytes, body_bytes: length as usize }))
    }

    fn data(&mut self, header: &Header, body: Vec<u8>) -> Result<Option<Event>, CloseCode> {
        match (header.opcode, self.open) {
            (CONTINUATION, None) | (TEXT | BINARY, Some(_)) => return Err(CloseCode::Protocol),
            (CONTINUATION, Some(_)) => self.message.extend_from_slice(&body),
            _ => {
                self.open = Some(Open { text: header.opcode == TEXT, compressed: header.compressed });
                self.message = body;
            }
        }
        if !header.fin {
            return Ok(Some(Event::Fragment));
        }
        let (Some(open), message) = (self.open.take(), std::mem::take(&mut self.message)) else { return Ok(None) };
        let message = if open.compressed { inflate(message, self.max_message_bytes)? } else { message };
        if open.text {
            return String::from_utf8(message).map(Event::Text).map(Some).map_err(|_| CloseCode::InvalidPayload);
        }
        Ok(Some(Event::Binary(message)))
    }
}

fn control(opcode: u8, body: Vec<u8>) -> Result<Option<Event>, CloseCode> {
    match opcode {
        PING => Ok(Some(Event::Ping(body))),
        PONG => Ok(Some(Event::Pong)),
        _ => close(&body).map(Some),
    }
}

fn close(body: &[u8]) -> Result<Event, CloseCode> {
    let Some((code, reason)) = body.split_first_chunk() else {
        return if body.is_empty() { Ok(Event::Close) } else { Err(CloseCode::Protocol) };
    };
    // Codes that may be sent: section 7.4 of the RFC.
    if !matches!(u16::from_be_bytes(*code), 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(CloseCode::Protocol);
    }
    std::str::from_utf8(reason).map(|_| Event::Close).map_err(|_| CloseCode::InvalidPayload)
}

/// Inflates a message without context takeover, up to the limit.
fn inflate(mut message: Vec<u8>, max_bytes: usize) -> Result<Vec<u8>, CloseCode> {
    message.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
    let mut inflated = Vec::with_capacity(max_bytes + 1);
    let outcome = Decompress::new(false).decompress_vec(&message, &mut inflated, FlushDecompress::Sync);
    match outcome {
        _ if inflated.len() > max_bytes => Err(CloseCode::TooBig),
        Ok(Status::Ok | Status::StreamEnd) => Ok(inflated),
        _ => Err(CloseCode::InvalidPayload),
    }
}

/// The pong frame for a ping.
pub(super) fn pong(body: &[u8]) -> bytes::Bytes {
    fanout::wire::framed(0x80 | PONG, body)
}

#[cfg(test)]
mod tests;
