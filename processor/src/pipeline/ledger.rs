//! Which records of a partition's own topics this owner wrote: the rest is somebody else's.
//!
//! A partition's state topics and its checkpoints have one writer, the owner. Every acknowledgement tells the offset of
//! a record; offsets in between, and those after the last one, belong to a former owner whose writes came late. So
//! nothing has to be read back as long as nobody else writes.

use std::sync::Arc;

use parking_lot::Mutex;
use streams::{Acknowledge, Delivered, DeliveryError, Receipt};
use tokio::sync::Notify;

/// Hands out receipts, waits for them, and keeps account of the offsets they tell.
#[derive(Debug)]
pub(crate) struct Ledger(Arc<Book>);

#[derive(Debug)]
struct Book {
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Debug)]
struct State {
    open: u64,
    failure: Option<DeliveryError>,
    accounts: Vec<Account>,
}

/// One topic of the partition.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// All before this offset is as it should be. `None`: nothing is known yet.
    verified: Option<u64>,
    /// After this owner's last record.
    next: Option<u64>,
    /// Since `verified` there is something that this owner did not write.
    is_foreign: bool,
}

impl Ledger {
    /// Keeps account of so many topics; `verified`: up to where a former owner has, where that is known.
    pub(crate) fn new(topics: usize, verified: &[u64]) -> Self {
        let account = |topic: usize| Account::verified(verified.get(topic).copied());
        let accounts = (0..topics).map(account).collect();
        let state = Mutex::new(State { open: 0, failure: None, accounts });
        Self(Arc::new(Book { state, answered: Notify::new() }))
    }

    /// A receipt that [`Ledger::wait`] waits for. `topic`: the number of the topic it keeps account of.
    pub(crate) fn receipt(&self, topic: Option<usize>) -> Receipt {
        self.0.state.lock().open += 1;
        Receipt::new(self.0.clone(), topic.map_or(0, |topic| topic as u64 + 1))
    }

    /// Waits for all receipts given out so far; the first failure wins and is forgotten.
    pub(crate) async fn wait(&self) -> Result<(), DeliveryError> {
        loop {
            let answered = self.0.answered.notified();
            {
                let mut state = self.0.state.lock();
                if state.open == 0 {
                    return state.failure.take().map_or(Ok(()), Err);
                }
            }
            answered.await;
        }
    }

    /// From where on a topic that ends at `high` has to be looked at, since it holds what this owner did not write. To be
    /// asked while nothing is under way.
    pub(crate) fn unverified(&self, topic: usize, high: u64) -> Option<u64> {
        self.0.state.lock().accounts[topic].unverified(high)
    }

    /// All of a topic before `high` has been looked at.
    pub(crate) fn verified(&self, topic: usize, high: u64) {
        self.0.state.lock().accounts[topic] = Account::verified(Some(high));
    }

    /// Up to where each topic is as it should be, for the next owner. Topics of which nothing is known end the list.
    pub(crate) fn verified_offsets(&self) -> Vec<u64> {
        self.0.state.lock().accounts.iter().map_while(|account| account.verified).collect()
    }
}

impl Acknowledge for Book {
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>) {
        let mut state = self.state.lock();
        state.open -= 1;
        match outcome {
            Ok(delivered) if tag > 0 => state.accounts[tag as usize - 1].write(delivered.offset),
            Ok(_) => {}
            Err(error) => {
                state.failure.get_or_insert(error);
            }
        }
        if state.open == 0 {
            drop(state);
            self.answered.notify_waiters();
        }
    }
}

impl Account {
    fn verified(verified: Option<u64>) -> Self {
        Self { verified, next: verified, is_foreign: false }
    }

    fn write(&mut self, offset: u64) {
        match self.next {
            // Whoever begins without a predecessor's word answers for what comes from now on.
            None => self.verified = Some(offset),
            // Records of a partition are acknowledged in their order; a repeat tells no offset of its own.
            Some(next) if offset < next => return,
            Some(next) => self.is_foreign |= offset > next,
        }
        self.next = Some(offset + 1);
    }

    fn unverified(&mut self, high: u64) -> Option<u64> {
        let is_foreign = self.is_foreign || self.next.is_some_and(|next| next < high);
        // A topic that ends before what was written is another one, made anew.
        let from = self.verified.filter(|verified| is_foreign && *verified <= high);
        if from.is_none() {
            *self = Self::verified(Some(high));
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ledger: &Ledger, topic: Option<usize>, offset: u64) {
        ledger.receipt(topic).answer(Ok(Delivered { partition: 0, offset }));
    }

    #[test]
    fn own_records_need_no_look() {
        let ledger = Ledger::new(2, &[]);
        (10..20).for_each(|offset| write(&ledger, Some(0), offset));
        assert_eq!((ledger.unverified(0, 20), ledger.unverified(1, 7)), (None, None));
        (7..9).for_each(|offset| write(&ledger, Some(1), offset));
        write(&ledger, None, 1_000);
        assert_eq!((ledger.unverified(0, 20), ledger.unverified(1, 9)), (None, None));
        assert_eq!(ledger.verified_offsets(), [20, 9]);
    }

    #[test]
    fn what_lies_between_and_behind_is_somebody_elses() {
        let ledger = Ledger::new(1, &[]);
        for offset in [10, 11, 14, 15] {
            write(&ledger, Some(0), offset);
        }
        assert_eq!(ledger.unverified(0, 16), Some(10));
        assert_eq!(ledger.verified_offsets(), [10], "the next owner looks again");
        ledger.verified(0, 16);
        assert_eq!(ledger.unverified(0, 16), None);
        assert_eq!(ledger.unverified(0, 18), Some(16));
    }

    #[test]
    fn a_new_owner_looks_from_where_the_last_one_looked() {
        let ledger = Ledger::new(2, &[10]);
        write(&ledger, Some(0), 13);
        assert_eq!(ledger.unverified(0, 14), Some(10));
        assert_eq!(ledger.unverified(1, 5), None);
    }

    #[test]
    fn a_topic_made_anew_is_not_read_past_its_end() {
        let ledger = Ledger::new(1, &[100]);
        assert_eq!(ledger.unverified(0, 3), None);
        assert_eq!(ledger.unverified(0, 5), Some(3));
    }

    #[tokio::test]
    async fn waits_for_the_last_receipt_and_tells_the_first_failure() {
        let ledger = Ledger::new(1, &[]);
        let (first, second) = (ledger.receipt(Some(0)), ledger.receipt(None));
        let mut wait = Box::pin(ledger.wait());
        assert!(futures::poll!(&mut wait).is_pending());
        drop(first);
        second.answer(Ok(Delivered { partition: 0, offset: 1 }));
        assert_eq!(wait.await, Err(DeliveryError::Abandoned));
        assert_eq!(ledger.wait().await, Ok(()));
    }
}
