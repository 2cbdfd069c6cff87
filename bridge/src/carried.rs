//! A message on its way to the log.

use std::time::Duration;

use runtime::trace::Span;
use streams::Outgoing;

use crate::reject::Reject;

/// A message in flight: its record, and its time of receipt (monotonic).
pub(crate) struct Carried {
    pub(crate) record: Outgoing,
    pub(crate) received_at: Duration,
    /// Why it becomes a dead letter.
    pub(crate) dead_letter: Option<Reject>,
    /// The span until it is in the log, where it is traced.
    pub(crate) span: Option<Span>,
}
