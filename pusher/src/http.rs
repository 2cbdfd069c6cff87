//! The server on the pusher's own port: HTTP/1.1 with upgrades, and HTTP/2 for many REST requests over one connection.
//! The port is in clear, or with TLS where a certificate is set. Behind an ingress HTTP/2 begins by prior knowledge,
//! with TLS by ALPN.

mod connection_table;
mod connections;
mod detach;
mod pending_responses;
mod pieces;
mod stall;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use prometheus_client::metrics::counter::Counter;
use runtime::{Backoff, Clock, Shutdown};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::app::App;
pub(crate) use connection_table::{ConnectionLimits, LimitError};
pub(crate) use connections::{Connection, Connections, RequestPermit, Reservation};
pub(crate) use detach::detach;
use pending_responses::PendingResponses;
pub(crate) use pieces::{PIECE_BYTES, PieceObserver, Pieces};
use stall::StallGuard;
use tls::Tls;

/// A silent HTTP/2 connection gets a PING after this time, and is closed when it does not answer within the same time.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long open requests may take when the server stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
const MAX_STREAMS: u32 = 100;
/// Flow-control windows of one stream and of one connection, bytes: the largest body that is accepted has 4 KB.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 128 << 10;
/// The largest head of a request, bytes.
const MAX_HEAD_BYTES: u32 = 16 << 10;
/// The connection's own buffer for one response of HTTP/2, bytes.
const SEND_BUFFER_BYTES: usize = 32 << 10;
/// The connection's own buffer of HTTP/1.1 for each direction, bytes.
const MAX_BUFFER_BYTES: usize = 64 << 10;

/// Binds the port.
///
/// # Errors
/// The address cannot be bound; the error names the setting.
pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| format!("cannot bind the HTTP port {listen} (UPDRAFT_HTTP_LISTEN)"))
}

/// Serves until stopped. Then it accepts no new connection and completes the open requests.
///
/// # Errors
/// None: a failure of one connection ends that connection.
pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    stop: Shutdown,
) -> anyhow::Result<()> {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut backoff = Backoff::for_services();
    loop {
        while connections.try_join_next().is_some() {}
        let Some(accepted) = stop.or(listener.accept()).await else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The usual cause: no file descriptors are left. Clients wait in the kernel's queue until there are
                // some.
                tracing::warn!(%error, "cannot accept a connection");
                app.context.clock.sleep(backoff.next_delay()).await;
                continue;
            }
        };
        backoff.reset();
        // Otherwise the end of a response in several writes waits for the client's delayed acknowledgement, 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "the connection ended before it began");
            continue;
        }
        let connection = match app.http_connections.open() {
            Ok(connection) => connection,
            Err(error) => {
                tracing::debug!(%peer, %error, "connection refused");
                continue;
            }
        };
        let limits = TimeLimits {
            clock: app.context.clock.clone(),
            handshake: app.options.handshake_within,
            response: app.options.slow_for,
            stalled: app.metrics.responses_cut.clone(),
        };
        let (router, watcher) = (router.clone(), graceful.watcher());
        match &tls {
            None => {
                connections.spawn(serve_one(TokioIo::new(stream), peer, router, watcher, limits, connection));
            }
            Some(tls) => {
                let acceptor = TlsAcceptor::from(tls.value());
                connections.spawn(async move {
                    let handshake = tokio::select! {
                        handshake = acceptor.accept(stream) => handshake,
                        () = limits.handshake_timeout() => return tracing::debug!(%peer, "the TLS handshake timed out"),
                    };
                    match handshake {
                        Ok(stream) => {
                            serve_one(TokioIo::new(stream), peer, router, watcher, limits, connection).await;
                        }
                        Err(error) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
                    }
                });
            }
        }
    }
    drop(listener);
    app.handovers.close();
    let drained = async {
        graceful.shutdown().await;
        app.handovers.wait().await;
    };
    tokio::select! {
        () = drained => {}
        () = app.context.clock.sleep(DRAIN_DEADLINE) => tracing::warn!("the server stopped before all requests were answered"),
    }
    Ok(())
}

/// How long a client may take to send its first request and to read its responses.
struct TimeLimits {
    clock: Clock,
    /// For the TLS handshake, the first request, and the head of each later request.
    handshake: Duration,
    /// For each piece of a response.
    response: Duration,
    /// Counts the connections that exceed the limit for responses.
    stalled: Counter,
}

impl TimeLimits {
    async fn handshake_timeout(&self) {
        self.clock.sleep(self.handshake).await;
    }
}

async fn serve_one<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    limits: TimeLimits,
    connection: Arc<Connection>,
) where
    S: Read + Write + Unpin + Send + 'static,
{
    let first_request = Arc::new(Notify::new());
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(limits.handshake).max_buf_size(MAX_BUFFER_BYTES);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    http2.keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_INTERVAL);
    http2.initial_stream_window_size(STREAM_WINDOW_BYTES).initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    http2.max_header_list_size(MAX_HEAD_BYTES).max_send_buf_size(SEND_BUFFER_BYTES);
    let responses = PendingResponses::new(limits.clock.clone(), limits.response);
    let (received, pending, of_request) = (first_request.clone(), responses.clone(), connection.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        received.notify_one();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(of_request.clone());
        let (response, pending) = (router.clone().oneshot(request), pending.clone());
        async move { response.await.map(|response| pending.observe(response)) }
    });
    let stream = StallGuard::new(stream, limits.clock.clone(), limits.response);
    let server = builder.serve_connection_with_upgrades(stream, service).into_owned();
    let mut server = pin!(watcher.watch(server));
    // The time limits of the server begin only when it has the bytes that distinguish HTTP/1.1 from HTTP/2.
    let served = async {
        tokio::select! {
            outcome = &mut server => return Some(outcome),
            () = first_request.notified() => {}
            () = limits.handshake_timeout() => {
                tracing::debug!(%peer, "connection closed: no complete request in time");
                return None;
            }
        }
        tokio::select! {
            outcome = &mut server => Some(outcome),
            () = responses.stalled() => {
                limits.stalled.inc();
                tracing::debug!(%peer, "connection closed: the client does not read its response");
                None
            }
        }
    };
    let outcome = tokio::select! {
        outcome = served => outcome,
        () = connection.evicted() => {
            return tracing::debug!(%peer, "connection closed: other connections need its place or its memory");
        }
    };
    if let Some(Err(error)) = outcome {
        if is_stalled(error.as_ref()) {
            limits.stalled.inc();
        }
        tracing::debug!(%peer, error, "connection failed");
    }
}

/// Whether a connection ended because its client read nothing for too long.
fn is_stalled(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        next = error.source();
    }
    false
}
