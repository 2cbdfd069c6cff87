//! What is kept for clients that take it at their own pace, bounded: when all slots are taken, the one whose client has taken
//! nothing for longest makes room.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Clock;

/// Slots.
const MOST: usize = 32;
/// A client that took something since is not made to leave.
const IDLE: Duration = Duration::from_secs(2);

type Slot<T> = Mutex<Option<Kept<T>>>;

struct Kept<T> {
    value: T,
    /// When it was put here, by the monotonic clock.
    since: Duration,
}

/// The slots. Clones share them.
pub(super) struct Slots<T> {
    slots: Arc<Mutex<Vec<Weak<Slot<T>>>>>,
    clock: Clock,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), clock: self.clock.clone() }
    }
}

/// One slot; it is free again when this is dropped.
pub(super) struct Held<T> {
    slot: Arc<Slot<T>>,
    clock: Clock,
}

impl<T> Slots<T> {
    pub(super) fn new(clock: Clock) -> Self {
        Self { slots: Arc::default(), clock }
    }

    /// A slot, empty; `None`: all are taken, by clients that take what they get.
    pub(super) fn take(&self) -> Option<Held<T>> {
        let mut slots = self.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        if slots.len() >= MOST {
            let index = self.idlest(&slots)?;
            let idlest = slots.swap_remove(index);
            if let Some(slot) = idlest.upgrade() {
                drop(slot.lock().take());
            }
        }
        let slot = Arc::new(Mutex::new(None));
        slots.push(Arc::downgrade(&slot));
        Some(Held { slot, clock: self.clock.clone() })
    }

    /// An empty slot is being worked on.
    fn idlest(&self, slots: &[Weak<Slot<T>>]) -> Option<usize> {
        let since = |slot: &Weak<Slot<T>>| slot.upgrade()?.lock().as_ref().map(|kept| kept.since);
        let kept = slots.iter().enumerate().filter_map(|(index, slot)| Some((since(slot)?, index)));
        let (since, index) = kept.min()?;
        (self.clock.monotonic().saturating_sub(since) >= IDLE).then_some(index)
    }
}

impl<T> Held<T> {
    /// Keeps a value until the client wants more.
    pub(super) fn put(&self, value: T) {
        *self.slot.lock() = Some(Kept { value, since: self.clock.monotonic() });
    }

    /// Takes the value out to work on it; `None`: it had to make room.
    pub(super) fn take(&self) -> Option<T> {
        self.slot.lock().take().map(|kept| kept.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idlest_makes_room() {
        let clock = Clock::manual(1_000_000_000);
        let slots = Slots::new(clock.clone());
        let mut held: Vec<Held<usize>> = (0..MOST).map(|_| slots.take().expect("room")).collect();
        held.iter().enumerate().for_each(|(number, held)| held.put(number));
        assert!(slots.take().is_none(), "all are new");
        clock.advance(IDLE);
        for (number, held) in held.iter().enumerate().filter(|(number, _)| *number != 5) {
            assert_eq!(held.take(), Some(number));
            held.put(number);
        }
        held.push(slots.take().expect("the sixth makes room"));
        assert_eq!((held[5].take(), held[6].take()), (None, Some(6)));
        assert!(slots.take().is_none());
        held.pop();
        assert!(slots.take().is_some(), "one has ended");
    }

    #[test]
    fn what_is_worked_on_stays() {
        let clock = Clock::manual(1_000_000_000);
        let slots: Slots<()> = Slots::new(clock.clone());
        let held: Vec<_> = (0..MOST).map(|_| slots.take().expect("room")).collect();
        clock.advance(10 * IDLE);
        assert!(slots.take().is_none());
        held[3].put(());
        clock.advance(IDLE);
        assert!(slots.take().is_some());
        assert_eq!(held[3].take(), None);
    }
}
