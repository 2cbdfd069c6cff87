//! Answers as they wait for their clients: complete ones in the form in which they go out, in small pieces, and counted.
//!
//! A client decides how fast an answer goes out, and may not read it at all. So what waits must be small and have a bound: a
//! compressor holds hundreds of kilobytes, therefore what is complete is compressed at once and not as the client takes it;
//! and what the connection itself buffers is one piece per answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::problem::Problem;
use crate::http::{Answering, Connection, Full, Held};

/// What goes to the connection at once, bytes.
const PIECE_BYTES: usize = 16 << 10;
/// What a request holds besides its head, bytes: its stream and task.
const REQUEST_BYTES: usize = 2 << 10;
/// What an answer holds that is made as it is read, bytes: rows and writer.
const STREAMED_BYTES: u64 = 128 << 10;
/// The same with a compressor.
const COMPRESSED_BYTES: u64 = 1 << 20;

/// Says that an answer is complete before anything compresses it.
#[derive(Clone, Copy, Debug)]
struct Complete;

/// Says that all clients share the body: bytes of the program itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared;

/// Below the compression: marks answers that are complete.
pub(super) async fn mark(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if HttpBody::size_hint(response.body()).exact().is_some() {
        response.extensions_mut().insert(Complete);
    }
    response
}

/// Above the compression: holds answers for their clients, within the bounds.
pub(super) async fn hold(request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    // Without a connection there is no client that could be slow: a test asks the router itself.
    let Some(connection) = connection else { return next.run(request).await };
    let head = match connection.hold(head_bytes(&request)) {
        Ok(head) => head,
        Err(full) => return refuse(full),
    };
    let Some(answering) = connection.answer().await else { return refuse(Full::Connection) };
    let has_body = request.method() != Method::HEAD;
    let (mut parts, mut body) = next.run(request).await.into_parts();
    if !has_body {
        return Response::from_parts(parts, body);
    }
    // What was compressed is a copy.
    let is_shared = parts.extensions.remove::<Shared>().is_some() && HttpBody::size_hint(&body).exact().is_some();
    if parts.extensions.remove::<Complete>().is_some() && HttpBody::size_hint(&body).exact().is_none() {
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => body = Body::from(bytes),
            Err(error) => {
                tracing::error!(%error, "an answer could not be compressed");
                return Problem::busy("not_compressed", "the answer could not be compressed".to_owned())
                    .into_response();
            }
        }
    }
    let streamed = if parts.headers.contains_key(header::CONTENT_ENCODING) { COMPRESSED_BYTES } else { STREAMED_BYTES };
    let bytes = HttpBody::size_hint(&body).exact().unwrap_or(streamed);
    if bytes == 0 {
        return Response::from_parts(parts, body);
    }
    let bytes = if is_shared { bytes.min(PIECE_BYTES as u64) } else { bytes };
    match connection.hold(bytes) {
        Ok(held) => {
            let waiting = Waiting { body, rest: Bytes::new(), pieces: 0, held, _head: head, _answering: answering };
            Response::from_parts(parts, Body::new(waiting))
        }
        Err(full) => refuse(full),
    }
}

fn refuse(full: Full) -> Response {
    Problem::busy(full.reason(), full.to_string()).into_response()
}

fn head_bytes(request: &Request) -> u64 {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    (REQUEST_BYTES + headers + target) as u64
}

/// An answer that waits for its client.
struct Waiting {
    body: Body,
    /// Of a piece of the body that is too large for one.
    rest: Bytes,
    pieces: u64,
    held: Held,
    _head: Held,
    _answering: Answering,
}

impl HttpBody for Waiting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        // The first piece is taken by the connection, whether the client reads or not.
        if self.pieces > 0 {
            self.held.moved();
        }
        self.pieces += 1;
        let bytes = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(bytes);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HolderLimits, InFlight};
    use crate::metrics::PusherMetrics;
    use futures::FutureExt as _;
    use runtime::{Clock, Metrics};
    use std::future::poll_fn;

    fn waiting(in_flight: &InFlight, bytes: usize) -> Waiting {
        let connection = in_flight.join().expect("a place");
        let answering = connection.answer().now_or_never().flatten().expect("a turn");
        let (head, held) = (connection.hold(1).expect("room"), connection.hold(bytes as u64).expect("room"));
        let body = Body::from(vec![7; bytes]);
        Waiting { body, rest: Bytes::new(), pieces: 0, held, _head: head, _answering: answering }
    }

    #[test]
    fn an_answer_goes_out_in_small_pieces() {
        let limits = HolderLimits { connections: 2, bytes: 1 << 20, connection_bytes: 1 << 20 };
        let metrics = PusherMetrics::register(&Metrics::default());
        let in_flight = InFlight::new(limits, Clock::system(), metrics.clone());
        let mut body = waiting(&in_flight, 40_000);
        assert_eq!(metrics.http_held_bytes.get(), 40_001);
        let mut sizes = Vec::new();
        while let Some(frame) =
            poll_fn(|context| Pin::new(&mut body).poll_frame(context)).now_or_never().expect("ready")
        {
            sizes.push(frame.expect("good").into_data().expect("data").len());
            assert_eq!(body.size_hint().exact(), Some(40_000 - sizes.iter().sum::<usize>() as u64));
        }
        assert_eq!(sizes, [16_384, 16_384, 7_232]);
        drop(body);
        assert_eq!((metrics.http_held_bytes.get(), metrics.http_connections.get()), (0, 0));
    }
}
