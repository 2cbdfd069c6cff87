//! The number of records that wait to be written, over all partitions.

use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;

/// The records that were read and are not written. They are too many from `max` on, until half of them are written.
#[derive(Debug)]
pub(super) struct WaitingRecords {
    records: AtomicUsize,
    max: usize,
    is_full: watch::Sender<bool>,
    gauge: Gauge,
}

impl WaitingRecords {
    pub(super) fn new(max: usize, gauge: Gauge) -> Self {
        gauge.set(0);
        Self { records: AtomicUsize::new(0), max, is_full: watch::Sender::new(false), gauge }
    }

    pub(super) fn add(&self, records: usize) {
        self.records.fetch_add(records, Ordering::AcqRel);
        self.changed();
    }

    pub(super) fn remove(&self, records: usize) {
        self.records.fetch_sub(records, Ordering::AcqRel);
        self.changed();
    }

    pub(super) fn is_full(&self) -> bool {
        *self.is_full.borrow()
    }

    /// Notifies when there are too many, and when there are few enough again.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.is_full.subscribe()
    }

    /// Reads the count under the lock of `is_full`: the last of several concurrent changes sees the last count.
    fn changed(&self) {
        self.is_full.send_if_modified(|is_full| {
            let waiting = self.records.load(Ordering::Acquire);
            self.gauge.set(waiting.cast_signed() as i64);
            let was_full = *is_full;
            *is_full = if was_full { waiting > self.max / 2 } else { waiting >= self.max };
            *is_full != was_full
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_until_half_is_written() {
        let (gauge, mut seen) = (Gauge::default(), Vec::new());
        let waiting = WaitingRecords::new(10, gauge.clone());
        for (added, removed) in [(9, 0), (1, 0), (0, 4), (0, 1), (4, 0), (1, 0), (0, 10)] {
            waiting.add(added);
            waiting.remove(removed);
            seen.push((gauge.get(), waiting.is_full()));
        }
        let expected = [(9, false), (10, true), (6, true), (5, false), (9, false), (10, true), (0, false)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_last_of_concurrent_changes_decides() {
        let gauge = Gauge::default();
        let waiting = WaitingRecords::new(2, gauge.clone());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        waiting.add(1);
                        waiting.remove(1);
                    }
                });
            }
        });
        assert_eq!((gauge.get(), waiting.is_full()), (0, false));
    }
}
