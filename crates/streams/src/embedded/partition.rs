//! The records of one partition, bounded. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::{Behind, EmbeddedSettings, Headers, SeekTo, Watermarks};

/// The memory of a record besides its own bytes: the entry, and the reference counts of its parts.
const OVERHEAD_BYTES: usize = 160;

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) offset: u64,
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Headers,
}

impl Stored {
    /// Bytes that count against a topic's record limit.
    pub(super) fn size_bytes(key: Option<&Bytes>, value: Option<&Bytes>, headers: &Headers) -> usize {
        key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers.size_bytes()
    }

    fn weight(&self) -> usize {
        Self::size_bytes(self.key.as_ref(), self.value.as_ref(), &self.headers) + OVERHEAD_BYTES
    }
}

/// When records are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Drops the oldest by age and size.
    delete: bool,
    /// Keeps the newest of each key.
    compact: bool,
    max_bytes: usize,
    max_age_ms: i64,
    tombstone_age_ms: i64,
}

impl Policy {
    pub(super) fn new(settings: &EmbeddedSettings, topic: &BTreeMap<String, String>) -> Result<Self, String> {
        let max_age_ms = i64::try_from(settings.max_age.as_millis()).unwrap_or(i64::MAX);
        let max_bytes = i64::try_from(settings.max_bytes_per_partition).unwrap_or(i64::MAX);
        let cleanup = topic.get("cleanup.policy").map_or("delete", String::as_str);
        let (mut delete, mut compact) = (false, false);
        for policy in cleanup.split(',').map(str::trim) {
            match policy {
                "delete" => delete = true,
                "compact" => compact = true,
                other => return Err(format!("cleanup.policy {other}: expected compact, delete, or both")),
            }
        }
        Ok(Self {
            delete,
            compact,
            max_bytes: usize::try_from(limit(topic, "retention.bytes", max_bytes)?).unwrap_or(usize::MAX),
            max_age_ms: limit(topic, "retention.ms", max_age_ms)?,
            tombstone_age_ms: limit(topic, "delete.retention.ms", max_age_ms)?,
        })
    }
}

/// The lower of the topic's and the log's limit; Kafka's -1 means no limit.
fn limit(topic: &BTreeMap<String, String>, name: &str, most: i64) -> Result<i64, String> {
    let Some(text) = topic.get(name) else { return Ok(most) };
    let own: i64 = text.parse().map_err(|_| format!("{name} {text}: expected a number"))?;
    Ok(if own < 0 { most } else { own.min(most) })
}

#[derive(Debug)]
pub(super) struct Partition {
    policy: Policy,
    records: VecDeque<Stored>,
    next_offset: u64,
    low: u64,
    newest_ms: i64,
    bytes: usize,
    /// The newest offset of each key; empty unless the topic is compacted.
    newest: HashMap<Bytes, u64>,
    /// Bytes that the next compaction may drop: superseded records and tombstones.
    reclaimable: usize,
    /// Bytes of these that the last compaction kept (young tombstones).
    unreclaimed: usize,
}

impl Partition {
    pub(super) fn new(policy: Policy, first_offset: u64) -> Self {
        Self {
            policy,
            records: VecDeque::new(),
            next_offset: first_offset,
            low: first_offset,
            newest_ms: i64::MIN,
            bytes: 0,
            newest: HashMap::new(),
            reclaimable: 0,
            unreclaimed: 0,
        }
    }

    pub(super) fn watermarks(&self) -> Watermarks {
        Watermarks { low: self.low, high: self.next_offset }
    }

    /// Appends a record, drops those beyond the bounds, and returns the offset.
    pub(super) fn append(
        &mut self,
        key: Option<Bytes>,
        value: Option<Bytes>,
        headers: Headers,
        timestamp_ms: i64,
    ) -> u64 {
        let offset = self.next_offset;
        self.push(Stored { offset, timestamp_ms, key, value, headers });
        offset
    }

    /// Takes over a record of a former process, whose offsets are below those of this one. A record that is not behind all
    /// others, or too old at `now_ms`, is ignored: returns whether it was taken.
    pub(super) fn restore(&mut self, record: Stored, now_ms: i64) -> bool {
        self.continue_at(record.offset + 1);
        let is_repeated = self.records.back().is_some_and(|last| record.offset <= last.offset);
        if is_repeated || record.timestamp_ms < self.oldest_ms(now_ms) {
            return false;
        }
        if self.records.is_empty() {
            self.low = record.offset;
        }
        self.push(record);
        true
    }

    /// Gives no offset below this one.
    pub(super) fn continue_at(&mut self, offset: u64) {
        self.next_offset = self.next_offset.max(offset);
        if self.records.is_empty() {
            self.low = self.next_offset;
        }
    }

    /// The offset of the first record from `offset` on, or the next one where there is none.
    pub(super) fn present(&self, offset: u64) -> u64 {
        self.from(offset, 1).next().map_or(self.next_offset, |record| record.offset)
    }

    /// The time of the newest record.
    pub(super) fn newest_ms(&self) -> i64 {
        self.newest_ms
    }

    /// The records that a restart needs: of a compacted topic the newest of each key; of another those from `floor` on; none
    /// that are too old at `now_ms`.
    pub(super) fn needed(&self, floor: u64, now_ms: i64) -> Vec<Stored> {
        let oldest_ms = self.oldest_ms(now_ms);
        let needed = |record: &&Stored| {
            let is_current = match (&record.key, self.policy.compact) {
                (Some(key), true) => self.newest.get(key) == Some(&record.offset),
                (None, true) => false,
                (_, false) => record.offset >= floor,
            };
            is_current && record.timestamp_ms >= oldest_ms
        };
        self.records.iter().filter(needed).cloned().collect()
    }

    /// The time before which records are dropped for their age.
    fn oldest_ms(&self, now_ms: i64) -> i64 {
        if self.policy.delete { now_ms.saturating_sub(self.policy.max_age_ms) } else { i64::MIN }
    }

    fn push(&mut self, record: Stored) {
        self.next_offset = self.next_offset.max(record.offset + 1);
        self.newest_ms = self.newest_ms.max(record.timestamp_ms);
        self.bytes += record.weight();
        self.supersede(&record);
        self.records.push_back(record);
        if self.policy.delete {
            self.drop_oldest();
        }
        if self.policy.compact && self.reclaimable > self.policy.max_bytes.saturating_add(self.unreclaimed) {
            self.compact();
        }
    }

    /// The records from `offset` on, at most `max`.
    pub(super) fn from(&self, offset: u64, max: usize) -> impl Iterator<Item = &Stored> {
        let start = self.index_of(offset);
        self.records.range(start..).take(max)
    }

    /// The lag of a reader whose next offset is `next`; `None` where there is nothing more to read.
    pub(super) fn behind(&self, next: u64) -> Option<Behind> {
        let unread = self.from(next, 1).next()?;
        // Exact, since the next record is known.
        Some(Behind { read_to_ms: Some(unread.timestamp_ms), at_least: Duration::MAX })
    }

    /// The present offset of a position.
    pub(super) fn resolve(&self, position: SeekTo) -> u64 {
        match position {
            SeekTo::Offset(offset) => offset,
            SeekTo::Beginning => self.low,
            SeekTo::End => self.next_offset,
            SeekTo::Time { timestamp_ms } => {
                let found = self.records.iter().find(|record| record.timestamp_ms >= timestamp_ms);
                found.map_or(self.next_offset, |record| record.offset)
            }
        }
    }

    fn index_of(&self, offset: u64) -> usize {
        self.records.partition_point(|record| record.offset < offset)
    }

    /// Counts the key's former record, if any, as reclaimable.
    fn supersede(&mut self, record: &Stored) {
        if !self.policy.compact {
            return;
        }
        if record.value.is_none() {
            self.reclaimable += record.weight();
        }
        let Some(key) = record.key.clone() else { return };
        let Some(former) = self.newest.insert(key, record.offset) else { return };
        if let Some(former) = self.records.get(self.index_of(former)).filter(|found| found.offset == former)
            && former.value.is_some()
        {
            self.reclaimable += former.weight();
        }
    }

    fn drop_oldest(&mut self) {
        let oldest_ms = self.newest_ms.saturating_sub(self.policy.max_age_ms);
        while let Some(oldest) = self.records.front() {
            if self.records.len() == 1 || (self.bytes <= self.policy.max_bytes && oldest.timestamp_ms >= oldest_ms) {
                break;
            }
            let oldest = self.records.pop_front().expect("checked above");
            self.bytes -= oldest.weight();
            self.forget(&oldest);
        }
        self.low = self.records.front().map_or(self.next_offset, |record| record.offset);
    }

    fn forget(&mut self, dropped: &Stored) {
        if !self.policy.compact {
            return;
        }
        let mut superseded = false;
        if let Some(key) = &dropped.key {
            superseded = self.newest.get(key) != Some(&dropped.offset);
            if !superseded {
                self.newest.remove(key);
            }
        }
        if superseded || dropped.value.is_none() {
            self.reclaimable = self.reclaimable.saturating_sub(dropped.weight());
        }
    }

    /// Keeps the newest record of each key, and young tombstones.
    fn compact(&mut self) {
        let oldest_tombstone_ms = self.newest_ms.saturating_sub(self.policy.tombstone_age_ms);
        let newest = &mut self.newest;
        self.unreclaimed = 0;
        let mut kept_bytes = 0;
        self.records.retain(|record| {
            let Some(key) = &record.key else { return false };
            if newest.get(key) != Some(&record.offset) {
                return false;
            }
            if record.value.is_none() {
                if record.timestamp_ms < oldest_tombstone_ms {
                    newest.remove(key);
                    return false;
                }
                self.unreclaimed += record.weight();
            }
            kept_bytes += record.weight();
            true
        });
        self.bytes = kept_bytes;
        self.reclaimable = self.unreclaimed;
    }
}

#[cfg(test)]
mod tests;
