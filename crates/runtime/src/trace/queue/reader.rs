//! The exporter's side of the queue.

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::{Queue, Reason, SpanMetrics};
use crate::Metrics;

/// The result of a read.
#[derive(Debug, PartialEq)]
pub(in crate::trace) enum Taken {
    /// Spans to export; none when the time passed without one.
    Spans(Vec<SpanData>),
    /// The process stops, and nothing is left.
    Closed,
}

impl Queue {
    /// Waits `interval` for spans to gather (not when the process stops), and takes up to `most` of them.
    pub(in crate::trace) fn take(&self, interval: Duration, most: usize) -> Taken {
        let mut state = self.state.lock();
        if !state.closed && state.spans.len() < most {
            self.closing.wait_for(&mut state, interval);
        }
        if state.closed && state.spans.is_empty() {
            return Taken::Closed;
        }
        let count = state.spans.len().min(most);
        Taken::Spans(state.spans.drain(..count).collect())
    }

    /// Takes no span any more, and wakes the reader for the last ones.
    pub(in crate::trace) fn close(&self) {
        self.state.lock().closed = true;
        self.closing.notify_all();
    }

    /// Drops what waits, and counts it.
    pub(in crate::trace) fn abandon(&self) {
        let left = std::mem::take(&mut self.state.lock().spans);
        self.metrics.drop("shutdown", left.len());
    }
}

impl SpanMetrics {
    pub(in crate::trace) fn register(metrics: &Metrics) -> Self {
        Self {
            dropped: metrics.register(
                "trace_spans_dropped",
                "Spans that were not exported, by reason",
                Family::<Reason, Counter>::default(),
            ),
        }
    }

    pub(in crate::trace) fn dropped(&self, reason: &'static str) -> u64 {
        self.dropped.get_or_create(&Reason { reason }).get()
    }
}
