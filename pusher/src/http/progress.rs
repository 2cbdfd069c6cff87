//! The responses of one connection that wait for their client, and the end of its patience.
//!
//! A body that was asked for a piece waits for this server; one that gave a piece waits for its client. Only the latter counts:
//! a slow query is not the client's doing.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::Notify;

/// What a client has to take at once to count as progress, bytes. Smaller: slower clients are kept.
const PIECE_BYTES: usize = 16 << 10;

/// The responses of one connection. Clones share them.
#[derive(Clone)]
pub(super) struct Responses(Arc<Inner>);

struct Inner {
    clock: Clock,
    within: Duration,
    running: Mutex<Running>,
    began: Notify,
}

#[derive(Default)]
struct Running {
    next_id: u64,
    /// Since when each waits for the client, by the monotonic clock.
    waiting: HashMap<u64, Duration>,
}

impl Responses {
    pub(super) fn new(clock: Clock, within: Duration) -> Self {
        Self(Arc::new(Inner { clock, within, running: Mutex::default(), began: Notify::new() }))
    }

    /// The response, with its body watched from now on.
    pub(super) fn watch(&self, response: Response<Body>) -> Response<WatchedBody> {
        response.map(|body| {
            let id = (!body.is_end_stream()).then(|| self.begin());
            WatchedBody { body, left: Bytes::new(), id, responses: self.clone() }
        })
    }

    /// Ends when the client has taken nothing of a response for too long.
    pub(super) async fn stalled(&self) {
        let Inner { clock, within, running, began } = &*self.0;
        loop {
            let oldest = running.lock().waiting.values().min().copied();
            match oldest.map(|since| (since + *within).saturating_sub(clock.monotonic())) {
                None => began.notified().await,
                Some(Duration::ZERO) => return,
                Some(left) => clock.sleep(left).await,
            }
        }
    }

    fn begin(&self) -> u64 {
        let mut running = self.0.running.lock();
        let id = running.next_id;
        running.next_id += 1;
        drop(running);
        self.waits(id);
        id
    }

    fn waits(&self, id: u64) {
        let now = self.0.clock.monotonic();
        let mut running = self.0.running.lock();
        let was_idle = running.waiting.is_empty();
        running.waiting.insert(id, now);
        drop(running);
        if was_idle {
            self.0.began.notify_one();
        }
    }

    fn works(&self, id: u64) {
        self.0.running.lock().waiting.remove(&id);
    }
}

/// A body in pieces of bounded size.
pub(super) struct WatchedBody {
    body: Body,
    /// Of the last piece, what was not given out yet.
    left: Bytes,
    /// `None`: there is nothing to wait for.
    id: Option<u64>,
    responses: Responses,
}

impl hyper::body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(id) = self.id {
            self.responses.works(id);
        }
        if self.left.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.left = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let bytes = self.left.len().min(PIECE_BYTES);
        let piece = self.left.split_to(bytes);
        if let Some(id) = self.id
            && !self.is_end_stream()
        {
            self.responses.waits(id);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (left, below) = (self.left.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(below.lower() + left);
        if let Some(upper) = below.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.responses.works(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt as _;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

    async fn piece(body: &mut WatchedBody) -> Option<usize> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(frame.expect("good").into_data().expect("data").len())
    }

    fn of(responses: &Responses, bytes: usize) -> WatchedBody {
        responses.watch(Response::new(Body::from(vec![7; bytes]))).into_body()
    }

    #[tokio::test]
    async fn a_body_comes_in_small_pieces_of_the_same_length() {
        let responses = Responses::new(Clock::manual(0), WITHIN);
        let mut body = of(&responses, 2 * PIECE_BYTES + 1);
        assert_eq!(body.size_hint().exact(), Some(2 * PIECE_BYTES as u64 + 1));
        assert_eq!(piece(&mut body).await, Some(PIECE_BYTES));
        assert_eq!(body.size_hint().exact(), Some(PIECE_BYTES as u64 + 1));
        assert_eq!((piece(&mut body).await, piece(&mut body).await), (Some(PIECE_BYTES), Some(1)));
        assert!(body.is_end_stream() && piece(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_noticed() {
        let clock = Clock::manual(1_000_000_000);
        let responses = Responses::new(clock.clone(), WITHIN);
        let mut stalled = Box::pin(responses.stalled());
        assert!(futures::poll!(stalled.as_mut()).is_pending(), "nothing is under way");
        let mut body = of(&responses, 3 * PIECE_BYTES);
        assert!(futures::poll!(stalled.as_mut()).is_pending());
        clock.advance(Duration::from_secs(20));
        assert_eq!(piece(&mut body).await, Some(PIECE_BYTES));
        clock.advance(Duration::from_secs(20));
        assert!(futures::poll!(stalled.as_mut()).is_pending(), "it took a piece meanwhile");
        clock.advance(Duration::from_secs(10));
        stalled.await;
        drop(body);
        clock.advance(WITHIN);
        assert!(responses.stalled().now_or_never().is_none(), "a response that has ended stalls nothing");
    }

    #[tokio::test]
    async fn a_slow_server_is_not_the_clients_doing() {
        let clock = Clock::manual(1_000_000_000);
        let responses = Responses::new(clock.clone(), WITHIN);
        let never = Body::new(Never);
        let mut body = responses.watch(Response::new(never)).into_body();
        assert!(piece(&mut body).now_or_never().is_none(), "the query runs");
        clock.advance(2 * WITHIN);
        assert!(responses.stalled().now_or_never().is_none());
    }

    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }
    }
}
