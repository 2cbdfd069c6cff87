//! Decides what is traced, and begins spans.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::SpanKind;

use super::queue::{Queue, Recorded, SpanMetrics};
use super::{Span, TraceContext};
use crate::Clock;
use crate::clock::Timestamp;

/// Begins spans, where they are exported. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Enabled>>);

#[derive(Clone, Debug)]
struct Enabled {
    queue: Arc<Queue>,
    clock: Clock,
    /// Share of the traces begun here that are recorded, 0 to 1.
    ratio: f64,
    /// The part of the system that the spans are about.
    scope: InstrumentationScope,
}

impl Tracer {
    /// Records nothing.
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Records this share of the traces that begin here, and all of those that go on here, into a queue.
    pub(super) fn into_queue(queue: Arc<Queue>, clock: Clock, ratio: f64) -> Self {
        let scope = InstrumentationScope::builder("updraft").build();
        Self(Some(Arc::new(Enabled { queue, clock, ratio, scope })))
    }

    /// A tracer whose spans are kept for a test to look at.
    pub fn recorded(clock: &Clock, ratio: f64) -> (Self, Recorded) {
        let queue = Arc::new(Queue::new(1024, SpanMetrics::default()));
        (Self::into_queue(queue.clone(), clock.clone(), ratio), Recorded::new(queue))
    }

    /// The same, for spans of one part of the system: several parts may live in one process.
    #[must_use]
    pub fn named(&self, part: &'static str) -> Self {
        let named = |enabled: &Arc<Enabled>| {
            let scope = InstrumentationScope::builder(part).with_version(env!("CARGO_PKG_VERSION")).build();
            Arc::new(Enabled { scope, ..Enabled::clone(enabled) })
        };
        Self(self.0.as_ref().map(named))
    }

    /// Whether spans are exported at all.
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// The sampling decision for a trace that begins here. Asked once per trace: its spans in other programs follow it.
    pub fn samples(&self) -> bool {
        let ratio = self.0.as_ref().map_or(0.0, |enabled| enabled.ratio);
        ratio > 0.0 && rand::random::<f64>() < ratio
    }

    /// Begins a span: with a parent in another process, or without one as the root of a trace. `None`: nothing is
    /// exported, or the parent is not sampled.
    pub fn span(
        &self,
        name: &'static str,
        kind: SpanKind,
        parent: Option<TraceContext>,
        start: Timestamp,
    ) -> Option<Span> {
        let enabled = self.0.as_ref()?;
        if parent.is_some_and(|parent| !parent.sampled) {
            return None;
        }
        Some(Span::begin(
            enabled.queue.clone(),
            enabled.clock.clone(),
            enabled.scope.clone(),
            name,
            kind,
            parent,
            start,
        ))
    }

    /// Counts spans that are not made, for a reason of a closed set: some bound was reached.
    pub fn count_dropped(&self, reason: &'static str, count: usize) {
        if let Some(enabled) = self.0.as_ref().filter(|_| count > 0) {
            enabled.queue.metrics.drop(reason, count);
        }
    }

    /// Begins a span where a `traceparent` says that its sender is traced. Without one, and without an endpoint, this
    /// reads no clock.
    pub fn follow(&self, name: &'static str, kind: SpanKind, traceparent: Option<&[u8]>) -> Option<Span> {
        let enabled = self.0.as_ref()?;
        let parent = TraceContext::parse(traceparent?)?;
        self.span(name, kind, Some(parent), enabled.clock.timestamp())
    }
}
