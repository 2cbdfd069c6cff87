//! Cuts the records of a partition into blocks.
//!
//! A block is a range of offsets of one partition. It is cut when it is full, when it is old, and at each offset that is a
//! multiple of the block's size, so that a long range that is read again makes the same blocks. Its token has the range and a
//! hash of the records in it: after a topic was created again, or compaction has removed records of the range, the token
//! differs from that of other rows.

use std::collections::VecDeque;
use std::time::Duration;

use history::{Block, BlockRows};
use streams::Incoming;
use streams::registry::TopicCodec;

use crate::historian::rows;
use air::decode::Reject;

/// The limits of a block.
#[derive(Debug, Clone, Copy)]
pub struct BlockLimits {
    /// The largest number of records.
    pub records: usize,
    /// The age of the oldest record, since it was read.
    pub age: Duration,
}

/// Records of one partition that are not in a block yet, in the order of offsets.
#[derive(Debug, Default)]
pub struct Pending {
    records: VecDeque<Incoming>,
    /// When the oldest of them was read, monotonic.
    since: Option<Duration>,
}

impl Pending {
    /// Adds a record that was read at `now`.
    pub fn push(&mut self, record: Incoming, now: Duration) {
        self.since.get_or_insert(now);
        self.records.push_back(record);
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// When the oldest record reaches the age limit. `None`: there are no records.
    pub fn due_at(&self, limits: BlockLimits) -> Option<Duration> {
        self.since.map(|since| since + limits.age)
    }

    /// Whether a block can be cut; with `all` any number of records makes one.
    pub fn is_due(&self, limits: BlockLimits, now: Duration, all: bool) -> bool {
        self.due(limits, now, all).is_some()
    }

    /// The records of the next block, where one can be cut; with `all` any number of records makes one.
    pub fn cut(&mut self, limits: BlockLimits, now: Duration, all: bool) -> Option<Vec<Incoming>> {
        let count = self.due(limits, now, all)?;
        let block = self.records.drain(..count).collect();
        // The remaining records were read later: they may wait a little longer.
        self.since = (!self.records.is_empty()).then_some(now);
        Some(block)
    }

    /// The number of records in the next block.
    fn due(&self, limits: BlockLimits, now: Duration, all: bool) -> Option<usize> {
        let size = limits.records as u64;
        let first = self.records.front()?.offset;
        // The last offset before the next multiple of the size.
        let last = first - first % size + (size - 1);
        let count = self.records.partition_point(|record| record.offset <= last);
        let ended =
            count < self.records.len() || self.records.get(count - 1).is_some_and(|record| record.offset == last);
        let old = self.due_at(limits).is_some_and(|due_at| now >= due_at);
        (ended || old || all).then_some(count)
    }
}

/// A block, and the records that make no rows with their reasons.
pub fn build<'a>(topic: &str, codec: &TopicCodec, records: &'a [Incoming]) -> (Block, Vec<(&'a Incoming, Reject)>) {
    let (mut rows, mut rejects) = (BlockRows::default(), Vec::new());
    for record in records {
        if let Err(reject) = rows::add(topic, codec, record, &mut rows) {
            rejects.push((record, reject));
        }
    }
    (Block { token: token(records), rows }, rejects)
}

fn token(records: &[Incoming]) -> String {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return String::new() };
    let seen = records.iter().fold(FNV_BASIS, |hash, record| {
        let bytes = record.offset.to_le_bytes().into_iter().chain(record.timestamp_ms.to_le_bytes());
        bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
    });
    format!("{}-{}-{}-{}-{seen:016x}", first.topic, first.partition, first.offset, last.offset)
}

/// FNV-1a, 64 bit: the same in every release of the program; std does not guarantee that of its hasher.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use streams::Headers;

    use super::*;

    const LIMITS: BlockLimits = BlockLimits { records: 10, age: Duration::from_secs(5) };
    const START: Duration = Duration::from_secs(100);

    fn record(offset: u64) -> Incoming {
        Incoming {
            topic: "t".into(),
            partition: 3,
            offset,
            timestamp_ms: offset.cast_signed() * 7,
            key: None,
            value: None,
            headers: Headers::new(),
        }
    }

    fn pending(offsets: impl IntoIterator<Item = u64>) -> Pending {
        let mut pending = Pending::default();
        offsets.into_iter().for_each(|offset| pending.push(record(offset), START));
        pending
    }

    fn offsets(block: Option<Vec<Incoming>>) -> Option<Vec<u64>> {
        block.map(|block| block.iter().map(|record| record.offset).collect())
    }

    #[test]
    fn a_block_ends_at_a_multiple_of_its_size() {
        let mut pending = pending(7..23);
        assert_eq!(offsets(pending.cut(LIMITS, START, false)), Some(vec![7, 8, 9]));
        assert_eq!(offsets(pending.cut(LIMITS, START, false)), Some((10..20).collect()));
        assert_eq!(offsets(pending.cut(LIMITS, START, false)), None);
        assert_eq!(pending.len(), 3);
    }

    #[test]
    fn an_old_block_is_cut() {
        let mut pending = pending(1..4);
        assert_eq!(offsets(pending.cut(LIMITS, START + Duration::from_secs(4), false)), None);
        assert_eq!(pending.due_at(LIMITS), Some(START + Duration::from_secs(5)));
        assert!(!pending.is_due(LIMITS, START, false) && pending.is_due(LIMITS, START, true));
        assert_eq!(offsets(pending.cut(LIMITS, START + Duration::from_secs(5), false)), Some(vec![1, 2, 3]));
        assert!(pending.is_empty() && pending.due_at(LIMITS).is_none());
        assert_eq!(offsets(pending.cut(LIMITS, START + Duration::from_secs(99), true)), None);
    }

    #[test]
    fn the_token_has_the_range_and_a_hash_of_its_records() {
        let token = |offsets: &[u64]| token(&offsets.iter().map(|offset| record(*offset)).collect::<Vec<_>>());
        assert!(token(&[7, 8, 9]).starts_with("t-3-7-9-"), "{}", token(&[7, 8, 9]));
        assert_eq!(token(&[7, 8, 9]), token(&[7, 8, 9]));
        assert_ne!(token(&[7, 9]), token(&[7, 8, 9]), "compaction has removed one");
        let mut later = record(7);
        later.timestamp_ms += 1;
        assert_ne!(super::token(&[later]), token(&[7]), "a topic that was created again");
    }

    proptest! {
        /// With any arrival of records, no block crosses a multiple of the size, and no record is lost or out of order.
        #[test]
        fn blocks_are_the_records_in_order(gaps in proptest::collection::vec(1_u64..4, 1..200), arrivals in 1_usize..9) {
            let mut next = 0;
            let all: Vec<u64> = gaps.iter().map(|gap| { next += gap; next }).collect();
            let (mut pending, mut seen) = (Pending::default(), Vec::new());
            for (index, offset) in all.iter().enumerate() {
                pending.push(record(*offset), START);
                while let Some(block) = pending.cut(LIMITS, START, index % arrivals == 0) {
                    let block = offsets(Some(block)).expect("a block");
                    prop_assert_eq!(block[0] / 10, block[block.len() - 1] / 10);
                    seen.extend(block);
                }
            }
            while let Some(block) = pending.cut(LIMITS, START, true) {
                seen.extend(offsets(Some(block)).expect("a block"));
            }
            prop_assert_eq!(seen, all);
        }
    }
}
