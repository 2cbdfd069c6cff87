//! Takes a socket out of the HTTP server, for the threads that own WebSockets.

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

/// Buffer between a TLS connection and its WebSocket for each direction, besides the kernel's.
const RELAY_BUFFER_BYTES: usize = 4 << 10;

/// The socket of an upgraded connection, and the bytes that the HTTP server has read of the WebSocket already.
///
/// A TLS connection stays in a task of its own, which `relays` tracks: the returned socket is one end of a local pair,
/// and the task copies between the other end and the TLS connection. This costs one more copy and one more wake-up per
/// send.
///
/// # Errors
/// The operating system gives no socket pair.
pub(crate) fn detach(upgraded: Upgraded, relays: &TaskTracker) -> io::Result<(net::TcpStream, Bytes)> {
    let upgraded = match downcast::<StallGuard<TokioIo<TcpStream>>>(upgraded) {
        Ok(parts) => return Ok((parts.io.into_inner().into_inner().into_std()?, parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let parts = downcast::<StallGuard<TokioIo<TlsStream<TcpStream>>>>(upgraded)
        .map_err(|_| io::Error::other("an upgraded connection is neither TCP nor TLS"))?;
    let (inside, outside) = UnixStream::pair()?;
    let mut tls = parts.io.into_inner().into_inner();
    relays.spawn(async move {
        let mut inside = inside;
        let copied = copy_bidirectional_with_sizes(&mut inside, &mut tls, RELAY_BUFFER_BYTES, RELAY_BUFFER_BYTES).await;
        if let Err(error) = copied {
            tracing::debug!(%error, "a WebSocket over TLS failed");
        }
    });
    // Reading, writing and closing are the same for both families of stream sockets.
    let socket = net::TcpStream::from(OwnedFd::from(outside.into_std()?));
    Ok((socket, parts.read_buf))
}
