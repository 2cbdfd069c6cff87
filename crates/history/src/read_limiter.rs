//! Bounds the number of concurrent queries, and the number of waiting ones.

use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::HistoryError;

/// The maximum number of new queries that wait; more are refused immediately.
const MAX_WAITING: usize = 64;
/// How long a new query waits.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a query waits for its next page.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(30);

/// The bounds of one store. Clones share them.
#[derive(Clone)]
pub(crate) struct ReadLimiter {
    readers: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    clock: Clock,
}

impl ReadLimiter {
    pub(crate) fn new(readers: usize, clock: Clock) -> Self {
        Self { readers: Arc::new(Semaphore::new(readers)), waiting: Arc::new(Semaphore::new(MAX_WAITING)), clock }
    }

    /// Waits for a permit to read one page. `is_first`: the first page of a query, which may be refused when too many
    /// wait.
    ///
    /// # Errors
    /// Transient, `busy`: too many queries wait already, or no reader became free in time.
    pub(crate) async fn acquire(&self, attempted: &str, is_first: bool) -> Result<OwnedSemaphorePermit, HistoryError> {
        if let Ok(permit) = self.readers.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let busy = |why: &str| HistoryError::transient("busy", attempted, why.to_owned());
        let (_waiting, timeout) = match is_first {
            true => {
                let waiting = self.waiting.clone().try_acquire_owned();
                (Some(waiting.map_err(|_| busy("too many queries wait already"))?), BEGIN_TIMEOUT)
            }
            false => (None, CONTINUE_TIMEOUT),
        };
        tokio::select! {
            permit = self.readers.clone().acquire_owned() => Ok(permit.expect("never closed")),
            () = self.clock.sleep(timeout) => Err(busy("no reader became free in time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn queries_beyond_the_bounds_are_refused() {
        let clock = Clock::manual(1_000_000_000);
        let limiter = ReadLimiter::new(2, clock.clone());
        let one = limiter.acquire("read", true).await.expect("free");
        let two = limiter.acquire("read", true).await.expect("free");
        let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(limiter.acquire("read", true))).collect();
        for wait in &mut waiting {
            assert!(poll!(wait.as_mut()).is_pending());
        }
        let refused = limiter.acquire("read", true).now_or_never().expect("at once").expect_err("full");
        assert_eq!((refused.reason(), refused.is_transient()), ("busy", true));
        let mut next_page = Box::pin(limiter.acquire("read", false));
        assert!(poll!(next_page.as_mut()).is_pending(), "a query in progress waits");
        drop(one);
        let _one = waiting.remove(0).await.expect("the first in the queue");
        clock.advance(BEGIN_TIMEOUT);
        assert!(waiting.remove(0).await.is_err_and(|error| error.reason() == "busy"));
        waiting.clear();
        drop(two);
        assert!(next_page.await.is_ok(), "after the first");
    }
}
