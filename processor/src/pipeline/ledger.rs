//! Which records of a partition's own topics this owner wrote. All others are a former owner's.
//!
//! A partition's state topics and its checkpoints have one writer, the owner. Every acknowledgement has the offset of a record;
//! the offsets between them, and those after the last one, belong to a former owner whose writes came late. So nothing has
//! to be read back while only the owner writes.

use std::sync::Arc;

use parking_lot::Mutex;
use streams::{Acknowledge, Delivered, DeliveryError, Receipt};
use tokio::sync::Notify;

/// Records the offsets that receipts report, per topic.
#[derive(Debug)]
pub(crate) struct Ledger(Arc<Mutex<Vec<TopicOffsets>>>);

/// Makes receipts and waits for their acknowledgements. Each checkpoint begins new ones, and waits for those before it alone.
#[derive(Debug)]
pub(crate) struct Receipts(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    state: Mutex<State>,
    acknowledged: Notify,
    topics: Arc<Mutex<Vec<TopicOffsets>>>,
}

#[derive(Debug, Default)]
struct State {
    open: u64,
    /// Open receipts of topics in the ledger.
    own_open: u64,
    failure: Option<DeliveryError>,
}

/// One topic of the partition.
#[derive(Clone, Copy, Debug, Default)]
struct TopicOffsets {
    /// The topic has no late writes before this offset. `None`: not known yet.
    verified: Option<u64>,
    /// The offset after this owner's last record.
    next: Option<u64>,
    /// Since `verified` there are records that this owner did not write.
    is_foreign: bool,
}

impl Ledger {
    /// A ledger of so many topics. `verified`: the verified offsets of a former owner, where they are known.
    pub(crate) fn new(topics: usize, verified: &[u64]) -> Self {
        let offsets = |topic: usize| TopicOffsets::from_offset(verified.get(topic).copied());
        Self(Arc::new(Mutex::new((0..topics).map(offsets).collect())))
    }

    /// Receipts of which none is open.
    pub(crate) fn receipts(&self) -> Receipts {
        Receipts(Arc::new(Entries { state: Mutex::default(), acknowledged: Notify::new(), topics: self.0.clone() }))
    }

    /// The offset from which a topic that ends at `high` has to be read, since it has records that this owner did not write.
    /// To be called while no receipt of the topic is open.
    pub(crate) fn read_from(&self, topic: usize, high: u64) -> Option<u64> {
        self.0.lock()[topic].read_from(high)
    }

    /// All of a topic before `high` has been read.
    pub(crate) fn set_verified(&self, topic: usize, high: u64) {
        self.0.lock()[topic] = TopicOffsets::from_offset(Some(high));
    }

    /// The verified offset of each topic, for the next owner. The list ends before the first topic without one.
    pub(crate) fn verified_offsets(&self) -> Vec<u64> {
        self.0.lock().iter().map_while(|topic| topic.verified).collect()
    }
}

impl Receipts {
    /// A new receipt. `topic`: the number of the record's topic in the ledger.
    pub(crate) fn receipt(&self, topic: Option<usize>) -> Receipt {
        let mut state = self.0.state.lock();
        state.open += 1;
        state.own_open += u64::from(topic.is_some());
        Receipt::new(self.0.clone(), topic.map_or(0, |topic| topic as u64 + 1))
    }

    /// Waits until all receipts made so far are acknowledged. Cancel-safe.
    ///
    /// # Errors
    /// The first failure; it is returned once.
    pub(crate) async fn acknowledged(&self) -> Result<(), DeliveryError> {
        self.0.until(|state| state.open == 0).await;
        self.0.state.lock().failure.take().map_or(Ok(()), Err)
    }

    /// Waits until those of topics in the ledger are acknowledged; [`Receipts::acknowledged`] returns failures. Cancel-safe.
    pub(crate) async fn own_acknowledged(&self) {
        self.0.until(|state| state.own_open == 0).await;
    }
}

impl Entries {
    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let acknowledged = self.acknowledged.notified();
            if is_so(&self.state.lock()) {
                return;
            }
            acknowledged.await;
        }
    }
}

impl Acknowledge for Entries {
    fn acknowledged(&self, tag: u64, outcome: Result<Delivered, DeliveryError>) {
        let is_own = tag > 0;
        if is_own && let Ok(delivered) = &outcome {
            // Before the waiting task is notified: it reads the offsets next.
            self.topics.lock()[tag as usize - 1].write(delivered.offset);
        }
        let mut state = self.state.lock();
        state.open -= 1;
        state.own_open -= u64::from(is_own);
        if let Err(error) = outcome {
            // A refused record is given up; it must not hide one that has to be written again.
            if state.failure.as_ref().is_none_or(is_refused) {
                state.failure = Some(error);
            }
        }
        if state.open == 0 || is_own && state.own_open == 0 {
            drop(state);
            self.acknowledged.notify_waiters();
        }
    }
}

fn is_refused(error: &DeliveryError) -> bool {
    matches!(error, DeliveryError::Refused { .. })
}

impl TopicOffsets {
    fn from_offset(verified: Option<u64>) -> Self {
        Self { verified, next: verified, is_foreign: false }
    }

    fn write(&mut self, offset: u64) {
        match self.next {
            // Without a verified offset of a former owner, the offsets begin with this owner's first record.
            None => self.verified = Some(offset),
            // The records of a partition are acknowledged in their order; a repeated record has no new offset.
            Some(next) if offset < next => return,
            Some(next) => self.is_foreign |= offset > next,
        }
        self.next = Some(offset + 1);
    }

    fn read_from(&mut self, high: u64) -> Option<u64> {
        let is_foreign = self.is_foreign || self.next.is_some_and(|next| next < high);
        // A topic that ends before the written offset was created again.
        let from = self.verified.filter(|verified| is_foreign && *verified <= high);
        if from.is_none() {
            *self = Self::from_offset(Some(high));
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(receipts: &Receipts, topic: Option<usize>, offset: u64) {
        receipts.receipt(topic).answer(Ok(Delivered { partition: 0, offset }));
    }

    #[test]
    fn own_records_are_not_read_back() {
        let ledger = Ledger::new(2, &[]);
        let receipts = ledger.receipts();
        (10..20).for_each(|offset| write(&receipts, Some(0), offset));
        assert_eq!((ledger.read_from(0, 20), ledger.read_from(1, 7)), (None, None));
        (7..9).for_each(|offset| write(&receipts, Some(1), offset));
        write(&receipts, None, 1_000);
        assert_eq!((ledger.read_from(0, 20), ledger.read_from(1, 9)), (None, None));
        assert_eq!(ledger.verified_offsets(), [20, 9]);
    }

    #[test]
    fn offsets_between_and_after_own_ones_are_foreign() {
        let ledger = Ledger::new(1, &[]);
        let receipts = ledger.receipts();
        for offset in [10, 11, 14, 15] {
            write(&receipts, Some(0), offset);
        }
        assert_eq!(ledger.read_from(0, 16), Some(10));
        assert_eq!(ledger.verified_offsets(), [10], "the next owner reads it again");
        ledger.set_verified(0, 16);
        assert_eq!(ledger.read_from(0, 16), None);
        assert_eq!(ledger.read_from(0, 18), Some(16));
    }

    #[test]
    fn a_new_owner_reads_from_the_last_verified_offset() {
        let ledger = Ledger::new(2, &[10]);
        write(&ledger.receipts(), Some(0), 13);
        assert_eq!(ledger.read_from(0, 14), Some(10));
        assert_eq!(ledger.read_from(1, 5), None);
    }

    #[test]
    fn a_recreated_topic_is_not_read_past_its_end() {
        let ledger = Ledger::new(1, &[100]);
        assert_eq!(ledger.read_from(0, 3), None);
        assert_eq!(ledger.read_from(0, 5), Some(3));
    }

    #[test]
    fn all_receipts_report_to_the_same_topics() {
        let ledger = Ledger::new(1, &[]);
        let (before, after) = (ledger.receipts(), ledger.receipts());
        let late = before.receipt(Some(0));
        late.answer(Ok(Delivered { partition: 0, offset: 3 }));
        write(&after, Some(0), 4);
        assert_eq!(ledger.read_from(0, 5), None);
    }

    #[tokio::test]
    async fn acknowledged_returns_the_first_failure() {
        let receipts = Ledger::new(1, &[]).receipts();
        let (first, second) = (receipts.receipt(Some(0)), receipts.receipt(None));
        let mut acknowledged = Box::pin(receipts.acknowledged());
        assert!(futures::poll!(&mut acknowledged).is_pending());
        drop(first);
        second.answer(Ok(Delivered { partition: 0, offset: 1 }));
        assert_eq!(acknowledged.await, Err(DeliveryError::Abandoned));
        assert_eq!(receipts.acknowledged().await, Ok(()));
    }

    #[tokio::test]
    async fn a_refused_record_hides_no_lost_one() {
        let refused = || DeliveryError::Refused { reason: "too_large", detail: "2 MB".into() };
        let receipts = Ledger::new(1, &[]).receipts();
        for outcome in [Err(refused()), Err(DeliveryError::Abandoned), Err(refused())] {
            receipts.receipt(None).answer(outcome);
        }
        assert_eq!(receipts.acknowledged().await, Err(DeliveryError::Abandoned));
    }

    #[tokio::test]
    async fn receipts_do_not_wait_for_later_ones() {
        let ledger = Ledger::new(1, &[]);
        let (before, after) = (ledger.receipts(), ledger.receipts());
        let (_open, last) = (after.receipt(None), before.receipt(None));
        let mut acknowledged = Box::pin(before.acknowledged());
        assert!(futures::poll!(&mut acknowledged).is_pending());
        last.answer(Ok(Delivered { partition: 0, offset: 1 }));
        assert_eq!(acknowledged.await, Ok(()));
    }

    #[tokio::test]
    async fn own_acknowledged_waits_for_own_records_alone() {
        let receipts = Ledger::new(1, &[]).receipts();
        let (own, _other) = (receipts.receipt(Some(0)), receipts.receipt(None));
        let mut acknowledged = Box::pin(receipts.own_acknowledged());
        assert!(futures::poll!(&mut acknowledged).is_pending());
        own.answer(Ok(Delivered { partition: 0, offset: 1 }));
        acknowledged.await;
    }
}
