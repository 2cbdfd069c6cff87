//! The journal: the log's changes on their way to a file.
//!
//! Changes are added under the log's lock and written in that order, so that a prefix of them is in the file. That is enough
//! for the programs: a group's commit follows the records that it has written. A record that its sender acknowledges to the
//! outside waits until the file has it ([`Ticket::wait`]).

mod entry;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

pub(super) use entry::{Entry, MAGIC, Next, read};

/// Bytes that wait for the disk. Beyond it they are dropped, and the file is written again from the log in memory.
const MAX_QUEUED_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Journal {
    /// Topics whose records are acknowledged when they are in the file.
    synced: HashSet<String>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Changes that were added.
    added: u64,
    /// Changes that are in the file.
    written: u64,
    /// Whether changes were dropped, so that the file has to be written again.
    is_incomplete: bool,
    /// Nothing is added any more.
    is_closing: bool,
    /// Nothing is written any more.
    is_closed: bool,
}

/// Changes for the file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// To be passed to [`Journal::written`].
    pub(super) up_to: u64,
    /// Whether changes are missing: the file has to be written again.
    pub(super) is_incomplete: bool,
    /// Whether it is the last one.
    pub(super) is_last: bool,
}

impl Journal {
    pub(super) fn new(synced: impl IntoIterator<Item = String>) -> Self {
        Self { synced: synced.into_iter().collect(), queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds a change, and returns its number. Requires the log's lock.
    pub(super) fn add(&self, entry: &Entry) -> u64 {
        let mut queue = self.queue.lock();
        queue.added += 1;
        if queue.is_closed {
            return queue.added;
        }
        if queue.bytes.len() < MAX_QUEUED_BYTES && !queue.is_incomplete {
            entry.encode(&mut queue.bytes);
        } else {
            queue.bytes = Vec::new();
            queue.is_incomplete = true;
        }
        self.changed.notify_all();
        queue.added
    }

    /// Whether records of the topic wait for the file.
    pub(super) fn is_synced(&self, topic: &str) -> bool {
        self.synced.contains(topic)
    }

    /// Takes what waits, up to the number that [`Batch::up_to`] has. Waits until there is something, or the journal is closing.
    pub(super) fn take(&self) -> Batch {
        let mut queue = self.queue.lock();
        self.changed.wait_while(&mut queue, |queue| queue.added == queue.written && !queue.is_closing);
        Batch {
            bytes: std::mem::take(&mut queue.bytes),
            up_to: queue.added,
            // Cleared here: what is added from now on is queued again.
            is_incomplete: std::mem::take(&mut queue.is_incomplete),
            is_last: queue.is_closing,
        }
    }

    /// What [`Journal::take`] returned is in the file.
    pub(super) fn written(&self, up_to: u64) {
        self.queue.lock().written = up_to;
        self.changed.notify_all();
    }

    /// Waits for a time in which changes gather, or until the journal is closing.
    pub(super) fn gather(&self, time: Duration) {
        let mut queue = self.queue.lock();
        self.changed.wait_while_for(&mut queue, |queue| !queue.is_closing, time);
    }

    /// Asks the writer to write what waits, and to end.
    pub(super) fn close(&self) {
        self.queue.lock().is_closing = true;
        self.changed.notify_all();
    }

    /// The writer has ended.
    pub(super) fn closed(&self) {
        self.queue.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until the writer has ended. Returns whether everything is in the file.
    pub(super) fn wait_closed(&self, deadline: Duration) -> bool {
        let mut queue = self.queue.lock();
        self.changed.wait_while_for(&mut queue, |queue| !queue.is_closed, deadline);
        queue.is_closed && queue.added == queue.written
    }

    fn wait_written(&self, number: u64) -> bool {
        let mut queue = self.queue.lock();
        self.changed.wait_while(&mut queue, |queue| queue.written < number && !queue.is_closed);
        queue.written >= number
    }
}

/// A change that has to be in the file before its sender is answered.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) journal: Arc<Journal>,
    pub(super) number: u64,
}

impl Ticket {
    /// Waits until the change is in the file. Returns whether it is: not where the writer has ended.
    pub(super) fn wait(&self) -> bool {
        self.journal.wait_written(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPartition;

    fn commit() -> Entry {
        Entry::Commit("group".into(), TopicPartition::new("t", 0), 1)
    }

    #[test]
    fn changes_are_taken_in_order_and_then_written() {
        let journal = Arc::new(Journal::new(["raw".to_owned()]));
        assert!(journal.is_synced("raw") && !journal.is_synced("state"));
        let first = journal.add(&commit());
        journal.add(&commit());
        let batch = journal.take();
        assert_eq!((batch.up_to, batch.is_incomplete, batch.is_last), (2, false, false));
        let waiting = Ticket { journal: journal.clone(), number: first };
        let waits = std::thread::spawn(move || waiting.wait());
        journal.written(batch.up_to);
        assert!(waits.join().expect("no panic"));
    }

    #[test]
    fn a_ticket_does_not_wait_for_a_writer_that_has_ended() {
        let journal = Arc::new(Journal::new([]));
        let number = journal.add(&commit());
        journal.close();
        assert!(journal.take().is_last);
        journal.closed();
        assert!(!Ticket { journal: journal.clone(), number }.wait());
        assert!(!journal.wait_closed(Duration::ZERO));
    }

    #[test]
    fn a_queue_that_is_full_asks_for_a_new_file() {
        let journal = Journal::new([]);
        let mut number = 0;
        while journal.queue.lock().bytes.len() < MAX_QUEUED_BYTES {
            number = journal.add(&Entry::Commit("g".repeat(1 << 20), TopicPartition::new("t", 0), 1));
        }
        assert_eq!(journal.add(&commit()), number + 1);
        assert!(journal.queue.lock().bytes.is_empty());
        let batch = journal.take();
        assert!(batch.is_incomplete && batch.bytes.is_empty());
        journal.written(batch.up_to);
        journal.add(&commit());
        assert!(!journal.take().is_incomplete);
    }
}
