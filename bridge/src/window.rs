//! The window: every message between its receipt and its acknowledgement, in the order of receipt. Pure.
//!
//! Invariants:
//! - An acknowledgement leaves only when the message and all before it are done (in the log, or a dead letter).
//! - It leaves only on the connection that brought the message: [`Window::reconnected`] begins a new generation, and what
//!   an older one brought is finished without being acknowledged. The broker then sends it again.
//! - What is in it is bounded by weight, and by twice its capacity in number: a connection brings as many as its capacity,
//!   and the next one begins only when no more than that is left of those before it. Messages without acknowledgement never
//!   take the room of others.
//! - After a reconnect the sender repeats, in order, what it saw no acknowledgement for. As long as these are messages
//!   that are still under way, they are recognised and not forwarded twice. From the first one that is not (its
//!   acknowledgement was lost), everything is forwarded again: the log then repeats a stretch in order, and no duplicate
//!   comes to stand behind what followed it.

use std::collections::VecDeque;

/// Messages under way. `A` acknowledges a message to its sender; `T` is kept to forward it once more.
#[derive(Debug)]
pub(crate) struct Window<A, T> {
    capacity: usize,
    generation: u64,
    /// Sequence number of the front entry.
    first: u64,
    entries: VecDeque<Entry<A, T>>,
    /// Where among the older generations' entries the next repeated message is looked for; `None`: no longer.
    resume_at: Option<usize>,
    /// Entries that this connection brought (again) and whose sender waits for an acknowledgement.
    awaited: usize,
    max_bytes: usize,
    /// What the entries weigh together.
    bytes: usize,
}

#[derive(Debug)]
struct Entry<A, T> {
    generation: u64,
    /// `None`: the sender expects no acknowledgement (QoS 0).
    acknowledge: Option<A>,
    item: T,
    weight: usize,
    done: bool,
}

/// What became of a message offered to the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// New: forward it under this sequence number.
    New(u64),
    /// The copy of one that is still under way; nothing to do.
    Again,
    /// No room. QoS 0: count and drop. QoS 1: the sender broke Receive Maximum by far; offer it again when there is room.
    Full,
}

impl<A, T> Window<A, T> {
    /// At most `capacity` messages of one connection, and about `max_bytes` in all.
    pub(crate) fn new(capacity: usize, max_bytes: usize) -> Self {
        let entries = VecDeque::new();
        Self { capacity, generation: 0, first: 0, entries, resume_at: None, awaited: 0, max_bytes, bytes: 0 }
    }

    /// Takes a message of `weight` bytes in. `same` recognises an earlier entry (its acknowledgement and item) as the same message, sent
    /// again; it is asked only about entries of older connections, and only where `again` says the sender repeats.
    pub(crate) fn enter(
        &mut self,
        acknowledge: Option<A>,
        item: T,
        weight: usize,
        again: bool,
        same: impl Fn(&A, &T, &A, &T) -> bool,
    ) -> Entered {
        if let Some(entry) = self.earlier_copy(acknowledge.as_ref().filter(|_| again), &item, same) {
            entry.acknowledge = acknowledge;
            return Entered::Again;
        }
        // Those that nobody waits for leave the others their room.
        let full = if acknowledge.is_some() { !self.has_room() } else { self.is_full() };
        if full {
            return Entered::Full;
        }
        if acknowledge.is_some() {
            self.resume_at = None;
            self.awaited += 1;
        }
        let sequence = self.first + self.entries.len() as u64;
        self.bytes += weight;
        self.entries.push_back(Entry { generation: self.generation, acknowledge, item, weight, done: false });
        Entered::New(sequence)
    }

    /// Finds a repeated message among the older connections' entries, behind the one found last, and makes it this
    /// connection's.
    fn earlier_copy(
        &mut self,
        repeated: Option<&A>,
        item: &T,
        same: impl Fn(&A, &T, &A, &T) -> bool,
    ) -> Option<&mut Entry<A, T>> {
        let (repeated, from) = (repeated?, self.resume_at?);
        let is_copy = |entry: &Entry<A, T>| {
            let earlier = entry.acknowledge.as_ref().filter(|_| entry.generation < self.generation);
            earlier.is_some_and(|earlier| same(earlier, &entry.item, repeated, item))
        };
        let index = from + self.entries.iter().skip(from).position(is_copy)?;
        self.resume_at = Some(index + 1);
        self.awaited += 1;
        let entry = &mut self.entries[index];
        entry.generation = self.generation;
        Some(entry)
    }

    /// The message is done. Calls `send` with every acknowledgement that may leave now, in the order of receipt.
    pub(crate) fn complete(&mut self, sequence: u64, mut send: impl FnMut(A)) {
        let Some(index) = sequence.checked_sub(self.first) else { return };
        let Some(entry) = usize::try_from(index).ok().and_then(|index| self.entries.get_mut(index)) else { return };
        entry.done = true;
        while self.entries.front().is_some_and(|entry| entry.done) {
            let Some(entry) = self.entries.pop_front() else { break };
            self.first += 1;
            self.resume_at = self.resume_at.map(|at| at.saturating_sub(1));
            self.bytes -= entry.weight;
            if entry.generation == self.generation
                && let Some(acknowledge) = entry.acknowledge
            {
                self.awaited -= 1;
                send(acknowledge);
            }
        }
    }

    /// A new connection: nothing that came before it will be acknowledged on it, unless it comes again.
    pub(crate) fn reconnected(&mut self) {
        self.generation += 1;
        self.resume_at = Some(0);
        self.awaited = 0;
    }

    /// What is not done, in order, with its sequence numbers: to forward once more after the log's client was rebuilt.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (u64, &T)> {
        let numbered = (self.first..).zip(&self.entries);
        numbered.filter(|(_, entry)| !entry.done).map(|(sequence, entry)| (sequence, &entry.item))
    }

    /// The message of a sequence number, while it is under way.
    pub(crate) fn item(&self, sequence: u64) -> Option<&T> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.entries.get(index).map(|entry| &entry.item)
    }

    /// The same, to change what is forwarded.
    pub(crate) fn item_mut(&mut self, sequence: u64) -> Option<&mut T> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index).map(|entry| &mut entry.item)
    }

    /// How many messages are under way.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether another message that wants to be acknowledged can enter: also one beyond Receive Maximum, while the bound
    /// of the whole allows it.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.len() < 2 * self.capacity
    }

    /// Whether the sender has broken Receive Maximum.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.awaited > self.capacity
    }

    /// Whether more is under way than one connection may bring: the next one could find no room.
    pub(crate) fn is_above_capacity(&self) -> bool {
        self.entries.len() > self.capacity
    }

    /// Whether messages should be taken in at all, as their weight goes. The last one may exceed it.
    pub(crate) fn has_room_for_bytes(&self) -> bool {
        self.bytes < self.max_bytes
    }

    /// Whether the sender could soon be brought to a halt.
    pub(crate) fn is_half_full(&self) -> bool {
        self.entries.len() * 2 >= self.capacity
    }

    /// Whether the sender has been brought to a halt.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }
}

#[cfg(test)]
mod tests;
