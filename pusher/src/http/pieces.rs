//! A response body in pieces of bounded size, so that the server sees how far the client has read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// The largest piece, bytes: what a client has to read at once to count as progress. Smaller: slower clients are kept.
pub(crate) const PIECE_BYTES: usize = 16 << 10;

/// Observes a body in pieces.
pub(crate) trait PieceObserver {
    /// The connection asks for the next piece.
    fn on_poll(&mut self) {}

    /// The connection gets a piece; `is_last`: the body ends with it.
    fn on_piece(&mut self, is_last: bool);
}

/// A body in pieces, with their observer.
pub(crate) struct Pieces<O> {
    body: Body,
    /// The rest of a frame of the body that is larger than a piece.
    rest: Bytes,
    observer: O,
}

impl<O> Pieces<O> {
    pub(crate) fn new(body: Body, observer: O) -> Self {
        Self { body, rest: Bytes::new(), observer }
    }
}

impl<O: PieceObserver + Unpin> HttpBody for Pieces<O> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.observer.on_poll();
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let bytes = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(bytes);
        let is_last = self.is_end_stream();
        self.observer.on_piece(is_last);
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
    use std::future::poll_fn;

    use futures::FutureExt as _;

    use super::*;

    /// Whether each piece was the last.
    #[derive(Default)]
    struct Log(Vec<bool>);

    impl PieceObserver for Log {
        fn on_piece(&mut self, is_last: bool) {
            self.0.push(is_last);
        }
    }

    #[test]
    fn a_body_comes_in_pieces_of_the_same_length() {
        let mut body = Pieces::new(Body::from(vec![7; 2 * PIECE_BYTES + 1]), Log::default());
        let mut left = 2 * PIECE_BYTES + 1;
        assert_eq!(body.size_hint().exact(), Some(left as u64));
        for expected in [PIECE_BYTES, PIECE_BYTES, 1] {
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).now_or_never().expect("ready");
            let piece = frame.expect("a piece").expect("no error").into_data().expect("data");
            left -= piece.len();
            assert_eq!((piece.len(), body.size_hint().exact()), (expected, Some(left as u64)));
        }
        assert!(body.is_end_stream());
        assert_eq!(body.observer.0, [false, false, true]);
    }
}
