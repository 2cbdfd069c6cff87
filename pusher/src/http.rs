//! The server on the pusher's own port: HTTP/1.1 with upgrades, and HTTP/2 for many REST requests over one connection. In
//! clear, or with TLS where there is a certificate; behind an ingress HTTP/2 begins by prior knowledge, with TLS by ALPN.

mod detach;
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
use runtime::{Backoff, Clock, Shutdown};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::app::App;
pub(crate) use detach::detach;
use tls::Tls;

/// A silent HTTP/2 connection is asked whether it lives after so long, and cut off when it does not answer in as long.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long requests under way may take when the server stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
const MAX_STREAMS: u32 = 100;

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
        let patience = Patience { clock: app.context.clock.clone(), within: app.options.handshake_within };
        let (router, watcher) = (router.clone(), graceful.watcher());
        match &tls {
            None => {
                connections.spawn(serve_one(TokioIo::new(stream), peer, router, watcher, patience));
            }
            Some(tls) => {
                let acceptor = TlsAcceptor::from(tls.value());
                connections.spawn(async move {
                    let shaken = tokio::select! {
                        shaken = acceptor.accept(stream) => shaken,
                        () = patience.end() => return tracing::debug!(%peer, "too slow for a TLS handshake"),
                    };
                    match shaken {
                        Ok(stream) => serve_one(TokioIo::new(stream), peer, router, watcher, patience).await,
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

/// How long a connection may take to say what it wants.
struct Patience {
    clock: Clock,
    within: Duration,
}

impl Patience {
    async fn end(&self) {
        self.clock.sleep(self.within).await;
    }
}

async fn serve_one<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher, patience: Patience)
where
    S: Read + Write + Unpin + Send + 'static,
{
    let asked = Arc::new(Notify::new());
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.within);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    http2.keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_INTERVAL);
    let first = asked.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        first.notify_one();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    // While the server waits for the bytes that tell HTTP/1.1 from HTTP/2, its own time limits do not run yet.
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = asked.notified() => connection.await,
        () = patience.end() => return tracing::debug!(%peer, "too slow for a request"),
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection ended early");
    }
}
