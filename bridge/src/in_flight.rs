//! A message between its arrival and the log's acknowledgement.

use std::time::Duration;

use runtime::trace::Span;
use streams::Outgoing;

use crate::reject::Reject;

/// A message in flight: its record, and its time of arrival (monotonic).
pub(crate) struct InFlightMessage {
    pub(crate) record: Outgoing,
    pub(crate) received_at: Duration,
    /// `Some`: it becomes a dead letter, for this reason.
    pub(crate) dead_letter: Option<Reject>,
    /// Its trace span, which ends when it is in the log. `None`: it is not traced.
    pub(crate) span: Option<Span>,
}
