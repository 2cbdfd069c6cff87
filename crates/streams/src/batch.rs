//! A latch over receipts: one for each record of a batch, then a wait for all.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::{Acknowledge, Delivered, DeliveryError, Receipt};

/// Waits until every receipt that it created is answered; reports the first failure.
///
/// ```
/// # async fn example(sink: &dyn streams::Sink, records: Vec<streams::Outgoing>) -> Result<(), streams::StreamError> {
/// let flush = streams::Flush::new();
/// for record in records {
///     sink.send(record, flush.receipt()).await?;
/// }
/// flush.wait().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Flush(Arc<Latch>);

#[derive(Default)]
struct Latch {
    state: Mutex<Pending>,
    answered: Notify,
}

#[derive(Default)]
struct Pending {
    open: u64,
    failure: Option<DeliveryError>,
}

impl Flush {
    /// A latch without receipts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A receipt that [`Flush::wait`] will wait for.
    pub fn receipt(&self) -> Receipt {
        self.0.lock().open += 1;
        Receipt::new(self.0.clone(), 0)
    }

    /// How many receipts are not answered yet.
    pub fn open(&self) -> u64 {
        self.0.lock().open
    }

    /// Waits for all receipts created so far. Cancel-safe; returns immediately when there are none.
    ///
    /// # Errors
    /// The first failure; it is cleared, so that the latch can be used again.
    pub async fn wait(&self) -> Result<(), DeliveryError> {
        loop {
            let answered = self.0.answered.notified();
            {
                let mut pending = self.0.lock();
                if pending.open == 0 {
                    return pending.failure.take().map_or(Ok(()), Err);
                }
            }
            answered.await;
        }
    }
}

impl Latch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        // The critical sections cannot panic; a poisoned latch is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledge for Latch {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        let last = {
            let mut pending = self.lock();
            pending.open -= 1;
            if let Err(error) = outcome {
                pending.failure.get_or_insert(error);
            }
            pending.open == 0
        };
        if last {
            self.answered.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERED: Delivered = Delivered { partition: 0, offset: 7 };

    fn refused(detail: &str) -> DeliveryError {
        DeliveryError::Refused { reason: "too_large", detail: detail.into() }
    }

    #[tokio::test]
    async fn waits_for_the_last_receipt() {
        let flush = Flush::new();
        let (first, second) = (flush.receipt(), flush.receipt());
        first.answer(Ok(DELIVERED));
        let mut wait = Box::pin(flush.wait());
        assert!(futures::poll!(&mut wait).is_pending());
        second.answer(Ok(DELIVERED));
        assert_eq!(wait.await, Ok(()));
    }

    #[tokio::test]
    async fn the_first_failure_is_reported_once() {
        let flush = Flush::new();
        let (first, second, third) = (flush.receipt(), flush.receipt(), flush.receipt());
        first.answer(Ok(DELIVERED));
        second.answer(Err(refused("second")));
        third.answer(Err(refused("third")));
        assert_eq!(flush.wait().await, Err(refused("second")));
        assert_eq!(flush.wait().await, Ok(()));
    }

    #[tokio::test]
    async fn a_dropped_receipt_is_answered() {
        let flush = Flush::new();
        drop(flush.receipt());
        assert_eq!(flush.wait().await, Err(DeliveryError::Abandoned));
    }
}
