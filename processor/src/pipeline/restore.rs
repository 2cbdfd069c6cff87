//! Checkpoints read back: parts count once the machine's own part, which is written last, has sealed them.

use std::collections::HashMap;

use bytes::Bytes;
use streams::{Headers, Incoming};

use crate::core::PARTITION_KEY;

const NEXT_OFFSET: &str = "next-offset";

/// The header that says up to where a checkpoint record knows its input.
pub(crate) fn headers(next_offset: u64) -> Headers {
    Headers::new().with(NEXT_OFFSET, next_offset.to_string())
}

type Part = (u64, Option<Bytes>);

/// The newest parts per key, those of an unfinished checkpoint apart.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    sealed: HashMap<Bytes, Part>,
    ahead: HashMap<Bytes, Part>,
}

impl Parts {
    /// Takes the next record of the topic.
    pub(crate) fn take(&mut self, record: Incoming) {
        let Some(key) = record.key else { return };
        let told = record.headers.first(NEXT_OFFSET).and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let next_offset: u64 = told.unwrap_or_default();
        let is_own = key[..] == *PARTITION_KEY.as_bytes();
        self.ahead.insert(key, (next_offset, record.value));
        if is_own {
            let sealed = self.ahead.extract_if(|_, (part_offset, _)| *part_offset <= next_offset);
            self.sealed.extend(sealed);
        }
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
            headers: headers(next_offset),
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
    fn tombstones_end_parts() {
        let told = vec![record("a", 5, "a5"), record("#", 5, "#5"), record("a", 9, ""), record("#", 9, "#9")];
        assert_eq!(values(told, false), ["#9"]);
    }
}
