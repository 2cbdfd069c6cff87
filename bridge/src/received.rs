//! A received message, of either input.

use std::time::Duration;

use bytes::Bytes;

/// A received message.
pub(crate) struct Received<'a> {
    pub(crate) topic: &'a [u8],
    pub(crate) payload: &'a Bytes,
    /// The sender marked it as a possible redelivery.
    pub(crate) repeated: bool,
    /// A retained message: it is acknowledged and dropped, since its time of receipt is meaningless.
    pub(crate) retained: bool,
    /// When its bytes were read (monotonic).
    pub(crate) read_at: Duration,
}
