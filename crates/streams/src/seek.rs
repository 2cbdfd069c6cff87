//! Where reading begins.

/// A place in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// This offset is the next one read; where it is gone, the next that is there.
    Offset(u64),
    /// The first record with this time or a later one; the end where there is none.
    Time {
        /// Milliseconds since the Unix epoch.
        timestamp_ms: i64,
    },
    /// The oldest record there is.
    Beginning,
    /// Only what is written from now on.
    End,
}
