//! Slots for values that wait for their clients, limited in number: when all are taken, the value is evicted whose
//! client has read nothing for the longest time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Clock;

const MAX_SLOTS: usize = 32;
/// A value whose client read something within this time is not evicted.
const IDLE: Duration = Duration::from_secs(2);

type Shared<T> = Mutex<Option<Waiting<T>>>;

struct Waiting<T> {
    value: T,
    /// Since when it waits, by the monotonic clock.
    since: Duration,
}

/// The slots. Clones share them.
pub(super) struct Slots<T> {
    slots: Arc<Mutex<Vec<Weak<Shared<T>>>>>,
    clock: Clock,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), clock: self.clock.clone() }
    }
}

/// One slot; dropping it frees the slot.
pub(super) struct Slot<T> {
    shared: Arc<Shared<T>>,
    clock: Clock,
}

impl<T> Slots<T> {
    pub(super) fn new(clock: Clock) -> Self {
        Self { slots: Arc::default(), clock }
    }

    /// An empty slot. `None`: all are taken by clients that read.
    pub(super) fn take(&self) -> Option<Slot<T>> {
        let mut slots = self.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        if slots.len() >= MAX_SLOTS {
            let index = self.longest_idle(&slots)?;
            if let Some(evicted) = slots.swap_remove(index).upgrade() {
                drop(evicted.lock().take());
            }
        }
        let shared = Arc::new(Mutex::new(None));
        slots.push(Arc::downgrade(&shared));
        Some(Slot { shared, clock: self.clock.clone() })
    }

    /// Empty slots are skipped: work on their values is in progress.
    fn longest_idle(&self, slots: &[Weak<Shared<T>>]) -> Option<usize> {
        let since = |slot: &Weak<Shared<T>>| slot.upgrade()?.lock().as_ref().map(|waiting| waiting.since);
        let waiting = slots.iter().enumerate().filter_map(|(index, slot)| Some((since(slot)?, index)));
        let (since, index) = waiting.min()?;
        (self.clock.monotonic().saturating_sub(since) >= IDLE).then_some(index)
    }
}

impl<T> Slot<T> {
    /// Puts a value into the slot until the client reads more.
    pub(super) fn put(&self, value: T) {
        *self.shared.lock() = Some(Waiting { value, since: self.clock.monotonic() });
    }

    /// Takes the value to work on it. `None`: it was evicted.
    pub(super) fn take(&self) -> Option<T> {
        self.shared.lock().take().map(|waiting| waiting.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_value_is_evicted() {
        let clock = Clock::manual(1_000_000_000);
        let slots = Slots::new(clock.clone());
        let mut taken: Vec<Slot<usize>> = (0..MAX_SLOTS).map(|_| slots.take().expect("a free slot")).collect();
        taken.iter().enumerate().for_each(|(number, slot)| slot.put(number));
        assert!(slots.take().is_none(), "all are new");
        clock.advance(IDLE);
        for (number, slot) in taken.iter().enumerate().filter(|(number, _)| *number != 5) {
            assert_eq!(slot.take(), Some(number));
            slot.put(number);
        }
        taken.push(slots.take().expect("the sixth is evicted"));
        assert_eq!((taken[5].take(), taken[6].take()), (None, Some(6)));
        assert!(slots.take().is_none());
        taken.pop();
        assert!(slots.take().is_some(), "one has ended");
    }

    #[test]
    fn a_value_in_work_is_not_evicted() {
        let clock = Clock::manual(1_000_000_000);
        let slots: Slots<()> = Slots::new(clock.clone());
        let taken: Vec<_> = (0..MAX_SLOTS).map(|_| slots.take().expect("a free slot")).collect();
        clock.advance(10 * IDLE);
        assert!(slots.take().is_none());
        taken[3].put(());
        clock.advance(IDLE);
        assert!(slots.take().is_some());
        assert_eq!(taken[3].take(), None);
    }
}
