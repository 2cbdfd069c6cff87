//! What bounds the embedded log.

use std::time::Duration;

/// What bounds the embedded log.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// The offset of the first record of every partition. The Unix milliseconds of the start keep offsets from
    /// repeating against a history that outlives the process; they fit 48 bits.
    pub first_offset: u64,
    /// Bytes of records (keys, values, headers and what holds them) after which a partition drops its oldest; in a
    /// compacted topic, the bytes of superseded records that may pile up. A topic's `retention.bytes` may be lower.
    pub max_bytes_per_partition: usize,
    /// The age, against the newest record of the partition, at which records are dropped, and tombstones of compacted
    /// topics too. A topic's `retention.ms` and `delete.retention.ms` may be lower.
    pub max_age: Duration,
    /// The largest record that is taken: key, value and headers.
    pub max_record_bytes: usize,
    /// How many partitions a topic gets that is written to or read without having been created; `None` refuses it.
    pub auto_create_partitions: Option<u32>,
}

impl EmbeddedSettings {
    /// 16 MiB and one day per partition, records up to 1 MiB, topics are created explicitly.
    pub fn new(first_offset: u64) -> Self {
        Self {
            first_offset,
            max_bytes_per_partition: 16 << 20,
            max_age: Duration::from_secs(24 * 3600),
            max_record_bytes: 1 << 20,
            auto_create_partitions: None,
        }
    }
}
