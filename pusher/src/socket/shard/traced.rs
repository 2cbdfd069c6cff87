//! Traced states between the view and the sockets: the spans that a flush has to continue. Pure.

use std::time::Duration;

use runtime::trace::TraceContext;
use rustc_hash::FxHashMap;

use crate::socket::message::Changes;
use fanout::view::ObjectId;

/// How long a traced state waits for a client that sees it: longer than the slowest rate.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Traced states that may wait. Further ones get no `flush` span, and are counted.
const MAX_WAITING: usize = 4096;

/// Objects whose newest state is traced and was not written to a client yet.
#[derive(Debug, Default)]
pub(super) struct TracedStates(FxHashMap<ObjectId, Waiting>);

#[derive(Debug)]
struct Waiting {
    fold: TraceContext,
    since: Duration,
}

impl TracedStates {
    /// Whether no state waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the traced states of a batch and removes those that a newer state replaces. Returns how many were refused
    /// because too many wait.
    pub(super) fn apply(&mut self, batch: &Changes, now: Duration) -> usize {
        if self.0.is_empty() && batch.traced.is_empty() {
            return 0;
        }
        let (mut traced, mut refused) = (batch.traced.iter().peekable(), 0);
        for (index, change) in batch.changes.iter().enumerate() {
            match traced.next_if(|traced| traced.index == index) {
                Some(_) if self.0.len() >= MAX_WAITING && !self.0.contains_key(&change.id) => refused += 1,
                Some(traced) => drop(self.0.insert(change.id, Waiting { fold: traced.fold, since: now })),
                None => drop(self.0.remove(&change.id)),
            }
        }
        refused
    }

    /// Removes a state that was written to a client. Returns the span that applied it to the view.
    pub(super) fn take_written(&mut self, id: ObjectId) -> Option<TraceContext> {
        self.0.remove(&id).map(|waiting| waiting.fold)
    }

    /// Removes states that no client sees.
    pub(super) fn expire(&mut self, now: Duration) {
        self.0.retain(|_, waiting| now.saturating_sub(waiting.since) < MAX_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::hop_times::HopTimes;
    use crate::socket::message::TracedChange;
    use fanout::view::{Change, Kind};

    fn id(key: u64) -> ObjectId {
        ObjectId { kind: Kind::Aircraft, key }
    }

    fn fold(span_id: u64) -> TraceContext {
        TraceContext { trace_id: 1, span_id, sampled: true }
    }

    /// Changes of these objects, each with the id of its span where it is traced.
    fn batch(changed: impl IntoIterator<Item = (u64, Option<u64>)>) -> Changes {
        let (changes, traced) = (Vec::new(), Vec::new());
        let mut batch =
            Changes { changes, hidden: Vec::new(), read: Vec::new(), hop_times: HopTimes::default(), traced };
        for (index, (key, span_id)) in changed.into_iter().enumerate() {
            let (device, from, to, named, urgent) = (None, None, None, false, false);
            batch.changes.push(Change { id: id(key), device, from, to, named, urgent });
            batch.traced.extend(span_id.map(|span_id| TracedChange { index, fold: fold(span_id) }));
        }
        batch
    }

    #[test]
    fn a_state_is_written_once_and_only_the_newest() {
        let mut states = TracedStates::default();
        states.apply(&batch([(1, Some(10)), (2, Some(20)), (2, Some(21)), (3, Some(30)), (3, None)]), Duration::ZERO);
        assert_eq!(states.take_written(id(1)), Some(fold(10)));
        assert_eq!(states.take_written(id(1)), None);
        assert_eq!(states.take_written(id(2)), Some(fold(21)));
        assert_eq!(states.take_written(id(3)), None, "the newest state is not traced");
        assert!(states.is_empty());
    }

    #[test]
    fn states_that_no_client_sees_expire() {
        let mut states = TracedStates::default();
        states.apply(&batch([(1, Some(10))]), Duration::from_secs(5));
        states.expire(Duration::from_secs(64));
        assert!(!states.is_empty());
        states.expire(Duration::from_secs(65));
        assert!(states.is_empty());
    }

    #[test]
    fn the_waiting_states_are_bounded() {
        let mut states = TracedStates::default();
        let full = MAX_WAITING as u64;
        assert_eq!(states.apply(&batch((0..full).map(|key| (key, Some(1)))), Duration::ZERO), 0);
        assert_eq!(states.apply(&batch([(full, Some(1)), (0, Some(2))]), Duration::ZERO), 1);
        assert_eq!((states.take_written(id(full)), states.take_written(id(0))), (None, Some(fold(2))));
    }
}
