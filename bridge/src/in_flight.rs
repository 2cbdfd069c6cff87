//! A message in flight: between its receipt and its acknowledgement to the sender.

use std::time::Duration;

use runtime::trace::Span;
use streams::Outgoing;

use crate::reject::Reject;

/// A message in flight: its record, and when it was made (monotonic), which is later than the receipt of a message that had to
/// wait for room.
pub(crate) struct InFlightMessage {
    pub(crate) record: Outgoing,
    pub(crate) received_at: Duration,
    /// `Some`: it becomes a dead letter, for this reason.
    pub(crate) dead_letter: Option<Reject>,
    /// Its trace span, which ends when it is in the log. `None`: it is not traced.
    pub(crate) span: Option<Span>,
}
