//! A former owner's late writes, found and outranked.
//!
//! A process that stood still and was thought dead may deliver older states after its successor's newer ones. Readers
//! that know the newer version ignore them; readers that begin later, and compaction, would not. So the owner looks at
//! what it did not write itself and publishes again what lies on top of something newer. Late parts of checkpoints are
//! found by what is sealed before them, and written anew with the next checkpoint.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use streams::{Event, Incoming, Log, Outgoing, SeekTo, StreamError, TopicPartition, version_of};

use schemas::keys;

use crate::pipeline::machine::Machine;
use crate::pipeline::restore;

/// The last record of a key in a state topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Top {
    version: u64,
    is_tombstone: bool,
}

/// Reads a partition from an offset to where it ends now.
pub(crate) async fn read(
    log: &Arc<dyn Log>,
    place: &TopicPartition,
    from: u64,
    mut take: impl FnMut(Incoming),
) -> Result<(), StreamError> {
    let mut source = log.read(vec![(place.clone(), SeekTo::Offset(from))]).await?;
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
pub(crate) struct Tops(pub(crate) HashMap<Bytes, Top>);

impl Tops {
    pub(crate) fn take(&mut self, record: Incoming) {
        let version = version_of(&record.headers).unwrap_or_default();
        let top = Top { version, is_tombstone: record.value.is_none() };
        self.0.extend(record.key.map(|key| (key, top)));
    }
}

/// What to publish again, given what lies on top of a key. `None`: it is as it should be.
pub(crate) fn repair(machine: &impl Machine, topic: &Arc<str>, key: &Bytes, top: Top) -> Option<Outgoing> {
    let newest = machine.newest(topic, key)?;
    let outranked = match newest.value {
        Some(_) => top.version < machine.given_version(topic, key, &newest),
        // What this owner has not read yet it may still give out.
        None => !top.is_tombstone && top.version < machine.next_offset(),
    };
    outranked.then_some(newest)
}

/// Parts of checkpoints that came after a checkpoint which knows more.
#[derive(Debug, Default)]
pub(crate) struct LateParts {
    /// Up to where the newest whole checkpoint knows its input.
    pub(crate) sealed_at: u64,
    keys: HashMap<Bytes, bool>,
}

impl LateParts {
    /// After a checkpoint that knows its input up to there.
    pub(crate) fn after(sealed_at: u64) -> Self {
        Self { sealed_at, ..Self::default() }
    }

    pub(crate) fn take(&mut self, record: Incoming) {
        let (next_offset, Some(key)) = (restore::next_offset(&record.headers), record.key) else { return };
        if key[..] == *keys::PARTITION.as_bytes() {
            self.sealed_at = self.sealed_at.max(next_offset);
        }
        self.keys.insert(key, next_offset < self.sealed_at);
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
    use crate::pipeline::machine::{Emission, Fit};
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
            headers: restore::headers(next_offset, &[]),
        }
    }

    /// Makes a state of version 9 anew, and gave out one of version 7.
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

        fn restore(&mut self, _: &Bytes) -> Result<Fit, FramingError> {
            Ok(Fit::Ours)
        }

        fn takes_parts_ahead(&self) -> bool {
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

        fn given_version(&self, _: &Arc<str>, _: &Bytes, _: &Outgoing) -> u64 {
            7
        }
    }

    #[test]
    fn late_is_what_lies_below_what_was_given_out() {
        let is_late = |version| {
            let top = Top { version, is_tombstone: false };
            repair(&Maker, &"t".into(), &"key".into(), top).is_some()
        };
        assert_eq!([6, 7, 8].map(is_late), [true, false, false]);
    }

    fn late(sealed_at: u64, parts: &[(&str, u64)]) -> Vec<Bytes> {
        let mut late = LateParts::after(sealed_at);
        parts.iter().for_each(|(key, next_offset)| late.take(part(key, *next_offset)));
        let mut keys = late.keys();
        keys.sort();
        keys
    }

    #[test]
    fn parts_behind_a_checkpoint_that_knows_more_are_late() {
        assert!(late(5, &[("a", 7), ("#", 7), ("a", 9), ("b", 9), ("#", 9)]).is_empty());
        assert_eq!(late(5, &[("a", 4), ("#", 4)]), ["#", "a"]);
        assert_eq!(late(0, &[("a", 7), ("b", 7), ("#", 7), ("b", 6)]), ["b"]);
        assert!(late(5, &[("a", 4), ("a", 7), ("#", 7)]).is_empty(), "written anew meanwhile");
    }
}
