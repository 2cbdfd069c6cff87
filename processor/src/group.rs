//! The shell of the groups that read the stream core's outputs: a pure core between its topics.

use std::fmt;
use std::sync::Arc;

use air::group::GroupCore;
use bytes::Bytes;
use rate::{RateLimit, TokenBucket};
use streams::framing::FramingError;
use streams::{Incoming, Outgoing, Topic, version_of};

use crate::pipeline::{CheckpointOrigin, Emission, Machine, Rejection, Verdict};
use crate::sinks::live::LiveUpdate;

/// The rate of dead letters of one partition, and of log lines about them, by the core's clock; a restart begins with a full
/// bucket.
const DEAD_LETTERS: RateLimit = RateLimit::per_second(10, 200);

/// The topics of such a group, and the conversion of its core's changes into their records.
pub trait GroupTopics: fmt::Debug + Send + Sync + 'static {
    /// The core.
    type Core: GroupCore;

    /// The topic that the group reads.
    fn input(&self) -> &Topic;

    /// The topic of its checkpoints.
    fn checkpoints(&self) -> &Topic;

    /// The topics that only this group writes, except checkpoints.
    fn own_topics(&self) -> Vec<&Topic>;

    /// Turns changes of a partition into records and live states.
    fn publish(&self, partition: u32, changes: &mut <Self::Core as GroupCore>::Changes, out: &mut Emission);

    /// The newest record of a key in one of the group's own topics. `None`: the key has no state.
    fn newest(&self, partition: u32, core: &Self::Core, topic: &Topic, key: &str) -> Option<Outgoing>;

    /// Updates metrics of a core, at each checkpoint; `None`: the partition is no longer owned.
    fn measure(&self, _partition: u32, _core: Option<&Self::Core>) {}

    /// The version that a key's state was last published with, where [`GroupTopics::newest`] makes a higher one.
    fn published_version(&self, _core: &Self::Core, _topic: &Topic, _key: &str) -> Option<u64> {
        None
    }

    /// All live states, for a Redis that lacks them.
    fn live(&self, _core: &Self::Core, _out: &mut Vec<LiveUpdate>) {}
}

/// The core of one partition between its topics.
#[derive(Debug)]
pub struct GroupMachine<T: GroupTopics> {
    core: T::Core,
    partition: u32,
    epoch: String,
    topics: Arc<T>,
    changes: <T::Core as GroupCore>::Changes,
    dead_letters: TokenBucket,
}

impl<T: GroupTopics> GroupMachine<T> {
    /// An empty core, and the epoch of the log that its offsets belong to.
    pub fn new(partition: u32, epoch: &str, core: T::Core, topics: Arc<T>) -> Self {
        Self {
            core,
            partition,
            epoch: epoch.to_owned(),
            topics,
            changes: Default::default(),
            dead_letters: TokenBucket::default(),
        }
    }
}

impl<T: GroupTopics> Drop for GroupMachine<T> {
    fn drop(&mut self) {
        self.topics.measure(self.partition, None);
    }
}

impl<T: GroupTopics> Machine for GroupMachine<T> {
    fn apply(&mut self, record: &Incoming, out: &mut Emission) {
        let value = record.value.clone().unwrap_or_default();
        match self.topics.input().codec.decode(&value) {
            Ok(input) => {
                out.decoded();
                self.core.apply(record.offset, &input, &mut self.changes);
            }
            Err(error) => {
                let (topic, offset, reason) = (&*record.topic, record.offset, error.reason());
                let is_written = self.dead_letters.take(DEAD_LETTERS, self.core.clock_us());
                if is_written {
                    tracing::error!(
                        topic,
                        offset,
                        reason,
                        "a record of our own programs cannot be read: it is ignored"
                    );
                }
                out.verdict = Verdict::Unreadable(Rejection { reason, is_written });
                return;
            }
        }
        out.verdict = Verdict::Usable;
        self.topics.publish(self.partition, &mut self.changes, out);
    }

    fn next_offset(&self) -> u64 {
        self.core.next_offset()
    }

    fn clock_us(&self) -> u64 {
        self.core.clock_us()
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        self.topics.measure(self.partition, Some(&self.core));
        let codec = &self.topics.checkpoints().codec;
        let parts = self.core.changed_checkpoints(&self.epoch);
        parts.into_iter().map(|(key, part)| (key, part.map(|part| codec.encode(&part)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<CheckpointOrigin, FramingError> {
        let part = self.topics.checkpoints().codec.decode(value)?;
        if T::Core::epoch_of(&part).is_some_and(|epoch| epoch != self.epoch) {
            return Ok(CheckpointOrigin::OtherLog);
        }
        self.core.restore(part);
        Ok(CheckpointOrigin::ThisLog)
    }

    fn accepts_newer_parts(&self) -> bool {
        // The parts of such a core may depend on each other: a report joins the nearest thermal.
        false
    }

    fn checkpoint_all(&mut self) {
        self.core.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        self.topics.own_topics().into_iter().map(|own| own.name.clone()).collect()
    }

    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let topic = self.topics.own_topics().into_iter().find(|own| own.name == *topic)?;
        let name = std::str::from_utf8(key).ok()?;
        let newest = self.topics.newest(self.partition, &self.core, topic, name);
        newest.or_else(|| {
            let version = self.core.next_offset().saturating_sub(1);
            Some(topic.ended(Some(self.partition), key.clone(), self.core.clock_us(), version))
        })
    }

    fn published_version(&self, topic: &Arc<str>, key: &Bytes, newest: &Outgoing) -> u64 {
        let own = self.topics.own_topics().into_iter().find(|own| own.name == *topic);
        let named = own.zip(std::str::from_utf8(key).ok());
        let published = named.and_then(|(topic, name)| self.topics.published_version(&self.core, topic, name));
        published.or_else(|| version_of(&newest.headers)).unwrap_or_default()
    }

    fn live(&self, out: &mut Vec<LiveUpdate>) {
        self.topics.live(&self.core, out);
    }
}
