//! Bodies that are made piece by piece, as fast as the client takes them.
//!
//! Every such body is made here and nowhere else (`clippy.toml` forbids the other way): compression polls a body once more
//! after its end, which a body may answer with a panic. These answer with the end again.

use std::future::{Future, ready};

use axum::body::{Body, Bytes};
use axum::http::Error;
use futures::StreamExt as _;
use futures::future::Either;
use futures::stream;

/// A piece of a body and what makes the next one; after the last piece `None`. An error ends the connection, so that no
/// client takes a part for the complete body.
pub(super) type Piece<S, E> = (Result<Bytes, E>, Option<S>);

/// The pieces that `next` makes, beginning with `first`; it ends where `next` makes none.
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

/// The body of an answer to HEAD that has no body to be measured: nothing, of a length that is not told. An empty body
/// would say that the file has no bytes.
pub(super) fn unmeasured() -> Body {
    from_stream(stream::empty::<Result<Bytes, Error>>())
}

#[allow(clippy::disallowed_methods, reason = "the one place: fused")]
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

    /// Counts down to nought; breaks at `breaks_at`.
    async fn count_down((left, breaks_at): (u8, u8)) -> Option<Piece<(u8, u8), std::fmt::Error>> {
        match left {
            0 => None,
            left if left == breaks_at => Some((Err(std::fmt::Error), None)),
            1 => Some((Ok(Bytes::from_static(&[1])), None)),
            left => Some((Ok(vec![left].into()), Some((left - 1, breaks_at)))),
        }
    }

    #[test]
    fn polled_after_its_end_it_ends_again() {
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
    fn an_unmeasured_body_tells_no_length() {
        assert_eq!(unmeasured().size_hint().exact(), None);
        assert!(poll(&mut unmeasured()).is_none());
    }
}
