//! Who may read at once, and who waits for that: a bound for each.

use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::HistoryError;

/// New questions that wait; more are refused at once.
const WAITING: usize = 64;
/// A new question waits for so long at most.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// An answer that is under way waits for so long for its next page.
const CONTINUE_WITHIN: Duration = Duration::from_secs(30);

/// The bounds of one store. Clones share them.
#[derive(Clone)]
pub(crate) struct Turns {
    readers: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    clock: Clock,
}

impl Turns {
    pub(crate) fn new(readers: usize, clock: Clock) -> Self {
        Self { readers: Arc::new(Semaphore::new(readers)), waiting: Arc::new(Semaphore::new(WAITING)), clock }
    }

    /// A turn to read one page or answer one question; it ends when it is dropped. `is_first`: a new question, not the next
    /// page of an answer that is under way.
    ///
    /// # Errors
    /// Transient, `busy`: too many wait already, or none of the readers became free in time.
    pub(crate) async fn take(&self, attempted: &str, is_first: bool) -> Result<OwnedSemaphorePermit, HistoryError> {
        if let Ok(turn) = self.readers.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let busy = |why: &str| HistoryError::transient("busy", attempted, why.to_owned());
        let (_waits, within) = match is_first {
            true => {
                let waits = self.waiting.clone().try_acquire_owned();
                (Some(waits.map_err(|_| busy("too many questions wait already"))?), BEGIN_WITHIN)
            }
            false => (None, CONTINUE_WITHIN),
        };
        tokio::select! {
            turn = self.readers.clone().acquire_owned() => Ok(turn.expect("never closed")),
            () = self.clock.sleep(within) => Err(busy("no reader became free in time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn beyond_the_bounds_questions_are_refused() {
        let clock = Clock::manual(1_000_000_000);
        let turns = Turns::new(2, clock.clone());
        let one = turns.take("read", true).await.expect("free");
        let two = turns.take("read", true).await.expect("free");
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.take("read", true))).collect();
        for wait in &mut waiting {
            assert!(poll!(wait.as_mut()).is_pending());
        }
        let refused = turns.take("read", true).now_or_never().expect("at once").expect_err("full");
        assert_eq!((refused.reason(), refused.is_transient()), ("busy", true));
        let mut next_page = Box::pin(turns.take("read", false));
        assert!(poll!(next_page.as_mut()).is_pending(), "what is under way waits");
        drop(one);
        let _one = waiting.remove(0).await.expect("the first in the queue");
        clock.advance(BEGIN_WITHIN);
        assert!(waiting.remove(0).await.is_err_and(|error| error.reason() == "busy"));
        waiting.clear();
        drop(two);
        assert!(next_page.await.is_ok(), "in its turn");
    }
}
