//! The log's answers to records, passed from its thread to ours.

use std::sync::Arc;

use parking_lot::Mutex;
use streams::{Acknowledge, Delivered, DeliveryError, Receipt};
use tokio::sync::Notify;

/// An answer and the sequence number it is for.
pub(crate) type Answer = (u64, Result<Delivered, DeliveryError>);

/// Answers in the order they came. Bounded by the window: there is one per message in flight.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    waiting: Mutex<Vec<Answer>>,
    arrived: Notify,
}

impl Answers {
    /// A receipt whose answer is delivered here.
    pub(crate) fn receipt(self: &Arc<Self>, sequence: u64) -> Receipt {
        Receipt::new(self.clone(), sequence)
    }

    /// Waits until there is at least one answer. Cancel-safe.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Moves all answers into `into`, which is empty.
    pub(crate) fn take(&self, into: &mut Vec<Answer>) {
        std::mem::swap(&mut *self.waiting.lock(), into);
    }
}

impl Acknowledge for Answers {
    fn acknowledged(&self, sequence: u64, outcome: Result<Delivered, DeliveryError>) {
        let first = {
            let mut waiting = self.waiting.lock();
            waiting.push((sequence, outcome));
            waiting.len() == 1
        };
        // The answers behind it are taken too.
        if first {
            self.arrived.notify_one();
        }
    }
}
