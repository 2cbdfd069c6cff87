//! The bounded, non-blocking queue of ended spans to the exporter.

use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_sdk::trace::SpanData;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

#[cfg(feature = "otlp")]
mod reader;

#[cfg(feature = "otlp")]
pub(super) use reader::Taken;

/// Why spans were not exported, from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    reason: &'static str,
}

/// Counts spans that were not exported.
#[derive(Debug, Clone, Default)]
pub(super) struct SpanMetrics {
    dropped: Family<Reason, Counter>,
}

impl SpanMetrics {
    pub(super) fn drop(&self, reason: &'static str, count: usize) {
        self.dropped.get_or_create(&Reason { reason }).inc_by(count as u64);
    }
}

/// The queued spans. When it is full, a span is dropped and counted.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    /// Wakes the reader when the queue is closed.
    #[cfg(feature = "otlp")]
    closing: parking_lot::Condvar,
    pub(super) metrics: SpanMetrics,
}

#[derive(Debug, Default)]
struct State {
    spans: VecDeque<SpanData>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize, metrics: SpanMetrics) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            #[cfg(feature = "otlp")]
            closing: parking_lot::Condvar::new(),
            metrics,
        }
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
