//! The window: every message between its receipt and its acknowledgement, in the order of receipt. Pure.
//!
//! Invariants:
//! - An acknowledgement leaves only when the message and all before it are done (in the log, or a dead letter).
//! - It leaves only on the connection of the message: [`Window::reconnected`] begins a new generation, and messages of
//!   an older one are finished without an acknowledgement. The broker redelivers them.
//! - It is bounded by weight, and by twice its capacity in number: a connection delivers as many as its capacity, and
//!   the next one begins only when no more than that is left of those before it. Messages without acknowledgement never
//!   take the capacity of others.
//! - After a reconnect the sender redelivers, in order, all messages without an acknowledgement. As long as these are
//!   still in flight, they are recognised and not forwarded twice. From the first one that is not (its acknowledgement
//!   was lost), everything is forwarded again: the log then repeats a sequence in order, and no duplicate follows a
//!   later message.

use std::collections::VecDeque;

/// Messages in flight. `Ack` acknowledges a message to its sender; `Message` is kept to forward it once more.
#[derive(Debug)]
pub(crate) struct Window<Ack, Message> {
    capacity: usize,
    generation: u64,
    /// Sequence number of the front entry.
    first: u64,
    entries: VecDeque<Entry<Ack, Message>>,
    /// Index of the older generations' entry that the next redelivered message is compared with; `None`: no longer.
    resume_at: Option<usize>,
    /// Entries that this connection (re)delivered and whose sender waits for an acknowledgement.
    awaited: usize,
    max_bytes: usize,
    /// The sum of the entries' weights.
    bytes: usize,
}

#[derive(Debug)]
struct Entry<Ack, Message> {
    generation: u64,
    /// `None`: the sender expects no acknowledgement (QoS 0).
    acknowledge: Option<Ack>,
    item: Message,
    weight: usize,
    done: bool,
}

/// The result of offering a message to the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// New: forward it under this sequence number.
    New(u64),
    /// The copy of one that is still in flight; nothing to do.
    Redelivered,
    /// No room. QoS 0: count and drop. QoS 1: the sender broke Receive Maximum by far; offer it again when there is room.
    Full,
}

impl<Ack, Message> Window<Ack, Message> {
    /// At most `capacity` messages of one connection, and about `max_bytes` in all.
    pub(crate) fn new(capacity: usize, max_bytes: usize) -> Self {
        let entries = VecDeque::new();
        Self { capacity, generation: 0, first: 0, entries, resume_at: None, awaited: 0, max_bytes, bytes: 0 }
    }

    /// Takes a message of `weight` bytes in. Where `may_be_redelivered` says that the sender repeats, `is_redelivery`
    /// compares it with entries of older connections: an entry's acknowledgement and item, then those of the message.
    pub(crate) fn enter(
        &mut self,
        acknowledge: Option<Ack>,
        item: Message,
        weight: usize,
        may_be_redelivered: bool,
        is_redelivery: impl Fn(&Ack, &Message, &Ack, &Message) -> bool,
    ) -> Entered {
        if let Some(entry) =
            self.earlier_copy(acknowledge.as_ref().filter(|_| may_be_redelivered), &item, is_redelivery)
        {
            entry.acknowledge = acknowledge;
            return Entered::Redelivered;
        }
        // Messages without acknowledgement must not take the capacity of others.
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

    /// Finds a redelivered message among the older connections' entries, behind the one found last, and assigns it to
    /// this connection.
    fn earlier_copy(
        &mut self,
        repeated: Option<&Ack>,
        item: &Message,
        is_redelivery: impl Fn(&Ack, &Message, &Ack, &Message) -> bool,
    ) -> Option<&mut Entry<Ack, Message>> {
        let (repeated, from) = (repeated?, self.resume_at?);
        let is_copy = |entry: &Entry<Ack, Message>| {
            let earlier = entry.acknowledge.as_ref().filter(|_| entry.generation < self.generation);
            earlier.is_some_and(|earlier| is_redelivery(earlier, &entry.item, repeated, item))
        };
        let index = from + self.entries.iter().skip(from).position(is_copy)?;
        self.resume_at = Some(index + 1);
        self.awaited += 1;
        let entry = &mut self.entries[index];
        entry.generation = self.generation;
        Some(entry)
    }

    /// The message is done. Calls `send` with every acknowledgement that may leave now, in the order of receipt.
    pub(crate) fn complete(&mut self, sequence: u64, mut send: impl FnMut(Ack)) {
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

    /// A new connection: earlier messages are not acknowledged on it, unless they are redelivered.
    pub(crate) fn reconnected(&mut self) {
        self.generation += 1;
        self.resume_at = Some(0);
        self.awaited = 0;
    }

    /// The unfinished messages, in order, with their sequence numbers: to forward them again after the sink was
    /// replaced.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (u64, &Message)> {
        let numbered = (self.first..).zip(&self.entries);
        numbered.filter(|(_, entry)| !entry.done).map(|(sequence, entry)| (sequence, &entry.item))
    }

    /// The message of a sequence number, while it is in flight.
    pub(crate) fn item(&self, sequence: u64) -> Option<&Message> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.entries.get(index).map(|entry| &entry.item)
    }

    /// The same, to change what is forwarded.
    pub(crate) fn item_mut(&mut self, sequence: u64) -> Option<&mut Message> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index).map(|entry| &mut entry.item)
    }

    /// How many messages are in flight.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether another message with acknowledgement can enter: also one beyond Receive Maximum, within the total bound.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.len() < 2 * self.capacity
    }

    /// Whether the sender has broken Receive Maximum.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.awaited > self.capacity
    }

    /// Whether more is in flight than one connection may deliver: messages of the next one might not fit.
    pub(crate) fn is_above_capacity(&self) -> bool {
        self.entries.len() > self.capacity
    }

    /// Whether messages should be taken in, by their weight. The last one may exceed it.
    pub(crate) fn has_room_for_bytes(&self) -> bool {
        self.bytes < self.max_bytes
    }

    /// Whether the sender may soon have to stop.
    pub(crate) fn is_half_full(&self) -> bool {
        self.entries.len() * 2 >= self.capacity
    }

    /// Whether the sender has to stop.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }
}

#[cfg(test)]
mod tests;
