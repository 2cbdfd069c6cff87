//! One client of a crowd: its socket, its handshake, and reading.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{Frame, Frames};
use super::options::{ConnectOptions, Ending};

/// A masked pong without content; the mask is zero.
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];
const MAX_HEAD_BYTES: usize = 16 << 10;

pub(super) struct Connection {
    stream: TcpStream,
    state: State,
    frames: Frames,
}

enum State {
    /// The request is not sent yet.
    Connecting(Vec<u8>),
    /// The bytes of the answer's head so far.
    Handshake(Vec<u8>),
    Open,
}

pub(super) enum Step {
    Waits,
    Ended(Ending),
}

const RECEIVE_BUFFER_BYTES: usize = 64 << 10;

/// Creates a socket that connects.
pub(super) fn connect(options: &ConnectOptions) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(options.address), Type::STREAM, Some(Protocol::TCP))?;
    // As on a telephone, and the same on every machine: the kernel's default grows for minutes while the client does
    // not read.
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = options.source {
        socket.bind(&std::net::SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&options.address.into()) {
        Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => return Err(error),
        _ => {}
    }
    Ok(TcpStream::from_std(socket.into()))
}

impl Connection {
    pub(super) fn new(stream: TcpStream, options: &ConnectOptions) -> Self {
        let deflate = if options.deflate { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {}\r\n{deflate}\r\n",
            options.path, options.address, options.subprotocol,
        );
        Self { stream, state: State::Connecting(request.into_bytes()), frames: Frames::default() }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Writes and reads what the socket allows. `seen` counts data messages and bytes.
    pub(super) fn serve(
        &mut self,
        buffer: &mut [u8],
        wanted: bool,
        to_the_end: bool,
        seen: &mut (u64, u64),
        mut received: impl FnMut(&[u8]),
    ) -> Step {
        if let State::Connecting(request) = &self.state {
            match self.stream.write(request) {
                // A request fits into an empty send buffer.
                Ok(written) if written == request.len() => self.state = State::Handshake(Vec::new()),
                Err(error) if is_soon(&error) => return Step::Waits,
                _ => return Step::Ended(Ending::Lost),
            }
        }
        let event_loop = buffer.len();
        loop {
            let bytes = match self.stream.read(buffer) {
                Ok(0) => return Step::Ended(Ending::Lost),
                Ok(bytes) => &buffer[..bytes],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_soon(&error) => return Step::Waits,
                Err(_) => return Step::Ended(Ending::Lost),
            };
            // A short read has emptied the socket: later bytes cause another event.
            let drained = !to_the_end && bytes.len() < event_loop;
            let answer;
            let mut bytes = bytes;
            if let State::Handshake(head) = &mut self.state {
                head.extend_from_slice(bytes);
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                    if head.len() > MAX_HEAD_BYTES {
                        return Step::Ended(Ending::Lost);
                    }
                    continue;
                };
                let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                if status != Some(101) {
                    return Step::Ended(status.map_or(Ending::Lost, Ending::Refused));
                }
                answer = head.split_off(end + 4);
                bytes = &answer;
                self.state = State::Open;
            }
            seen.1 += bytes.len() as u64;
            let (mut pings, mut closed) = (0, None);
            let good = self.frames.read(bytes, wanted, |frame| match frame {
                Frame::Data(body) => {
                    seen.0 += 1;
                    body.into_iter().for_each(&mut received);
                }
                Frame::Ping => pings += 1,
                Frame::Close(code) => closed = Some(code),
                Frame::Pong => {}
            });
            if let Some(code) = closed {
                return Step::Ended(Ending::Closed(code));
            }
            for _ in 0..pings {
                // A pong that does not fit into the send buffer is skipped.
                let _ = self.stream.write(&PONG);
            }
            if !good {
                return Step::Ended(Ending::Lost);
            }
            if drained {
                return Step::Waits;
            }
        }
    }
}

/// Also true while the connection is being opened.
fn is_soon(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
