//! The bounds of the embedded log.

use std::time::Duration;

/// The bounds of the embedded log.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// The offset of the first record of every partition. With the Unix milliseconds of the start, which fit 48 bits,
    /// offsets never repeat in a history that outlives the process.
    pub first_offset: u64,
    /// Bytes of records (keys, values, headers and overhead) after which a partition drops its oldest ones; in a
    /// compacted topic, the bytes of superseded records that may accumulate. A topic's `retention.bytes` may be lower.
    pub max_bytes_per_partition: usize,
    /// The age, relative to the newest record of the partition, at which records and tombstones of compacted topics are
    /// dropped. A topic's `retention.ms` and `delete.retention.ms` may be lower.
    pub max_age: Duration,
    /// The largest accepted record: bytes of key, value and headers.
    pub max_record_bytes: usize,
    /// How many partitions a topic gets that is created at its first use; `None`: such a topic is refused.
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
