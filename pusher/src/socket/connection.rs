//! One socket: gathered writes with the rest of a half-sent frame, and bounded reads.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::time::Duration;

use bytes::{Buf, Bytes};
use mio::net::TcpStream;

use super::admission::Admitted;
use super::frame::{Event, Inbound};
use fanout::close::CloseCode;

/// Frames in one gathered write.
const MAX_SLICES: usize = 64;

/// A connection of a shard.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    inbound: Inbound,
    /// What the kernel did not take of the frame that was begun.
    tail: Bytes,
    /// When it is cut, after a close frame was sent.
    pub(super) cut_at: Option<Duration>,
    /// The client closed first: cut as soon as our answer is out.
    pub(super) peer_closed: bool,
    /// What it sent and had no turn yet, and how that ended: nothing more is read before.
    held: Option<(Vec<Event>, ReadEnd)>,
    /// In line to be read again, and to be sent more.
    pub(super) in_line: InLine,
    /// Calls of the kernel to send, since they were last asked for.
    calls: u32,
    _admitted: Admitted,
}

/// The lines that a connection stands in, each once.
#[derive(Debug, Default)]
pub(super) struct InLine {
    pub(super) to_read: bool,
    pub(super) to_send: bool,
}

/// How reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadEnd {
    /// Nothing more for now.
    Empty,
    /// There may be more: others have their turn first.
    More,
    /// The peer will send no more, or the connection is broken.
    Gone,
    /// The peer broke the rules.
    Refused(CloseCode),
}

impl Connection {
    pub(super) fn new(stream: TcpStream, inbound: Inbound, admitted: Admitted) -> Self {
        Self {
            stream,
            inbound,
            tail: Bytes::new(),
            cut_at: None,
            peer_closed: false,
            held: None,
            in_line: InLine::default(),
            calls: 0,
            _admitted: admitted,
        }
    }

    pub(super) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Calls of the kernel to send, since this was last asked.
    pub(super) fn take_calls(&mut self) -> u64 {
        u64::from(std::mem::take(&mut self.calls))
    }

    /// True where no frame is half sent.
    pub(super) fn is_clear(&self) -> bool {
        self.tail.is_empty()
    }

    /// Sends frames in one gathered write per [`MAX_SLICES`]; the rest of a frame that was begun is kept. Returns how
    /// many frames are sent or begun: the others were not touched.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn write_all(&mut self, frames: &[&Bytes]) -> io::Result<usize> {
        let mut begun = 0;
        while begun < frames.len() {
            let chunk = &frames[begun..(begun + MAX_SLICES).min(frames.len())];
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            chunk.iter().zip(&mut slices).for_each(|(frame, slice)| *slice = IoSlice::new(frame));
            self.calls += 1;
            let Some(mut written) = retry(|| self.stream.write_vectored(&slices[..chunk.len()]))? else { break };
            for frame in chunk {
                if written == 0 {
                    return Ok(begun);
                }
                begun += 1;
                if written < frame.len() {
                    self.tail = frame.slice(written..);
                    return Ok(begun);
                }
                written -= frame.len();
            }
        }
        Ok(begun)
    }

    /// Puts a frame in the place of the tail, which is empty.
    pub(super) fn set_tail(&mut self, frame: Bytes) {
        debug_assert!(self.tail.is_empty(), "a half-sent frame goes first");
        self.tail = frame;
    }

    /// Sends the tail; true where it is out.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn write_tail(&mut self) -> io::Result<bool> {
        while !self.tail.is_empty() {
            self.calls += 1;
            let Some(written) = retry(|| self.stream.write(&self.tail))? else { return Ok(false) };
            self.tail.advance(written);
        }
        self.tail = Bytes::new();
        Ok(true)
    }

    /// Keeps what has no turn yet.
    pub(super) fn hold(&mut self, events: Vec<Event>, end: ReadEnd) {
        self.held = Some((events, end));
    }

    /// What was kept.
    pub(super) fn take_held(&mut self) -> Option<(Vec<Event>, ReadEnd)> {
        self.held.take()
    }

    /// Takes bytes that came with the handshake.
    pub(super) fn read_early(&mut self, bytes: &[u8], heard: impl FnMut(Event)) -> ReadEnd {
        match self.inbound.read(bytes, heard) {
            Ok(()) => ReadEnd::Empty,
            Err(code) => ReadEnd::Refused(code),
        }
    }

    /// Reads at most one buffer full: who sends without end takes neither memory nor the others' turns.
    pub(super) fn read(&mut self, buffer: &mut [u8], heard: impl FnMut(Event)) -> ReadEnd {
        match retry(|| self.stream.read(buffer)) {
            Ok(None) => ReadEnd::Empty,
            Ok(Some(0)) | Err(_) => ReadEnd::Gone,
            // After our close frame nothing counts any more, but it is read, or the kernel would reset.
            Ok(Some(_)) if self.cut_at.is_some() => ReadEnd::More,
            Ok(Some(bytes)) => match self.inbound.read(&buffer[..bytes], heard) {
                Err(code) => ReadEnd::Refused(code),
                Ok(()) => ReadEnd::More,
            },
        }
    }
}

/// `None` where the socket would block.
fn retry(mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match attempt() {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
