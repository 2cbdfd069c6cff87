//! The manifest of an archived hour: written after its file, so that a file with a manifest is complete.

use serde::{Deserialize, Serialize};

use crate::Hour;

/// The format of file and manifest that this program writes.
pub(crate) const FORMAT: u32 = 2;

/// One archived hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 2: the file is a capture.
    pub format: u32,
    /// The topic's full name.
    pub topic: String,
    /// Names the cluster that the offsets are of.
    pub epoch: String,
    /// The hour, `2026-07-14T13`.
    #[serde(with = "as_text")]
    pub hour: Hour,
    /// Name of the file, beside this one.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Of the file, lower-case hex.
    pub sha256: String,
    /// All partitions together.
    pub records: u64,
    /// By partition, from 0.
    pub partitions: Vec<Section>,
}

/// One partition's part of the hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The partition.
    pub partition: u32,
    /// Where the hour begins in the partition.
    pub first_offset: u64,
    /// The first offset that is not in the hour any more.
    pub end_offset: u64,
    /// How many records lie between them.
    pub records: u64,
}

impl Manifest {
    /// Where the hour ends in a partition.
    pub fn end_of(&self, partition: u32) -> Option<u64> {
        self.partitions.iter().find(|section| section.partition == partition).map(|section| section.end_offset)
    }
}

mod as_text {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Hour;

    pub(super) fn serialize<S: Serializer>(hour: &Hour, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hour)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hour, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
