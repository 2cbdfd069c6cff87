//! Where reading starts.

/// A position in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// This offset is the next one to read; where it has expired, the next available one.
    Offset(u64),
    /// The first record with this time or a later one; the end, where there is none.
    Time {
        /// Milliseconds since the Unix epoch.
        timestamp_ms: i64,
    },
    /// The oldest available record.
    Beginning,
    /// After the newest record.
    End,
}
