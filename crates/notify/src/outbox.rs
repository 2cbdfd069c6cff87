//! What is to be delivered and what was: a state machine without clock and sockets.
//!
//! - A message is delivered at least once, or given up [`OutboxSettings::retry_for`] after its event.
//! - A message that is known, to be delivered or finished, is not taken again.
//! - A target gets one request at a time, and has a bounded number of messages. One that does not answer holds its own messages
//!   only: those of others are due at their own times.
//! - After a failed attempt a message waits, each time twice as long, up to a limit, and a random part of it less, so that
//!   the messages of a target that was down do not return together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

/// Limits and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// How long after its event a message is tried.
    pub retry_for_us: u64,
    /// The wait after the first failed attempt.
    pub first_wait_us: u64,
    /// The longest wait.
    pub longest_wait_us: u64,
    /// Messages of one target.
    pub max_per_target: usize,
    /// Messages of all targets.
    pub max_messages: usize,
    /// Requests at a time.
    pub max_in_flight: usize,
    /// Finished messages that are remembered.
    pub max_finished: usize,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            retry_for_us: 24 * 3_600 * 1_000_000,
            first_wait_us: 5_000_000,
            longest_wait_us: 1_800_000_000,
            max_per_target: 200,
            max_messages: 50_000,
            max_in_flight: 64,
            max_finished: 200_000,
        }
    }
}

/// A message to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same for each attempt.
    pub id: Arc<str>,
    /// To whom.
    pub target: Arc<str>,
    /// The partition of the log that it comes from: its owner delivers it.
    pub origin: Origin,
    /// When its event happened.
    pub created_at_us: u64,
    /// The device that it is about.
    pub device: Option<u32>,
    /// Its device was hidden.
    pub hidden: bool,
    /// What is sent.
    pub body: Bytes,
}

/// A partition of the log.
pub type Origin = (Arc<str>, u32);

/// What became of a message that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is to be delivered.
    New,
    /// It was offered before.
    Known,
    /// Its target has too many, or all of them have.
    Full,
}

/// The result of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The target has it.
    Delivered,
    /// It may succeed later: not before `wait_us`, where the target has asked for a pause.
    Failed {
        /// At least.
        wait_us: u64,
    },
    /// It cannot succeed.
    Refused,
}

/// What is next for a message after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Delivered,
    /// It is tried again.
    Retry {
        /// Then.
        at_us: u64,
    },
    /// It is given up.
    GivenUp,
}

/// An attempt that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The message.
    pub message: Message,
    /// Attempts so far, since this process has the message.
    pub attempts: u32,
    /// What is next.
    pub outcome: Outcome,
}

#[derive(Debug)]
struct Pending {
    message: Message,
    attempts: u32,
    due_at_us: u64,
}

/// Messages of the partitions that this process owns.
#[derive(Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    pending: HashMap<Arc<str>, Pending>,
    /// Those that are not in flight, by the time of their next attempt.
    due: BTreeSet<(u64, Arc<str>)>,
    per_target: HashMap<Arc<str>, usize>,
    busy: HashSet<Arc<str>>,
    finished: HashSet<Arc<str>>,
    /// The oldest first.
    finished_order: VecDeque<(Origin, Arc<str>)>,
}

impl Outbox {
    /// Empty.
    pub fn new(settings: OutboxSettings) -> Self {
        Self {
            settings,
            pending: HashMap::new(),
            due: BTreeSet::new(),
            per_target: HashMap::new(),
            busy: HashSet::new(),
            finished: HashSet::new(),
            finished_order: VecDeque::new(),
        }
    }

    /// Whether a message was offered before.
    pub fn knows(&self, id: &str) -> bool {
        self.pending.contains_key(id) || self.finished.contains(id)
    }

    /// Whether a target may have one more.
    pub fn has_room(&self, target: &str) -> bool {
        let of_target = self.per_target.get(target).copied().unwrap_or_default();
        of_target < self.settings.max_per_target && self.pending.len() < self.settings.max_messages
    }

    /// Takes a message that is to be delivered, now or as soon as its target is free.
    pub fn offer(&mut self, message: Message, now_us: u64) -> Offer {
        if self.knows(&message.id) {
            return Offer::Known;
        }
        if !self.has_room(&message.target) {
            return Offer::Full;
        }
        *self.per_target.entry(message.target.clone()).or_default() += 1;
        self.due.insert((now_us, message.id.clone()));
        self.pending.insert(message.id.clone(), Pending { message, attempts: 0, due_at_us: now_us });
        Offer::New
    }

    /// Remembers a message that was delivered or given up.
    pub fn finish(&mut self, origin: Origin, id: Arc<str>) {
        if !self.finished.insert(id.clone()) {
            return;
        }
        self.finished_order.push_back((origin, id));
        if self.finished_order.len() > self.settings.max_finished
            && let Some((_, oldest)) = self.finished_order.pop_front()
        {
            self.finished.remove(&oldest);
        }
    }

    /// The next message that is due and whose target is free: an attempt begins, which [`Self::attempted`] ends.
    pub fn begin(&mut self, now_us: u64) -> Option<Message> {
        if self.busy.len() >= self.settings.max_in_flight {
            return None;
        }
        let until = self.due.iter().take_while(|(due_at_us, _)| *due_at_us <= now_us);
        let ready = until.filter_map(|key| Some((key, self.pending.get(&key.1)?)));
        let (key, pending) = ready.into_iter().find(|(_, pending)| !self.busy.contains(&pending.message.target))?;
        let (key, message) = (key.clone(), pending.message.clone());
        self.due.remove(&key);
        self.busy.insert(message.target.clone());
        Some(message)
    }

    /// When [`Self::begin`] has the next one, as long as no attempt ends before. `None`: never.
    pub fn next_at_us(&self) -> Option<u64> {
        if self.busy.len() >= self.settings.max_in_flight {
            return None;
        }
        let free = self
            .due
            .iter()
            .find(|(_, id)| self.pending.get(id).is_some_and(|pending| !self.busy.contains(&pending.message.target)));
        free.map(|(due_at_us, _)| *due_at_us)
    }

    /// Ends an attempt. `random`: any number. `None`: the partition of the message is not owned any more.
    pub fn attempted(
        &mut self,
        id: &str,
        target: &str,
        attempt: Attempt,
        now_us: u64,
        random: u64,
    ) -> Option<Finished> {
        self.busy.remove(target);
        let pending = self.pending.get_mut(id)?;
        // It may have been taken again meanwhile, where its partition was away and is back.
        self.due.remove(&(pending.due_at_us, pending.message.id.clone()));
        pending.attempts += 1;
        let attempts = pending.attempts;
        let outcome = match attempt {
            Attempt::Delivered => Outcome::Delivered,
            Attempt::Refused => Outcome::GivenUp,
            Attempt::Failed { wait_us } => {
                let settings = &self.settings;
                let at_us = now_us.saturating_add(settings.wait_us(attempts, random).max(wait_us));
                let ends_at_us = pending.message.created_at_us.saturating_add(settings.retry_for_us);
                if at_us <= ends_at_us { Outcome::Retry { at_us } } else { Outcome::GivenUp }
            }
        };
        if let Outcome::Retry { at_us } = outcome {
            pending.due_at_us = at_us;
            self.due.insert((at_us, pending.message.id.clone()));
            return Some(Finished { message: pending.message.clone(), attempts, outcome });
        }
        let Pending { message, .. } = self.pending.remove(id)?;
        self.forget_one_of(&message.target);
        self.finish(message.origin.clone(), message.id.clone());
        Some(Finished { message, attempts, outcome })
    }

    /// Removes the messages of a target that has ended; they are finished.
    pub fn end_target(&mut self, target: &str) -> Vec<Message> {
        let of_target = self.pending.values().filter(|pending| &*pending.message.target == target);
        let ended: Vec<Message> = of_target.map(|pending| pending.message.clone()).collect();
        for message in &ended {
            self.remove(&message.id);
            self.finish(message.origin.clone(), message.id.clone());
        }
        ended
    }

    /// Forgets the messages of a partition: another process owns it.
    pub fn release(&mut self, origin: &Origin) {
        let of_origin = self.pending.values().filter(|pending| pending.message.origin == *origin);
        let ids: Vec<_> = of_origin.map(|pending| pending.message.id.clone()).collect();
        ids.iter().for_each(|id| self.remove(id));
        let finished = &mut self.finished;
        self.finished_order.retain(|(of, id)| {
            let is_kept = of != origin;
            if !is_kept {
                finished.remove(id);
            }
            is_kept
        });
    }

    /// Messages that are to be delivered.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Messages of each target.
    pub fn per_target(&self) -> BTreeMap<&str, usize> {
        self.per_target.iter().map(|(target, count)| (&**target, *count)).collect()
    }

    fn remove(&mut self, id: &str) {
        let Some(Pending { message, due_at_us, .. }) = self.pending.remove(id) else { return };
        self.due.remove(&(due_at_us, message.id));
        self.forget_one_of(&message.target);
    }

    fn forget_one_of(&mut self, target: &Arc<str>) {
        if let Some(count) = self.per_target.get_mut(target) {
            *count -= 1;
            if *count == 0 {
                self.per_target.remove(target);
            }
        }
    }
}

impl OutboxSettings {
    /// The wait after so many failed attempts: half of it is random.
    fn wait_us(&self, attempts: u32, random: u64) -> u64 {
        let doubled = self.first_wait_us.checked_shl(attempts.saturating_sub(1)).filter(|_| attempts <= 32);
        let wait_us = doubled.unwrap_or(self.longest_wait_us).min(self.longest_wait_us).max(2);
        wait_us / 2 + random % (wait_us / 2)
    }
}

#[cfg(test)]
mod tests;
