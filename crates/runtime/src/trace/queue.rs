//! The bounded, non-blocking queue of ended spans to the exporter.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use parking_lot::{Condvar, Mutex};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::Metrics;

/// Why spans were not exported, from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    reason: &'static str,
}

/// What is counted of spans.
#[derive(Debug, Clone, Default)]
pub(super) struct SpanMetrics {
    pub(super) exported: Counter,
    pub(super) dropped: Family<Reason, Counter>,
}

impl SpanMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        Self {
            exported: metrics.register("trace_spans_exported", "Spans that the OTLP endpoint took", Counter::default()),
            dropped: metrics.register(
                "trace_spans_dropped",
                "Spans that were not exported, by reason",
                Family::<Reason, Counter>::default(),
            ),
        }
    }

    pub(super) fn drop(&self, reason: &'static str, count: usize) {
        self.dropped.get_or_create(&Reason { reason }).inc_by(count as u64);
    }

    pub(super) fn dropped(&self, reason: &'static str) -> u64 {
        self.dropped.get_or_create(&Reason { reason }).get()
    }
}

/// The queued spans. When it is full, a span is dropped and counted.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
    pub(super) metrics: SpanMetrics,
}

#[derive(Debug, Default)]
struct State {
    spans: VecDeque<SpanData>,
    closed: bool,
}

/// The result of a read.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// Spans to export; none when the time passed without one.
    Spans(Vec<SpanData>),
    /// The process stops, and nothing is left.
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: usize, metrics: SpanMetrics) -> Self {
        Self { capacity, state: Mutex::default(), changed: Condvar::new(), metrics }
    }

    /// Adds a span, or drops it.
    pub(super) fn push(&self, span: SpanData) {
        let mut state = self.state.lock();
        if state.closed || state.spans.len() >= self.capacity {
            let reason = if state.closed { "shutdown" } else { "queue_full" };
            drop(state);
            return self.metrics.drop(reason, 1);
        }
        state.spans.push_back(span);
    }

    /// Waits `interval` for spans to gather (not when the process stops), and takes up to `most` of them.
    pub(super) fn take(&self, interval: Duration, most: usize) -> Taken {
        let mut state = self.state.lock();
        if !state.closed && state.spans.len() < most {
            self.changed.wait_for(&mut state, interval);
        }
        if state.closed && state.spans.is_empty() {
            return Taken::Closed;
        }
        let count = state.spans.len().min(most);
        Taken::Spans(state.spans.drain(..count).collect())
    }

    /// Takes no span any more, and wakes the reader for the last ones.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Drops what waits, and counts it.
    pub(super) fn abandon(&self) {
        let left = std::mem::take(&mut self.state.lock().spans);
        self.metrics.drop("shutdown", left.len());
    }
}

/// The spans of a [`Tracer::recorded`](super::Tracer::recorded).
#[derive(Clone, Debug)]
pub struct Recorded(Arc<Queue>);

impl Recorded {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// The spans that have ended since the last call, in the order in which they ended.
    pub fn take(&self) -> Vec<SpanData> {
        self.0.state.lock().spans.drain(..).collect()
    }
}
