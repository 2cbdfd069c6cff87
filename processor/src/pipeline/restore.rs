//! Checkpoints read back: parts count once the machine's own part, which is written last, has sealed them.
//!
//! Two things can stand in the way of that. A checkpoint that was interrupted leaves newer parts on top of sealed ones;
//! compaction would drop the sealed ones, so an owner that finds such parts writes all of its own anew. A former owner's
//! late checkpoint is older than what is sealed: it is passed over.

use std::collections::HashMap;

use bytes::Bytes;
use schemas::headers::{NEXT_OFFSET, VERIFIED, numbers, parse_number, parse_numbers};
use schemas::keys;
use streams::{Headers, Incoming};

/// The headers that say up to where a checkpoint record knows its input, and up to where the partition's own topics are
/// known to hold nothing that is out of date.
pub(crate) fn headers(next_offset: u64, verified: &[u64]) -> Headers {
    let headers = Headers::new().with(NEXT_OFFSET, next_offset.to_string());
    if verified.is_empty() { headers } else { headers.with(VERIFIED, numbers(verified)) }
}

/// Up to where a checkpoint record knows its input.
pub(crate) fn next_offset(headers: &Headers) -> u64 {
    headers.first(NEXT_OFFSET).and_then(|value| parse_number(value)).unwrap_or_default()
}

fn verified(headers: &Headers) -> Vec<u64> {
    headers.first(VERIFIED).map(|value| parse_numbers(value)).unwrap_or_default()
}

type Part = (u64, Option<Bytes>);

/// The newest parts per key, those of an unfinished checkpoint apart.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    sealed: HashMap<Bytes, Part>,
    ahead: HashMap<Bytes, Part>,
    sealed_at: u64,
    verified: Vec<u64>,
}

impl Parts {
    /// Takes the next record of the topic.
    pub(crate) fn take(&mut self, record: Incoming) {
        let Some(key) = record.key else { return };
        let next_offset = next_offset(&record.headers);
        if next_offset < self.sealed_at {
            return;
        }
        let is_own = key[..] == *keys::PARTITION.as_bytes();
        self.ahead.insert(key, (next_offset, record.value));
        if is_own {
            (self.sealed_at, self.verified) = (next_offset, verified(&record.headers));
            let sealed = self.ahead.extract_if(|_, (part_offset, _)| *part_offset <= next_offset);
            self.sealed.extend(sealed);
        }
    }

    /// Whether an interrupted checkpoint has left parts behind.
    pub(crate) fn has_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Up to where the newest checkpoint says that the partition's own topics are as they should be.
    pub(crate) fn verified(&self) -> &[u64] {
        &self.verified
    }

    /// The values to restore from, the machine's own part among them. `with_ahead`: also parts that are newer than it.
    pub(crate) fn into_values(mut self, with_ahead: bool) -> impl Iterator<Item = Bytes> {
        if with_ahead {
            self.sealed.extend(self.ahead);
        }
        self.sealed.into_values().filter_map(|(_, value)| value)
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

    fn values(records: Vec<Incoming>, with_ahead: bool) -> Vec<String> {
        let mut parts = Parts::default();
        records.into_iter().for_each(|record| parts.take(record));
        let text = |value: Bytes| String::from_utf8(value.to_vec()).expect("text");
        let mut values: Vec<_> = parts.into_values(with_ahead).map(text).collect();
        values.sort();
        values
    }

    #[test]
    fn an_unfinished_checkpoint_counts_only_where_it_may() {
        let told = || vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5"), record("a", 9, "a9")];
        assert_eq!(values(told(), false), ["#5", "a5", "b5"]);
        assert_eq!(values(told(), true), ["#5", "a9", "b5"]);
        // What was left unfinished is not sealed by a later checkpoint that knows less.
        let mut later = told();
        later.push(record("#", 7, "#7"));
        assert_eq!(values(later, false), ["#7", "a5", "b5"]);
    }

    #[test]
    fn a_late_checkpoint_of_a_former_owner_is_passed_over() {
        let told = || vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5")];
        let mut late = told();
        late.extend([record("a", 3, "a3"), record("#", 3, "#3"), record("b", 4, "")]);
        assert_eq!(values(late.clone(), false), ["#5", "a5", "b5"]);
        assert_eq!(values(late, true), ["#5", "a5", "b5"]);
    }

    /// Keeps the newest record of each key, as the log does some time later.
    fn compact(records: Vec<Incoming>) -> Vec<Incoming> {
        let is_newest =
            |(at, record): &(usize, &Incoming)| !records[at + 1..].iter().any(|later| later.key == record.key);
        records.iter().enumerate().filter(is_newest).map(|(_, record)| record.clone()).collect()
    }

    #[test]
    fn an_interrupted_checkpoint_is_found_and_a_whole_one_after_it_survives_compaction() {
        let mut told = vec![record("a", 5, "a5"), record("b", 5, "b5"), record("#", 5, "#5"), record("a", 9, "a9")];
        let mut parts = Parts::default();
        told.iter().cloned().for_each(|record| parts.take(record));
        assert!(parts.has_ahead());
        // The successor writes all that it has, at 5 or later.
        for at in [5, 7] {
            let mut whole = told.clone();
            whole.extend([record("a", at, "a"), record("b", at, "b"), record("#", at, "#")]);
            assert_eq!(values(compact(whole), false), ["#", "a", "b"]);
        }
        told.push(record("#", 9, "#9"));
        let mut parts = Parts::default();
        told.into_iter().for_each(|record| parts.take(record));
        assert!(!parts.has_ahead());
    }

    #[test]
    fn the_next_owner_learns_what_was_verified() {
        let own = |verified: &[u64]| Incoming { headers: headers(5, verified), ..record("#", 5, "#5") };
        let mut parts = Parts::default();
        parts.take(own(&[7, 0, 12]));
        assert_eq!(parts.verified(), [7, 0, 12]);
        parts.take(own(&[]));
        assert!(parts.verified().is_empty());
    }

    #[test]
    fn tombstones_end_parts() {
        let told = vec![record("a", 5, "a5"), record("#", 5, "#5"), record("a", 9, ""), record("#", 9, "#9")];
        assert_eq!(values(told, false), ["#9"]);
    }
}
