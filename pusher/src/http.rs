//! The server on the pusher's own port: HTTP/1.1 with upgrades, and HTTP/2 for many REST requests over one connection. In
//! clear, or with TLS where there is a certificate; behind an ingress HTTP/2 begins by prior knowledge, with TLS by ALPN.

mod detach;
mod holders;
mod in_flight;
mod progress;
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
pub(crate) use detach::detach;
pub(crate) use holders::{Full, HolderLimits};
pub(crate) use in_flight::{Answering, Connection, Held, InFlight};
use progress::Responses;
use stall::StallGuard;
use tls::Tls;

/// A silent HTTP/2 connection is asked whether it lives after so long, and cut off when it does not answer in as long.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long requests under way may take when the server stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
const MAX_STREAMS: u32 = 100;
/// What one stream, and one connection, may send before it is read, bytes: the largest body that is taken has 4 KB.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 128 << 10;
/// The head of one request, bytes.
const MAX_HEAD_BYTES: u32 = 16 << 10;
/// What the connection itself buffers of one answer, bytes.
const SEND_BUFFER_BYTES: usize = 32 << 10;
/// What the connection itself buffers of HTTP/1.1, each way, bytes.
const MAX_BUFFER_BYTES: usize = 64 << 10;

/// Binds the port.
///
/// # Errors
/// Says which address could not be bound and which setting names it.
pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| format!("cannot bind {listen} (UPDRAFT_HTTP_LISTEN)"))
}

/// Serves until stopped; then no new connection is taken, and requests under way are finished.
///
/// # Errors
/// None: what goes wrong on one connection ends that connection.
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
                // Most often: no file descriptors left. Clients wait in the kernel's queue meanwhile.
                tracing::warn!(%error, "cannot accept a connection");
                app.context.clock.sleep(backoff.next_delay()).await;
                continue;
            }
        };
        backoff.reset();
        let connection = match app.in_flight.join() {
            Ok(connection) => connection,
            Err(full) => {
                tracing::debug!(%peer, %full, "a connection is refused");
                continue;
            }
        };
        let patience = Patience {
            clock: app.context.clock.clone(),
            within: app.options.handshake_within,
            slow_for: app.options.slow_for,
            cut: app.metrics.responses_cut.clone(),
        };
        let (router, watcher) = (router.clone(), graceful.watcher());
        match &tls {
            None => {
                connections.spawn(serve_one(TokioIo::new(stream), peer, router, watcher, patience, connection));
            }
            Some(tls) => {
                let acceptor = TlsAcceptor::from(tls.value());
                connections.spawn(async move {
                    let shaken = tokio::select! {
                        shaken = acceptor.accept(stream) => shaken,
                        () = patience.end() => return tracing::debug!(%peer, "too slow for a TLS handshake"),
                    };
                    match shaken {
                        Ok(stream) => {
                            serve_one(TokioIo::new(stream), peer, router, watcher, patience, connection).await;
                        }
                        Err(error) => tracing::debug!(%peer, %error, "no TLS handshake"),
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
        () = app.context.clock.sleep(DRAIN_DEADLINE) => tracing::warn!("requests were cut off"),
    }
    Ok(())
}

/// How long a connection may take to say what it wants, and to take what it gets.
struct Patience {
    clock: Clock,
    within: Duration,
    slow_for: Duration,
    /// Counts those that took nothing for too long.
    cut: Counter,
}

impl Patience {
    async fn end(&self) {
        self.clock.sleep(self.within).await;
    }
}

async fn serve_one<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    patience: Patience,
    in_flight: Arc<Connection>,
) where
    S: Read + Write + Unpin + Send + 'static,
{
    let asked = Arc::new(Notify::new());
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(patience.within).max_buf_size(MAX_BUFFER_BYTES);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    http2.keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_INTERVAL);
    http2.initial_stream_window_size(STREAM_WINDOW_BYTES).initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    http2.max_header_list_size(MAX_HEAD_BYTES).max_send_buf_size(SEND_BUFFER_BYTES);
    let (first, connection_of_requests) = (asked.clone(), in_flight.clone());
    let responses = Responses::new(patience.clock.clone(), patience.slow_for);
    let watched = responses.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        first.notify_one();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(connection_of_requests.clone());
        let (answered, watched) = (router.clone().oneshot(request), watched.clone());
        async move { answered.await.map(|response| watched.watch(response)) }
    });
    let stream = StallGuard::new(stream, patience.clock.clone(), patience.slow_for);
    let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    // While the server waits for the bytes that tell HTTP/1.1 from HTTP/2, its own time limits do not run yet.
    let served = async {
        tokio::select! {
            ended = &mut connection => return Some(ended),
            () = asked.notified() => {}
            () = patience.end() => {
                tracing::debug!(%peer, "too slow for a request");
                return None;
            }
        }
        tokio::select! {
            ended = &mut connection => Some(ended),
            () = responses.stalled() => {
                patience.cut.inc();
                tracing::debug!(%peer, "cut off: the client does not take its response");
                None
            }
        }
    };
    let ended = tokio::select! {
        ended = served => ended,
        () = in_flight.is_cut() => return tracing::debug!(%peer, "cut off: its memory is needed"),
    };
    let Some(ended) = ended else { return };
    if let Err(error) = ended {
        if is_stalled(error.as_ref()) {
            patience.cut.inc();
        }
        tracing::debug!(%peer, error, "a connection ended early");
    }
}

/// Whether a connection ended since its client took nothing for too long.
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
