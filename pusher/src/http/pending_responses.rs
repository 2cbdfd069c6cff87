//! The responses of one connection that wait for its client, and the time limit for the client.
//!
//! While a connection asks a body for its next piece, the response waits for this server; after it got a piece, the
//! response waits for the client. Only the latter counts: a slow query is not the client's fault.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use hyper::body::Body as _;
use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::Notify;

use super::pieces::{PieceObserver, Pieces};

/// The responses of one connection. Clones share them.
#[derive(Clone)]
pub(super) struct PendingResponses(Arc<Inner>);

struct Inner {
    clock: Clock,
    timeout: Duration,
    state: Mutex<State>,
    first_pending: Notify,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// Since when each response waits for the client, by the monotonic clock.
    waiting: HashMap<u64, Duration>,
}

impl PendingResponses {
    pub(super) fn new(clock: Clock, timeout: Duration) -> Self {
        Self(Arc::new(Inner { clock, timeout, state: Mutex::default(), first_pending: Notify::new() }))
    }

    /// The response with an observed body.
    pub(super) fn observe(&self, response: Response<Body>) -> Response<Pieces<ResponseObserver>> {
        response.map(|body| {
            let id = (!body.is_end_stream()).then(|| self.add());
            Pieces::new(body, ResponseObserver { id, responses: self.clone() })
        })
    }

    /// Completes when the client has read nothing of a response for the time limit.
    pub(super) async fn stalled(&self) {
        let Inner { clock, timeout, state, first_pending } = &*self.0;
        loop {
            let oldest = state.lock().waiting.values().min().copied();
            match oldest.map(|since| (since + *timeout).saturating_sub(clock.monotonic())) {
                None => first_pending.notified().await,
                Some(Duration::ZERO) => return,
                Some(left) => clock.sleep(left).await,
            }
        }
    }

    fn add(&self) -> u64 {
        let mut state = self.0.state.lock();
        let id = state.next_id;
        state.next_id += 1;
        drop(state);
        self.start_waiting(id);
        id
    }

    fn start_waiting(&self, id: u64) {
        let now = self.0.clock.monotonic();
        let mut state = self.0.state.lock();
        let was_empty = state.waiting.is_empty();
        state.waiting.insert(id, now);
        drop(state);
        if was_empty {
            self.0.first_pending.notify_one();
        }
    }

    fn stop_waiting(&self, id: u64) {
        self.0.state.lock().waiting.remove(&id);
    }
}

/// Observes the body of one response.
pub(super) struct ResponseObserver {
    /// `None`: the body is empty.
    id: Option<u64>,
    responses: PendingResponses,
}

impl PieceObserver for ResponseObserver {
    fn on_poll(&mut self) {
        if let Some(id) = self.id {
            self.responses.stop_waiting(id);
        }
    }

    fn on_piece(&mut self, is_last: bool) {
        if let Some(id) = self.id
            && !is_last
        {
            self.responses.start_waiting(id);
        }
    }
}

impl Drop for ResponseObserver {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.responses.stop_waiting(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Bytes;
    use futures::FutureExt as _;
    use hyper::body::Frame;

    use super::super::pieces::PIECE_BYTES;
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn piece(body: &mut Pieces<ResponseObserver>) -> Option<usize> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(frame.expect("no error").into_data().expect("data").len())
    }

    fn response(responses: &PendingResponses, bytes: usize) -> Pieces<ResponseObserver> {
        responses.observe(Response::new(Body::from(vec![7; bytes]))).into_body()
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_detected() {
        let clock = Clock::manual(1_000_000_000);
        let responses = PendingResponses::new(clock.clone(), TIMEOUT);
        let mut stalled = Box::pin(responses.stalled());
        assert!(futures::poll!(stalled.as_mut()).is_pending(), "there is no response");
        let mut body = response(&responses, 3 * PIECE_BYTES);
        assert!(futures::poll!(stalled.as_mut()).is_pending());
        clock.advance(Duration::from_secs(20));
        assert_eq!(piece(&mut body).await, Some(PIECE_BYTES));
        clock.advance(Duration::from_secs(20));
        assert!(futures::poll!(stalled.as_mut()).is_pending(), "it read a piece in between");
        clock.advance(Duration::from_secs(10));
        stalled.await;
        drop(body);
        clock.advance(TIMEOUT);
        assert!(responses.stalled().now_or_never().is_none(), "a response that has ended does not count");
    }

    #[tokio::test]
    async fn a_complete_response_does_not_count() {
        let clock = Clock::manual(1_000_000_000);
        let responses = PendingResponses::new(clock.clone(), TIMEOUT);
        let mut body = response(&responses, 1);
        assert_eq!((piece(&mut body).await, piece(&mut body).await), (Some(1), None));
        clock.advance(TIMEOUT);
        assert!(responses.stalled().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_slow_server_does_not_count() {
        let clock = Clock::manual(1_000_000_000);
        let responses = PendingResponses::new(clock.clone(), TIMEOUT);
        let mut body = responses.observe(Response::new(Body::new(Never))).into_body();
        assert!(piece(&mut body).now_or_never().is_none(), "the query runs");
        clock.advance(2 * TIMEOUT);
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
