//! Limits the memory of responses that clients have not read yet.
//!
//! A client decides how fast a response is sent, and may not read it at all. So the memory of each response is reserved
//! on its connection until the client has read it, and a request beyond the limits is refused. A compressor takes
//! hundreds of kilobytes: a body that is complete is therefore compressed at once, and not while the client reads it.
//! Bodies are sent in pieces, so that the connection buffers one piece per response.
//!
//! Two middlewares do this. [`mark_complete`] sees a response before the compression, and [`limit`] after it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as HttpBody;

use super::problem::Problem;
use crate::http::{Connection, LimitError, PIECE_BYTES, PieceObserver, Pieces, RequestPermit, Reservation};

/// Memory of a request besides its head (target and headers), bytes: its stream and task.
const REQUEST_BYTES: usize = 2 << 10;
/// Memory of a response whose body is made while it is sent, bytes: rows and writer.
const STREAMED_BYTES: u64 = 128 << 10;
/// Memory of such a response that is compressed, bytes.
const COMPRESSED_BYTES: u64 = 1 << 20;

/// Marks a response whose body was complete before the compression.
#[derive(Clone, Copy, Debug)]
struct Complete;

/// Marks a response whose body is a part of the program itself, so that all clients share its memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaticBody;

/// Middleware below the compression: marks complete responses.
pub(super) async fn mark_complete(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if HttpBody::size_hint(response.body()).exact().is_some() {
        response.extensions_mut().insert(Complete);
    }
    response
}

/// Middleware above the compression: reserves the memory of requests and responses, and refuses requests beyond the
/// limits.
pub(super) async fn limit(request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    // Only tests call the router without a connection.
    let Some(connection) = connection else { return next.run(request).await };
    let head = match connection.reserve(head_bytes(&request)) {
        Ok(head) => head,
        Err(error) => return refuse(error),
    };
    let Some(permit) = connection.start_request().await else { return refuse(LimitError::ConnectionMemory) };
    let has_body = request.method() != Method::HEAD;
    let (mut parts, mut body) = next.run(request).await.into_parts();
    if !has_body {
        return Response::from_parts(parts, body);
    }
    // The length of a compressed body is not known, and its bytes are not those of the program any more.
    let is_static = parts.extensions.remove::<StaticBody>().is_some() && HttpBody::size_hint(&body).exact().is_some();
    // Complete before, and of unknown length now: the compression has wrapped it. Reading it to its end compresses it.
    if parts.extensions.remove::<Complete>().is_some() && HttpBody::size_hint(&body).exact().is_none() {
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => body = Body::from(bytes),
            Err(error) => {
                tracing::error!(%error, "cannot compress a response");
                let detail = "the response cannot be compressed: repeat the request without Accept-Encoding";
                return Problem::unavailable("not_compressed", detail.to_owned()).into_response();
            }
        }
    }
    let streamed = if parts.headers.contains_key(header::CONTENT_ENCODING) { COMPRESSED_BYTES } else { STREAMED_BYTES };
    let bytes = HttpBody::size_hint(&body).exact().unwrap_or(streamed);
    if bytes == 0 {
        return Response::from_parts(parts, body);
    }
    let bytes = if is_static { bytes.min(PIECE_BYTES as u64) } else { bytes };
    match connection.reserve(bytes) {
        Ok(reservation) => {
            let unread = UnreadResponse { pieces: 0, reservation, _head: head, _permit: permit };
            Response::from_parts(parts, Body::new(Pieces::new(body, unread)))
        }
        Err(error) => refuse(error),
    }
}

fn refuse(error: LimitError) -> Response {
    Problem::unavailable(error.reason(), error.to_string()).into_response()
}

fn head_bytes(request: &Request) -> u64 {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    (REQUEST_BYTES + headers + target) as u64
}

/// The resources of a response until the client has read it.
struct UnreadResponse {
    /// Pieces that the connection has taken.
    pieces: u64,
    /// Memory of the body.
    reservation: Reservation,
    /// Memory of the request.
    _head: Reservation,
    _permit: RequestPermit,
}

impl PieceObserver for UnreadResponse {
    fn on_piece(&mut self, _is_last: bool) {
        // The connection buffers the first piece also when the client does not read: only further ones show progress.
        if self.pieces > 0 {
            self.reservation.record_progress();
        }
        self.pieces += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;

    use futures::FutureExt as _;
    use runtime::{Clock, Metrics};

    use super::*;
    use crate::http::{ConnectionLimits, Connections};
    use crate::metrics::PusherMetrics;

    fn unread(connections: &Connections, bytes: usize) -> Pieces<UnreadResponse> {
        let connection = connections.open().expect("below the limit");
        let permit = connection.start_request().now_or_never().flatten().expect("the first request");
        let (head, reservation) = (
            connection.reserve(1).expect("below the limit"),
            connection.reserve(bytes as u64).expect("below the limit"),
        );
        let observer = UnreadResponse { pieces: 0, reservation, _head: head, _permit: permit };
        Pieces::new(Body::from(vec![7; bytes]), observer)
    }

    #[test]
    fn memory_is_reserved_until_the_body_is_dropped() {
        let limits = ConnectionLimits { connections: 2, bytes: 1 << 20, connection_bytes: 1 << 20 };
        let metrics = PusherMetrics::register(&Metrics::default());
        let connections = Connections::new(limits, Clock::system(), metrics.clone());
        let mut body = unread(&connections, 40_000);
        assert_eq!(metrics.http_held_bytes.get(), 40_001);
        let mut sizes = Vec::new();
        while let Some(frame) =
            poll_fn(|context| Pin::new(&mut body).poll_frame(context)).now_or_never().expect("ready")
        {
            sizes.push(frame.expect("no error").into_data().expect("data").len());
        }
        assert_eq!(sizes, [16_384, 16_384, 7_232]);
        drop(body);
        assert_eq!((metrics.http_held_bytes.get(), metrics.http_connections.get()), (0, 0));
    }
}
