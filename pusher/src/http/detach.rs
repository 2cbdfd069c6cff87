//! Taking a socket out of the HTTP server, for the threads that own WebSockets.

use std::io;
use std::net;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::stall::StallGuard;

/// Held at most between a TLS connection and its WebSocket, each way, besides the kernel's.
const PUMP_BYTES: usize = 4 << 10;

/// The socket of an upgraded connection, and what was read of it too early.
///
/// A TLS connection stays in a task of its own (tracked by `pumps`): the socket is then one end of a local pair, and the
/// task carries what goes through it. That costs a copy and a wake-up more per send, which is what TLS costs here.
///
/// # Errors
/// The operating system gives no sockets.
pub(crate) fn detach(upgraded: Upgraded, pumps: &TaskTracker) -> io::Result<(net::TcpStream, Bytes)> {
    let upgraded = match downcast::<StallGuard<TokioIo<TcpStream>>>(upgraded) {
        Ok(parts) => return Ok((parts.io.into_inner().into_inner().into_std()?, parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let parts = downcast::<StallGuard<TokioIo<TlsStream<TcpStream>>>>(upgraded)
        .map_err(|_| io::Error::other("an upgraded connection is neither TCP nor TLS"))?;
    let (inside, outside) = UnixStream::pair()?;
    let mut tls = parts.io.into_inner().into_inner();
    pumps.spawn(async move {
        let mut inside = inside;
        if let Err(error) = copy_bidirectional_with_sizes(&mut inside, &mut tls, PUMP_BYTES, PUMP_BYTES).await {
            tracing::debug!(%error, "a TLS connection ended early");
        }
    });
    // Reading, writing and closing are the same for both families of stream sockets.
    let socket = net::TcpStream::from(OwnedFd::from(outside.into_std()?));
    Ok((socket, parts.read_buf))
}
