//! Bodies that are made piece by piece while the client reads them.
//!
//! All streamed bodies are made here; `clippy.toml` forbids `Body::from_stream` elsewhere. Compression polls a body
//! once more after its end, which makes some streams panic. These bodies return the end again.

use std::future::{Future, ready};

use axum::body::{Body, Bytes};
use axum::http::Error;
use futures::StreamExt as _;
use futures::future::Either;
use futures::stream;

/// A piece of a body, and the state for the next piece; `None` after the last one. An error ends the connection, so
/// that no client takes a part for the complete body.
pub(super) type Piece<S, E> = (Result<Bytes, E>, Option<S>);

/// The body of the pieces that `next` returns, beginning with the state `first`.
pub(super) fn streamed<S, E, F>(first: S, next: impl Fn(S) -> F + Send + 'static) -> Body
where
    S: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
    F: Future<Output = Option<Piece<S, E>>> + Send + 'static,
{
    let pieces = stream::unfold(Some(first), move |state| match state {
        Some(state) => Either::Left(next(state)),
        None => Either::Right(ready(None)),
    });
    from_stream(pieces)
}

/// An empty body of unknown length, for the response to HEAD where the length of the file is unknown: an empty body of
/// known length would report that the file has no bytes.
pub(super) fn of_unknown_length() -> Body {
    from_stream(stream::empty::<Result<Bytes, Error>>())
}

#[allow(clippy::disallowed_methods, reason = "the stream is fused")]
fn from_stream<E>(pieces: impl stream::Stream<Item = Result<Bytes, E>> + Send + 'static) -> Body
where
    E: std::error::Error + Send + Sync + 'static,
{
    Body::from_stream(pieces.fuse())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::HttpBody as _;
    use futures::FutureExt as _;
    use std::future::poll_fn;
    use std::pin::Pin;

    fn poll(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
        let polled = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).now_or_never().expect("is ready");
        polled.map(|frame| frame.map(|frame| frame.into_data().expect("data")))
    }

    /// Counts down to 0; fails at `fails_at`.
    async fn count_down((left, fails_at): (u8, u8)) -> Option<Piece<(u8, u8), std::fmt::Error>> {
        match left {
            0 => None,
            left if left == fails_at => Some((Err(std::fmt::Error), None)),
            1 => Some((Ok(Bytes::from_static(&[1])), None)),
            left => Some((Ok(vec![left].into()), Some((left - 1, fails_at)))),
        }
    }

    #[test]
    fn a_poll_after_the_end_returns_the_end() {
        for pieces in [0, 1, 3] {
            let mut body = streamed((pieces, 9), count_down);
            for left in (1..=pieces).rev() {
                assert_eq!(poll(&mut body).expect("a piece").expect("good"), vec![left]);
            }
            assert!((0..3).all(|_| poll(&mut body).is_none()));
        }
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let mut body = streamed((2, 1), count_down);
        assert!(poll(&mut body).expect("a piece").is_ok());
        assert!(poll(&mut body).expect("an error").is_err());
        assert!((0..3).all(|_| poll(&mut body).is_none()));
    }

    #[test]
    fn a_body_of_unknown_length_has_no_length() {
        assert_eq!(of_unknown_length().size_hint().exact(), None);
        assert!(poll(&mut of_unknown_length()).is_none());
    }
}
