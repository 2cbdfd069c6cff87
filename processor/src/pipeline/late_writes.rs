//! A former owner's late writes: which of them hide a newer state, and the record that outranks each.
//!
//! A process that was frozen and has lost its partitions may deliver older states after its successor's newer ones. Readers
//! that know the newer version ignore them; readers that begin later, and compaction, would not. So the owner reads the
//! records that it did not write itself and publishes its newer state again where an older version came after it. Late parts
//! of checkpoints come after a complete checkpoint with a higher offset; the next checkpoint writes them again.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use streams::{Event, Incoming, Log, Outgoing, SeekTo, StreamError, TopicPartition, version_of};

use schemas::keys;

use crate::pipeline::checkpoint_parts;
use crate::pipeline::machine::Machine;

/// The last record of a key in a state topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewestRecord {
    version: u64,
    is_tombstone: bool,
}

/// Reads a partition from an offset to its end at the time of the call.
pub(crate) async fn read(
    log: &Arc<dyn Log>,
    partition: &TopicPartition,
    from: u64,
    mut take: impl FnMut(Incoming),
) -> Result<(), StreamError> {
    let mut source = log.read(vec![(partition.clone(), SeekTo::Offset(from))]).await?;
    loop {
        match source.next().await? {
            Event::Records(records) => records.into_iter().for_each(&mut take),
            Event::CaughtUp(_) => return Ok(()),
            _ => {}
        }
    }
}

/// The last record of each key.
#[derive(Debug, Default)]
pub(crate) struct NewestRecords(pub(crate) HashMap<Bytes, NewestRecord>);

impl NewestRecords {
    pub(crate) fn take(&mut self, record: Incoming) {
        let version = version_of(&record.headers).unwrap_or_default();
        let newest = NewestRecord { version, is_tombstone: record.value.is_none() };
        self.0.extend(record.key.map(|key| (key, newest)));
    }
}

/// The record to publish again, given the last record of its key in the topic. `None`: that record is right.
pub(crate) fn outranking(
    machine: &impl Machine,
    topic: &Arc<str>,
    key: &Bytes,
    last: NewestRecord,
) -> Option<Outgoing> {
    let own = machine.newest(topic, key)?;
    let is_late = match own.value {
        Some(_) => last.version < machine.published_version(topic, key, &own),
        // A version from an offset that this owner has not read yet is not late.
        None => !last.is_tombstone && last.version < machine.next_offset(),
    };
    is_late.then_some(own)
}

/// Parts of checkpoints that came after a complete checkpoint with a higher offset.
#[derive(Debug, Default)]
pub(crate) struct LateParts {
    /// The next offset of the newest complete checkpoint.
    pub(crate) complete_offset: u64,
    keys: HashMap<Bytes, bool>,
}

impl LateParts {
    /// After a complete checkpoint with that next offset.
    pub(crate) fn after(complete_offset: u64) -> Self {
        Self { complete_offset, ..Self::default() }
    }

    pub(crate) fn take(&mut self, record: Incoming) {
        let (next_offset, Some(key)) = (checkpoint_parts::next_offset(&record.headers), record.key) else { return };
        if key[..] == *keys::PARTITION.as_bytes() {
            self.complete_offset = self.complete_offset.max(next_offset);
        }
        self.keys.insert(key, next_offset < self.complete_offset);
    }

    /// The keys whose last part is a late one.
    pub(crate) fn keys(self) -> Vec<Bytes> {
        self.keys.into_iter().filter(|(_, is_late)| *is_late).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use streams::Headers;
    use streams::framing::FramingError;

    use super::*;
    use crate::pipeline::machine::{CheckpointOrigin, Emission};
    use crate::sinks::live::LiveUpdate;
    use streams::put_version;

    fn part(key: &str, next_offset: u64) -> Incoming {
        Incoming {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            key: Some(key.to_owned().into()),
            value: Some("x".into()),
            headers: checkpoint_parts::headers(next_offset, &[]),
        }
    }

    /// Makes a state of version 9, and has published one of version 7.
    struct Maker;

    impl Machine for Maker {
        fn apply(&mut self, _: &Incoming, _: &mut Emission) {}

        fn next_offset(&self) -> u64 {
            10
        }

        fn clock_us(&self) -> u64 {
            0
        }

        fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
            Vec::new()
        }

        fn restore(&mut self, _: &Bytes) -> Result<CheckpointOrigin, FramingError> {
            Ok(CheckpointOrigin::ThisLog)
        }

        fn accepts_newer_parts(&self) -> bool {
            false
        }

        fn checkpoint_all(&mut self) {}

        fn live(&self, _: &mut Vec<LiveUpdate>) {}

        fn own_topics(&self) -> Vec<Arc<str>> {
            Vec::new()
        }

        fn newest(&self, topic: &Arc<str>, key: &Bytes) -> Option<Outgoing> {
            let mut headers = Headers::new();
            put_version(&mut headers, 9);
            let (topic, key) = (topic.clone(), Some(key.clone()));
            Some(Outgoing { topic, partition: Some(0), key, value: Some("x".into()), headers, timestamp_ms: 0 })
        }

        fn published_version(&self, _: &Arc<str>, _: &Bytes, _: &Outgoing) -> u64 {
            7
        }
    }

    #[test]
    fn versions_below_the_published_one_are_late() {
        let is_late = |version| {
            let last = NewestRecord { version, is_tombstone: false };
            outranking(&Maker, &"t".into(), &"key".into(), last).is_some()
        };
        assert_eq!([6, 7, 8].map(is_late), [true, false, false]);
    }

    fn late(complete_offset: u64, parts: &[(&str, u64)]) -> Vec<Bytes> {
        let mut late = LateParts::after(complete_offset);
        parts.iter().for_each(|(key, next_offset)| late.take(part(key, *next_offset)));
        let mut keys = late.keys();
        keys.sort();
        keys
    }

    #[test]
    fn parts_after_a_newer_checkpoint_are_late() {
        assert!(late(5, &[("a", 7), ("#", 7), ("a", 9), ("b", 9), ("#", 9)]).is_empty());
        assert_eq!(late(5, &[("a", 4), ("#", 4)]), ["#", "a"]);
        assert_eq!(late(0, &[("a", 7), ("b", 7), ("#", 7), ("b", 6)]), ["b"]);
        assert!(late(5, &[("a", 4), ("a", 7), ("#", 7)]).is_empty(), "written again meanwhile");
    }
}
