//! The parts of checkpoints, as they are read back: a checkpoint is complete when the machine's own part, which is written
//! last, is in the log.
//!
//! Two cases need care. An interrupted checkpoint leaves newer parts after those of a complete one; compaction would drop the
//! latter, so an owner that finds such parts writes all of its own again. A former owner's late checkpoint is older than the
//! complete one: it is ignored.

use std::collections::HashMap;

use bytes::Bytes;
use schemas::headers::{NEXT_OFFSET, VERIFIED, numbers, parse_number, parse_numbers};
use schemas::keys;
use streams::{Headers, Incoming};

/// The headers of a checkpoint record: the next offset of the input, and up to which offsets the partition's own topics are
/// known to have no late writes.
pub(crate) fn headers(next_offset: u64, verified: &[u64]) -> Headers {
    let headers = Headers::new().with(NEXT_OFFSET, next_offset.to_string());
    if verified.is_empty() { headers } else { headers.with(VERIFIED, numbers(verified)) }
}

/// The next offset of the input, of a checkpoint record.
pub(crate) fn next_offset(headers: &Headers) -> u64 {
    headers.first(NEXT_OFFSET).and_then(|value| parse_number(value)).unwrap_or_default()
}

fn verified(headers: &Headers) -> Vec<u64> {
    headers.first(VERIFIED).map(|value| parse_numbers(value)).unwrap_or_default()
}

type Part = (u64, Option<Bytes>);

/// The newest parts per key; those of an incomplete checkpoint separately.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    complete: HashMap<Bytes, Part>,
    newer: HashMap<Bytes, Part>,
    complete_offset: u64,
    verified: Vec<u64>,
}

impl Parts {
    /// Takes the next record of the topic.
    pub(crate) fn take(&mut self, record: Incoming) {
        let Some(key) = record.key else { return };
        let next_offset = next_offset(&record.headers);
        if next_offset < self.complete_offset {
            return;
        }
        let is_own = key[..] == *keys::PARTITION.as_bytes();
        self.newer.insert(key, (next_offset, record.value));
        if is_own {
            (self.complete_offset, self.verified) = (next_offset, verified(&record.headers));
            let complete = self.newer.extract_if(|_, (part_offset, _)| *part_offset <= next_offset);
            self.complete.extend(complete);
        }
    }

    /// Whether an interrupted checkpoint has left newer parts.
    pub(crate) fn has_newer(&self) -> bool {
        !self.newer.is_empty()
    }

    /// The verified offsets of the partition's own topics, by the newest checkpoint.
    pub(crate) fn verified(&self) -> &[u64] {
        &self.verified
    }

    /// The values to restore from, the machine's own part among them. `with_newer`: also parts that are newer than it.
    pub(crate) fn into_values(mut self, with_newer: bool) -> impl Iterator<Item = Bytes> {
        if with_newer {
            self.complete.extend(self.newer);
        }
        self.complete.into_values().filter_map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, next_offset: u64, value: &'static str) -> Incoming {
        Incoming {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            key: Some(key.to_owned().into()),
            value: (!value.is_empty()).then(|| value.into()),
            headers: headers(next_offset, &[]),
        }
    }

    fn values(records: Vec<Incoming>, with_newer: bool) -> Vec<String> {
        let mut parts = Parts::default();
        records.into_iter().for_each(|record| parts.take(record));
        let text = |value: Bytes| String::from_utf8(value.to_vec()).expect("text");
        let mut values: Vec<_> = parts.into_values(with_newer).map(text).collect();
        values.sort();
        values
    }

    #[test]
    fn newer_parts_are_restored_only_on_request() {
        let read = || vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5"), record("a", 9, "a9")];
        assert_eq!(values(read(), false), ["#5", "a5", "b5"]);
        assert_eq!(values(read(), true), ["#5", "a9", "b5"]);
        // A later checkpoint with a lower offset does not complete them.
        let mut later = read();
        later.push(record("#", 7, "#7"));
        assert_eq!(values(later, false), ["#7", "a5", "b5"]);
    }

    #[test]
    fn a_late_checkpoint_is_ignored() {
        let mut late = vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5")];
        late.extend([record("a", 3, "a3"), record("#", 3, "#3"), record("b", 4, "")]);
        assert_eq!(values(late.clone(), false), ["#5", "a5", "b5"]);
        assert_eq!(values(late, true), ["#5", "a5", "b5"]);
    }

    /// Keeps the newest record of each key, as compaction does.
    fn compact(records: Vec<Incoming>) -> Vec<Incoming> {
        let is_newest =
            |(at, record): &(usize, &Incoming)| !records[at + 1..].iter().any(|later| later.key == record.key);
        records.iter().enumerate().filter(is_newest).map(|(_, record)| record.clone()).collect()
    }

    #[test]
    fn a_checkpoint_after_a_torn_one_survives_compaction() {
        let mut read = vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5"), record("a", 9, "a9")];
        let mut parts = Parts::default();
        read.iter().cloned().for_each(|record| parts.take(record));
        assert!(parts.has_newer());
        // The next owner writes all of its parts, at 5 or later.
        for at in [5, 7] {
            let mut all = read.clone();
            all.extend([record("a", at, "a"), record("b", at, "b"), record("#", at, "#")]);
            assert_eq!(values(compact(all), false), ["#", "a", "b"]);
        }
        read.push(record("#", 9, "#9"));
        let mut parts = Parts::default();
        read.into_iter().for_each(|record| parts.take(record));
        assert!(!parts.has_newer());
    }

    #[test]
    fn verified_offsets_come_from_the_newest_checkpoint() {
        let own = |verified: &[u64]| Incoming { headers: headers(5, verified), ..record("#", 5, "#5") };
        let mut parts = Parts::default();
        parts.take(own(&[7, 0, 12]));
        assert_eq!(parts.verified(), [7, 0, 12]);
        parts.take(own(&[]));
        assert!(parts.verified().is_empty());
    }

    #[test]
    fn tombstones_end_parts() {
        let read = vec![record("a", 5, "a5"), record("#", 5, "#5"), record("a", 9, ""), record("#", 9, "#9")];
        assert_eq!(values(read, false), ["#9"]);
    }
}
