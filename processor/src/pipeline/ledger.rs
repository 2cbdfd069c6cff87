//! Which records of a partition's own topics this owner wrote: the rest is somebody else's.
//!
//! A partition's state topics and its checkpoints have one writer, the owner. Every acknowledgement tells the offset of
//! a record; offsets in between, and those after the last one, belong to a former owner whose writes came late. So
//! nothing has to be read back as long as nobody else writes.

use std::sync::Arc;

use parking_lot::Mutex;
use streams::{Acknowledge, Delivered, DeliveryError, Receipt};
use tokio::sync::Notify;

/// Keeps account of the offsets that the receipts of its pages tell.
#[derive(Debug)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Account>>>);

/// Hands out receipts and waits for them: a checkpoint turns the page, and waits for the old one alone.
#[derive(Debug)]
pub(crate) struct Page(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    state: Mutex<State>,
    answered: Notify,
    accounts: Arc<Mutex<Vec<Account>>>,
}

#[derive(Debug, Default)]
struct State {
    open: u64,
    /// Those of them that an account is kept of.
    own_open: u64,
    failure: Option<DeliveryError>,
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
        Self(Arc::new(Mutex::new((0..topics).map(account).collect())))
    }

    /// A page with nothing on it.
    pub(crate) fn page(&self) -> Page {
        Page(Arc::new(Entries { state: Mutex::default(), answered: Notify::new(), accounts: self.0.clone() }))
    }

    /// From where on a topic that ends at `high` has to be looked at, since it holds what this owner did not write. To be
    /// asked while no page waits for records of the topic.
    pub(crate) fn unverified(&self, topic: usize, high: u64) -> Option<u64> {
        self.0.lock()[topic].unverified(high)
    }

    /// All of a topic before `high` has been looked at.
    pub(crate) fn verified(&self, topic: usize, high: u64) {
        self.0.lock()[topic] = Account::verified(Some(high));
    }

    /// Up to where each topic is as it should be, for the next owner. Topics of which nothing is known end the list.
    pub(crate) fn verified_offsets(&self) -> Vec<u64> {
        self.0.lock().iter().map_while(|account| account.verified).collect()
    }
}

impl Page {
    /// A receipt that is waited for. `topic`: the number of the topic that an account is kept of.
    pub(crate) fn receipt(&self, topic: Option<usize>) -> Receipt {
        let mut state = self.0.state.lock();
        state.open += 1;
        state.own_open += u64::from(topic.is_some());
        Receipt::new(self.0.clone(), topic.map_or(0, |topic| topic as u64 + 1))
    }

    /// Waits for all receipts given out so far. Cancel-safe.
    ///
    /// # Errors
    /// The first failure, which is then forgotten.
    pub(crate) async fn settled(&self) -> Result<(), DeliveryError> {
        self.0.until(|state| state.open == 0).await;
        self.0.state.lock().failure.take().map_or(Ok(()), Err)
    }

    /// Waits for those that an account is kept of; failures are left to [`Page::settled`]. Cancel-safe.
    pub(crate) async fn own_settled(&self) {
        self.0.until(|state| state.own_open == 0).await;
    }
}

impl Entries {
    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let answered = self.answered.notified();
            if is_so(&self.state.lock()) {
                return;
            }
            answered.await;
        }
    }
}

impl Acknowledge for Entries {
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>) {
        let is_own = tag > 0;
        if is_own && let Ok(delivered) = &outcome {
            // Before anybody hears of it: who waited asks the accounts next.
            self.accounts.lock()[tag as usize - 1].write(delivered.offset);
        }
        let mut state = self.state.lock();
        state.open -= 1;
        state.own_open -= u64::from(is_own);
        if let Err(error) = outcome {
            state.failure.get_or_insert(error);
        }
        if state.open == 0 || is_own && state.own_open == 0 {
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

    fn write(page: &Page, topic: Option<usize>, offset: u64) {
        page.receipt(topic).answer(Ok(Delivered { partition: 0, offset }));
    }

    #[test]
    fn own_records_need_no_look() {
        let ledger = Ledger::new(2, &[]);
        let page = ledger.page();
        (10..20).for_each(|offset| write(&page, Some(0), offset));
        assert_eq!((ledger.unverified(0, 20), ledger.unverified(1, 7)), (None, None));
        (7..9).for_each(|offset| write(&page, Some(1), offset));
        write(&page, None, 1_000);
        assert_eq!((ledger.unverified(0, 20), ledger.unverified(1, 9)), (None, None));
        assert_eq!(ledger.verified_offsets(), [20, 9]);
    }

    #[test]
    fn what_lies_between_and_behind_is_somebody_elses() {
        let ledger = Ledger::new(1, &[]);
        let page = ledger.page();
        for offset in [10, 11, 14, 15] {
            write(&page, Some(0), offset);
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
        write(&ledger.page(), Some(0), 13);
        assert_eq!(ledger.unverified(0, 14), Some(10));
        assert_eq!(ledger.unverified(1, 5), None);
    }

    #[test]
    fn a_topic_made_anew_is_not_read_past_its_end() {
        let ledger = Ledger::new(1, &[100]);
        assert_eq!(ledger.unverified(0, 3), None);
        assert_eq!(ledger.unverified(0, 5), Some(3));
    }

    #[test]
    fn pages_keep_the_same_accounts() {
        let ledger = Ledger::new(1, &[]);
        let (before, after) = (ledger.page(), ledger.page());
        let late = before.receipt(Some(0));
        late.answer(Ok(Delivered { partition: 0, offset: 3 }));
        write(&after, Some(0), 4);
        assert_eq!(ledger.unverified(0, 5), None);
    }

    #[tokio::test]
    async fn waits_for_the_last_receipt_and_tells_the_first_failure() {
        let page = Ledger::new(1, &[]).page();
        let (first, second) = (page.receipt(Some(0)), page.receipt(None));
        let mut settled = Box::pin(page.settled());
        assert!(futures::poll!(&mut settled).is_pending());
        drop(first);
        second.answer(Ok(Delivered { partition: 0, offset: 1 }));
        assert_eq!(settled.await, Err(DeliveryError::Abandoned));
        assert_eq!(page.settled().await, Ok(()));
    }

    #[tokio::test]
    async fn a_page_does_not_wait_for_the_next() {
        let ledger = Ledger::new(1, &[]);
        let (before, after) = (ledger.page(), ledger.page());
        let (_open, last) = (after.receipt(None), before.receipt(None));
        let mut settled = Box::pin(before.settled());
        assert!(futures::poll!(&mut settled).is_pending());
        last.answer(Ok(Delivered { partition: 0, offset: 1 }));
        assert_eq!(settled.await, Ok(()));
    }

    #[tokio::test]
    async fn own_records_are_waited_for_alone() {
        let page = Ledger::new(1, &[]).page();
        let (own, _other) = (page.receipt(Some(0)), page.receipt(None));
        let mut settled = Box::pin(page.own_settled());
        assert!(futures::poll!(&mut settled).is_pending());
        own.answer(Ok(Delivered { partition: 0, offset: 1 }));
        settled.await;
    }
}
