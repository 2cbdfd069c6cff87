//! One socket: gathered writes that keep the rest of a partly sent frame, and bounded reads.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use mio::net::TcpStream;

use super::admission::ConnectionPermit;
use super::frame::{Event, FrameReader};
use crate::audit::Requester;
use crate::company_use::UsePermit;
use crate::fleets::FleetPermit;
use fanout::close::CloseCode;

/// Frames in one gathered write.
const MAX_SLICES: usize = 64;
/// Small, because the kernel's send buffer contains outdated states, and that of a client that stalls would grow to
/// megabytes.
const SEND_BUFFER_BYTES: usize = 32 << 10;

/// Sets the options that the socket of a WebSocket needs.
///
/// # Errors
/// The operating system refuses an option.
pub(super) fn configure(stream: &net::TcpStream) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_tcp_nodelay(true)
}

/// A connection of a shard.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    reader: FrameReader,
    /// The rest of a frame that is partly sent.
    unsent: Bytes,
    /// When the connection is removed, after a close frame was sent.
    pub(super) close_deadline: Option<Duration>,
    /// When its credentials expire; `None`: it has none, or they do not expire.
    pub(super) expires_at: Option<Duration>,
    /// The session that its credentials are of.
    pub(super) session: Option<Arc<str>>,
    /// Who has opened it, where it has credentials.
    pub(super) requester: Option<Arc<Requester>>,
    /// Microseconds since the epoch.
    pub(super) opened_at_us: u64,
    /// Counts among the connections of the requester's company.
    pub(super) _company_use: Option<UsePermit>,
    /// The permission for the fleet that it has.
    pub(super) fleet: Option<FleetPermit>,
    /// The client closed first: the connection is removed as soon as our close frame is sent.
    pub(super) peer_closed: bool,
    /// Events that wait for a later turn, and the outcome of the read. Nothing more is read before they are handled.
    deferred: Option<(Vec<Event>, ReadOutcome)>,
    pub(super) queued: Queued,
    /// System calls to send, since the last [`Connection::take_send_calls`].
    send_calls: u32,
    _permit: ConnectionPermit,
}

/// Whether the connection waits in the queues of its shard: in each at most once.
#[derive(Debug, Default)]
pub(super) struct Queued {
    pub(super) to_read: bool,
    pub(super) to_send: bool,
}

/// The outcome of a read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// Everything is read.
    Empty,
    /// There may be more: other connections have their turn first.
    More,
    /// The client sends no more, or the connection is broken.
    Closed,
    /// The client violated the protocol: close with this code.
    Violation(CloseCode),
}

impl Connection {
    pub(super) fn new(stream: TcpStream, reader: FrameReader, permit: ConnectionPermit) -> Self {
        Self {
            stream,
            reader,
            unsent: Bytes::new(),
            close_deadline: None,
            expires_at: None,
            session: None,
            requester: None,
            opened_at_us: 0,
            _company_use: None,
            fleet: None,
            peer_closed: false,
            deferred: None,
            queued: Queued::default(),
            send_calls: 0,
            _permit: permit,
        }
    }

    pub(super) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// System calls to send, since the last call of this function.
    pub(super) fn take_send_calls(&mut self) -> u64 {
        u64::from(std::mem::take(&mut self.send_calls))
    }

    /// True where no frame is partly sent.
    pub(super) fn is_clear(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends frames with one gathered write per [`MAX_SLICES`], and keeps the rest of a partly sent frame. Returns the
    /// number of frames that are sent or partly sent.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn write_all(&mut self, frames: &[&Bytes]) -> io::Result<usize> {
        let mut begun = 0;
        while begun < frames.len() {
            let chunk = &frames[begun..(begun + MAX_SLICES).min(frames.len())];
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            chunk.iter().zip(&mut slices).for_each(|(frame, slice)| *slice = IoSlice::new(frame));
            self.send_calls += 1;
            let Some(mut written) = retry(|| self.stream.write_vectored(&slices[..chunk.len()]))? else { break };
            for frame in chunk {
                if written == 0 {
                    return Ok(begun);
                }
                begun += 1;
                if written < frame.len() {
                    self.unsent = frame.slice(written..);
                    return Ok(begun);
                }
                written -= frame.len();
            }
        }
        Ok(begun)
    }

    /// Sets the next frame to send. The previous one must be sent completely.
    pub(super) fn set_unsent(&mut self, frame: Bytes) {
        debug_assert!(self.unsent.is_empty(), "a partly sent frame goes first");
        self.unsent = frame;
    }

    /// Sends the rest of a frame. True where all of it is sent.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn write_unsent(&mut self) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            self.send_calls += 1;
            let Some(written) = retry(|| self.stream.write(&self.unsent))? else { return Ok(false) };
            self.unsent.advance(written);
        }
        self.unsent = Bytes::new();
        Ok(true)
    }

    /// Keeps events for a later turn.
    pub(super) fn defer(&mut self, events: Vec<Event>, outcome: ReadOutcome) {
        self.deferred = Some((events, outcome));
    }

    /// The deferred events.
    pub(super) fn take_deferred(&mut self) -> Option<(Vec<Event>, ReadOutcome)> {
        self.deferred.take()
    }

    /// Parses bytes that came together with the handshake.
    pub(super) fn read_early(&mut self, bytes: &[u8], on_event: impl FnMut(Event)) -> ReadOutcome {
        match self.reader.read(bytes, on_event) {
            Ok(()) => ReadOutcome::Empty,
            Err(code) => ReadOutcome::Violation(code),
        }
    }

    /// Reads at most one buffer, so that a client that sends without pause takes neither memory nor the turns of
    /// others.
    pub(super) fn read(&mut self, buffer: &mut [u8], on_event: impl FnMut(Event)) -> ReadOutcome {
        match retry(|| self.stream.read(buffer)) {
            Ok(None) => ReadOutcome::Empty,
            Ok(Some(0)) | Err(_) => ReadOutcome::Closed,
            // After our close frame the bytes are ignored. They have to be read, or the kernel would reset the
            // connection.
            Ok(Some(_)) if self.close_deadline.is_some() => ReadOutcome::More,
            Ok(Some(bytes)) => match self.reader.read(&buffer[..bytes], on_event) {
                Err(code) => ReadOutcome::Violation(code),
                Ok(()) => ReadOutcome::More,
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
