//! The shell of the groups that read what the stream core writes: a pure core of their own between its topics.

use std::fmt;
use std::sync::Arc;

use air::group::GroupCore;
use bytes::Bytes;
use rate::{RateLimit, TokenBucket};
use streams::framing::FramingError;
use streams::{Incoming, Outgoing, Topic, version_of};

use crate::pipeline::{Emission, Fit, Machine, Rejection, Verdict};
use crate::sinks::live::LiveUpdate;

/// Dead letters of one partition, and lines about them, by the core's clock; a restart begins with a full bucket.
const LETTERS: RateLimit = RateLimit::per_second(10, 200);

/// The topics of such a group, and how the changes of its core become their records.
pub trait GroupTopics: fmt::Debug + Send + Sync + 'static {
    /// What makes the changes.
    type Core: GroupCore;

    /// The topic that it reads.
    fn input(&self) -> &Topic;

    /// The topic of its checkpoints.
    fn checkpoints(&self) -> &Topic;

    /// The topics that only this group writes, checkpoints apart.
    fn own(&self) -> Vec<&Topic>;

    /// Turns changes of a partition into records and live states.
    fn tell(&self, partition: u32, changes: &mut <Self::Core as GroupCore>::Changes, out: &mut Emission);

    /// The newest record of a key in one of the group's own topics. `None`: nothing is to be there.
    fn newest(&self, partition: u32, core: &Self::Core, topic: &Topic, key: &str) -> Option<Outgoing>;

    /// Measures a core, at each checkpoint; `None`: the partition is no longer owned.
    fn measure(&self, _partition: u32, _core: Option<&Self::Core>) {}

    /// The version that a key's state was last given out with, where [`GroupTopics::newest`] makes a higher one.
    fn given_version(&self, _core: &Self::Core, _topic: &Topic, _key: &str) -> Option<u64> {
        None
    }

    /// All live states, for a Redis that has none.
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
    letters: TokenBucket,
}

impl<T: GroupTopics> GroupMachine<T> {
    /// A core that knows nothing yet, and the log that its offsets belong to.
    pub fn new(partition: u32, epoch: &str, core: T::Core, topics: Arc<T>) -> Self {
        Self {
            core,
            partition,
            epoch: epoch.to_owned(),
            topics,
            changes: Default::default(),
            letters: TokenBucket::default(),
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
            Ok(told) => {
                out.decoded();
                self.core.apply(record.offset, &told, &mut self.changes);
            }
            Err(error) => {
                let (topic, offset, reason) = (&*record.topic, record.offset, error.reason());
                let is_written = self.letters.take(LETTERS, self.core.clock_us());
                if is_written {
                    tracing::error!(topic, offset, reason, "a record of ours cannot be read: it is left out");
                }
                out.verdict = Verdict::Unreadable(Rejection { reason, is_written });
                return;
            }
        }
        out.verdict = Verdict::Usable;
        self.topics.tell(self.partition, &mut self.changes, out);
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
        let memories = self.core.changed_checkpoints(&self.epoch);
        memories.into_iter().map(|(key, memory)| (key, memory.map(|memory| codec.encode(&memory)))).collect()
    }

    fn restore(&mut self, value: &Bytes) -> Result<Fit, FramingError> {
        let memory = self.topics.checkpoints().codec.decode(value)?;
        if T::Core::epoch_of(&memory).is_some_and(|epoch| epoch != self.epoch) {
            return Ok(Fit::OtherLog);
        }
        self.core.restore(memory);
        Ok(Fit::Ours)
    }

    fn takes_parts_ahead(&self) -> bool {
        // Such a core's parts depend on each other (a report joins the nearest thermal), or nobody looked for them apart.
        false
    }

    fn checkpoint_all(&mut self) {
        self.core.change_all();
    }

    fn own_topics(&self) -> Vec<Arc<str>> {
        self.topics.own().into_iter().map(|own| own.name.clone()).collect()
    }

    fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
        let topic = self.topics.own().into_iter().find(|own| own.name == *topic)?;
        let name = std::str::from_utf8(key).ok()?;
        let newest = self.topics.newest(self.partition, &self.core, topic, name);
        newest.or_else(|| {
            let version = self.core.next_offset().saturating_sub(1);
            Some(topic.ended(Some(self.partition), key.clone(), self.core.clock_us(), version))
        })
    }

    fn given_version(&self, topic: &Arc<str>, key: &Bytes, newest: &Outgoing) -> u64 {
        let own = self.topics.own().into_iter().find(|own| own.name == *topic);
        let given = own.zip(std::str::from_utf8(key).ok());
        let given = given.and_then(|(topic, name)| self.topics.given_version(&self.core, topic, name));
        given.or_else(|| version_of(&newest.headers)).unwrap_or_default()
    }

    fn live(&self, out: &mut Vec<LiveUpdate>) {
        self.topics.live(&self.core, out);
    }
}
