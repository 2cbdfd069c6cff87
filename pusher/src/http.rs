//! The server on the pusher's own port: HTTP/1.1 with upgrades, and HTTP/2 for many REST requests over one connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use runtime::{Backoff, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::App;

/// A client that sends its request head slower than this is cut off.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
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
pub(crate) async fn serve(app: App, listener: TcpListener, router: Router, stop: Shutdown) -> anyhow::Result<()> {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
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
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
        });
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
