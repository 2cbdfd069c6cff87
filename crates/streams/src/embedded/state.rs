//! The state behind the log's lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::group::Group;
use super::journal::{Entry, Journal, Ticket};
use super::partition::{Partition, Policy, Stored};
use crate::topics::differences;
use crate::{
    Delivered, DeliveryError, EmbeddedSettings, Lag, NewTopic, Outgoing, StreamError, TopicDescription, TopicOutcome,
    TopicPartition, Watermarks, partitioner,
};

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(settings: EmbeddedSettings) -> Self {
        let state = State {
            epoch: settings.first_offset,
            settings,
            topics: BTreeMap::new(),
            groups: HashMap::new(),
            next_reader: 0,
            journal: None,
        };
        Self { state: Mutex::new(state) }
    }

    /// The last user is gone: the writer ends when it has written what waits.
    fn end_journal(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = state.journal.take() {
            journal.close();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug of this module; the log still works, so that errors can be reported.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end_journal();
    }
}

#[derive(Debug)]
pub(super) struct State {
    settings: EmbeddedSettings,
    topics: BTreeMap<Arc<str>, Topic>,
    groups: HashMap<String, Group>,
    next_reader: u64,
    /// The first offset of the log that this one continues; its own without a former one.
    epoch: u64,
    /// The way of changes to the file, where there is one.
    journal: Option<Arc<Journal>>,
}

/// The outcome of a record that was appended.
pub(super) struct Appended {
    pub(super) delivered: Delivered,
    /// To be waited for before the record is acknowledged.
    pub(super) ticket: Option<Ticket>,
}

#[derive(Debug)]
struct Topic {
    settings: BTreeMap<String, String>,
    partitions: Vec<Partition>,
    /// The partition of the last record without a key.
    last_keyless: u32,
    readers: Vec<(u64, Arc<Notify>)>,
}

impl State {
    pub(super) fn create_topic(&mut self, wanted: &NewTopic) -> Result<TopicOutcome, StreamError> {
        let refuse = |cause: String| StreamError::fatal("bad_settings", format!("create topic {}", wanted.name), cause);
        if let Some(found) = self.topics.get(wanted.name.as_str()) {
            return Ok(TopicOutcome::Exists {
                partitions: count(&found.partitions),
                differences: differences(&wanted.settings, |name| found.settings.get(name).cloned()),
            });
        }
        if wanted.partitions == 0 {
            return Err(refuse("0 partitions: expected at least 1".into()));
        }
        let policy = Policy::new(&self.settings, &wanted.settings).map_err(refuse)?;
        let partitions = (0..wanted.partitions).map(|_| Partition::new(policy, self.settings.first_offset)).collect();
        let topic = Topic { settings: wanted.settings.clone(), partitions, last_keyless: 0, readers: Vec::new() };
        self.topics.insert(wanted.name.as_str().into(), topic);
        let counts = self.partition_counts();
        let now = Instant::now();
        self.groups.values_mut().for_each(|group| group.rebalance(&counts, now));
        Ok(TopicOutcome::Created)
    }

    /// Creates a topic at its first use, where the settings allow that.
    pub(super) fn ensure_topic(&mut self, name: &str) {
        if let Some(partitions) = self.settings.auto_create_partitions
            && !self.topics.contains_key(name)
        {
            self.create_topic(&NewTopic::new(name, partitions)).expect("default settings are good");
        }
    }

    pub(super) fn describe(&self) -> Vec<TopicDescription> {
        let describe = |(name, topic): (&Arc<str>, &Topic)| TopicDescription {
            name: name.to_string(),
            partitions: count(&topic.partitions),
            settings: topic.settings.clone(),
        };
        self.topics.iter().map(describe).collect()
    }

    pub(super) fn partitions(&self, topic: &str) -> Option<u32> {
        self.topics.get(topic).map(|topic| count(&topic.partitions))
    }

    pub(super) fn partition(&self, of: &TopicPartition) -> Result<&Partition, StreamError> {
        let found = self.topics.get(&of.topic).and_then(|topic| topic.partitions.get(of.partition as usize));
        found.ok_or_else(|| StreamError::transient("unknown_topic", format!("read {of}"), "there is no such partition"))
    }

    pub(super) fn append(&mut self, record: Outgoing) -> Result<Appended, DeliveryError> {
        let size = Stored::size_bytes(record.key.as_ref(), record.value.as_ref(), &record.headers);
        if size > self.settings.max_record_bytes {
            let limit = self.settings.max_record_bytes;
            return Err(refused("too_large", format!("record of {size} bytes: expected at most {limit} bytes")));
        }
        self.ensure_topic(&record.topic);
        let Some(topic) = self.topics.get_mut(&record.topic) else {
            let detail = format!("there is no topic {}", record.topic).into();
            return Err(DeliveryError::Unavailable { reason: "unknown_topic", detail });
        };
        let partition = topic.partition_for(&record);
        let Some(log) = topic.partitions.get_mut(partition as usize) else {
            return Err(refused("invalid", format!("{} has no partition {partition}", record.topic)));
        };
        let Outgoing { topic: name, key, value, headers, timestamp_ms, .. } = record;
        let ticket = self.journal.as_ref().and_then(|journal| {
            let (offset, key, value, headers) = (log.watermarks().high, key.clone(), value.clone(), headers.clone());
            let stored = Stored { offset, timestamp_ms, key, value, headers };
            let number = journal.add(&Entry::Record(TopicPartition { topic: name.clone(), partition }, stored));
            journal.is_synced(&name).then(|| Ticket { journal: journal.clone(), number })
        });
        let offset = log.append(key, value, headers, timestamp_ms);
        topic.readers.iter().for_each(|(_, wake)| wake.notify_one());
        Ok(Appended { delivered: Delivered { partition, offset }, ticket })
    }

    /// Stores the offset that a group has committed.
    pub(super) fn commit(&mut self, group: &str, partition: &TopicPartition, offset: u64) {
        self.groups.entry(group.to_owned()).or_default().commit(partition, offset);
        if let Some(journal) = &self.journal {
            journal.add(&Entry::Commit(group.to_owned(), partition.clone(), offset));
        }
    }

    /// Repeats a change of a former process. Returns whether it changed something: not where there is no such partition any
    /// more, or where the record is too old at `now_ms`.
    pub(super) fn restore(&mut self, entry: Entry, now_ms: i64) -> bool {
        match entry {
            Entry::Record(at, stored) => self.partition_mut(&at).is_some_and(|found| found.restore(stored, now_ms)),
            Entry::Commit(group, at, offset) => {
                let exists = self.partition_mut(&at).is_some();
                if exists {
                    self.groups.entry(group).or_default().commit(&at, offset);
                }
                exists
            }
            Entry::End(at, offset) => self.partition_mut(&at).map(|found| found.continue_at(offset)).is_some(),
            Entry::Epoch(epoch) => {
                self.epoch = epoch;
                true
            }
        }
    }

    /// Ends the restoration: committed offsets point to what is there, and changes go to the journal from now on.
    pub(super) fn keep_in(&mut self, journal: Arc<Journal>) {
        for group in self.groups.values_mut() {
            for (at, offset) in group.committed_mut() {
                let found = self.topics.get(&at.topic).and_then(|topic| topic.partitions.get(at.partition as usize));
                *offset = found.map_or(*offset, |found| found.present(*offset));
            }
        }
        self.journal = Some(journal);
    }

    /// The way of changes to the file.
    pub(super) fn journal(&self) -> Option<Arc<Journal>> {
        self.journal.clone()
    }

    /// The first offset of the log that this one continues: offsets of both can be compared.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The committed offsets of all groups.
    pub(super) fn commits(&self) -> Vec<Entry> {
        let of_group = |(name, group): (&String, &Group)| {
            let committed = group.partitions().filter_map(|(at, offset)| Some((at.clone(), offset?)));
            committed.map(|(at, offset)| Entry::Commit(name.clone(), at, offset)).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(of_group).collect()
    }

    /// The partitions, each with the lowest offset that a group still needs.
    pub(super) fn floors(&self) -> Vec<(TopicPartition, u64)> {
        let mut floors: HashMap<&TopicPartition, u64> = HashMap::new();
        for (at, committed) in self.groups.values().flat_map(Group::partitions) {
            let committed = committed.unwrap_or(0);
            floors.entry(at).and_modify(|floor| *floor = committed.min(*floor)).or_insert(committed);
        }
        let partitions = self.topics.iter().flat_map(|(name, topic)| {
            (0..count(&topic.partitions)).map(move |partition| TopicPartition { topic: name.clone(), partition })
        });
        partitions.map(|at| (at.clone(), floors.get(&at).copied().unwrap_or(0))).collect()
    }

    /// The time of the newest record.
    pub(super) fn newest_ms(&self) -> i64 {
        let partitions = self.topics.values().flat_map(|topic| &topic.partitions);
        partitions.map(Partition::newest_ms).max().unwrap_or(i64::MIN)
    }

    fn partition_mut(&mut self, of: &TopicPartition) -> Option<&mut Partition> {
        self.topics.get_mut(&of.topic)?.partitions.get_mut(of.partition as usize)
    }

    /// Notifies `wake` about each record in one of the topics. Returns the reader's id, for [`State::unwatch`].
    pub(super) fn watch<'a>(&mut self, topics: impl Iterator<Item = &'a Arc<str>>, wake: &Arc<Notify>) -> u64 {
        let reader = self.next_reader;
        self.next_reader += 1;
        for topic in topics {
            if let Some(topic) = self.topics.get_mut(topic)
                && !topic.readers.iter().any(|(known, _)| *known == reader)
            {
                topic.readers.push((reader, wake.clone()));
            }
        }
        reader
    }

    /// Adds topics to those that a reader watches: a group's topic may be created later than the group.
    pub(super) fn watch_more<'a>(
        &mut self,
        reader: u64,
        topics: impl Iterator<Item = &'a Arc<str>>,
        wake: &Arc<Notify>,
    ) {
        for topic in topics {
            if let Some(topic) = self.topics.get_mut(topic)
                && !topic.readers.iter().any(|(known, _)| *known == reader)
            {
                topic.readers.push((reader, wake.clone()));
            }
        }
    }

    pub(super) fn unwatch(&mut self, reader: u64) {
        self.topics.values_mut().for_each(|topic| topic.readers.retain(|(known, _)| *known != reader));
    }

    /// The group of that name (created at its first use), and how many partitions each topic has.
    pub(super) fn group(&mut self, name: &str) -> (&mut Group, BTreeMap<Arc<str>, u32>) {
        let counts = self.partition_counts();
        (self.groups.entry(name.to_owned()).or_default(), counts)
    }

    /// Stores the offsets that a member of a group reads next.
    pub(super) fn store_next_offsets<'a>(
        &mut self,
        group: &str,
        next_offsets: impl Iterator<Item = (&'a TopicPartition, u64)>,
    ) {
        if let Some(group) = self.groups.get_mut(group) {
            next_offsets.for_each(|(partition, next)| group.set_next_offset(partition, next));
        }
    }

    /// The lag of a group; `None` where no member has joined it.
    pub(super) fn lag(&self, group: &str) -> Option<Lag> {
        let mut lag = Lag::default();
        for (partition, next, committed) in self.groups.get(group)?.owned() {
            let log = self.partition(partition).expect("only partitions that exist are owned");
            let Watermarks { low, high } = log.watermarks();
            let committed = committed.unwrap_or(low).max(low);
            lag.records += high.saturating_sub(committed);
            lag.behind.extend(log.behind(next.unwrap_or(committed)));
        }
        Some(lag)
    }

    fn partition_counts(&self) -> BTreeMap<Arc<str>, u32> {
        self.topics.iter().map(|(name, topic)| (name.clone(), count(&topic.partitions))).collect()
    }
}

impl Topic {
    fn partition_for(&mut self, record: &Outgoing) -> u32 {
        let partitions = count(&self.partitions);
        match (record.partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partitioner::partition_of(key, partitions),
            (None, None) => {
                self.last_keyless = (self.last_keyless + 1) % partitions;
                self.last_keyless
            }
        }
    }
}

fn count(partitions: &[Partition]) -> u32 {
    u32::try_from(partitions.len()).expect("created from a u32")
}

fn refused(reason: &'static str, detail: String) -> DeliveryError {
    DeliveryError::Refused { reason, detail: detail.into() }
}
