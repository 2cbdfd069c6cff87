//! One hop of a trace, with its times as they were measured.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::TraceContext;
use super::queue::Queue;
use crate::Clock;
use crate::clock::Timestamp;

/// Links that one span may carry; further ones are counted in its `dropped_links_count`.
const MAX_LINKS: usize = 128;

/// A span that has begun. It is exported when it ends; one that is dropped before is exported as abandoned.
#[derive(Debug)]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    queue: Arc<Queue>,
    clock: Clock,
    start: Timestamp,
    data: SpanData,
}

impl Span {
    pub(super) fn begin(
        queue: Arc<Queue>,
        clock: Clock,
        scope: InstrumentationScope,
        name: &'static str,
        kind: SpanKind,
        parent: Option<TraceContext>,
        start: Timestamp,
    ) -> Self {
        // Zero ids are not valid; one bit set makes sure.
        let trace_id = parent.map_or_else(|| rand::random::<u128>() | 1, |parent| parent.trace_id);
        let context = TraceContext { trace_id, span_id: rand::random::<u64>() | 1, sampled: true };
        let data = SpanData {
            span_context: span_context(context, false),
            parent_span_id: parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.span_id)),
            parent_span_is_remote: parent.is_some(),
            span_kind: kind,
            name: Cow::Borrowed(name),
            start_time: start.system_time(),
            end_time: start.system_time(),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: scope,
        };
        Self(Some(Box::new(Open { queue, clock, start, data })))
    }

    /// Begins a span of the same process below this one, at a reading of the monotonic clock.
    #[must_use]
    pub fn child(&self, name: &'static str, kind: SpanKind, monotonic: Duration) -> Self {
        let open = self.open();
        let (parent, start) = (Some(self.context()), open.start.at(monotonic));
        let scope = open.data.instrumentation_scope.clone();
        let mut child = Self::begin(open.queue.clone(), open.clock.clone(), scope, name, kind, parent, start);
        child.open_mut().data.parent_span_is_remote = false;
        child
    }

    /// What names this span as the parent of others.
    pub fn context(&self) -> TraceContext {
        let context = &self.open().data.span_context;
        let (trace_id, span_id) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        TraceContext { trace_id: u128::from_be_bytes(trace_id), span_id: u64::from_be_bytes(span_id), sampled: true }
    }

    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.open().start
    }

    /// Renames it: for a server that knows the route only later.
    pub fn rename(&mut self, name: String) {
        self.open_mut().data.name = Cow::Owned(name);
    }

    /// Adds an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.open_mut().data.attributes.push(KeyValue::new(key, value));
    }

    /// Links another span, which is no parent of this one.
    pub fn link(&mut self, to: TraceContext) {
        let links = &mut self.open_mut().data.links;
        if links.links.len() < MAX_LINKS {
            links.links.push(Link::new(span_context(to, true), Vec::new(), 0));
        } else {
            links.dropped_count += 1;
        }
    }

    /// Marks it as failed, for a reason of a closed set.
    pub fn fail(&mut self, reason: &'static str) {
        self.set("error.type", reason);
        self.open_mut().data.status = Status::error(reason);
    }

    /// Ends it now.
    pub fn end(self) {
        let now = self.open().clock.monotonic();
        self.end_at(now);
    }

    /// Ends it at a reading of the monotonic clock.
    pub fn end_at(mut self, monotonic: Duration) {
        if let Some(open) = self.0.take() {
            open.export(monotonic);
        }
    }

    fn open(&self) -> &Open {
        self.0.as_deref().expect("open until it ends, which takes it")
    }

    fn open_mut(&mut self) -> &mut Open {
        self.0.as_deref_mut().expect("open until it ends, which takes it")
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.fail("abandoned");
        }
        if let Some(open) = self.0.take() {
            let now = open.clock.monotonic();
            open.export(now);
        }
    }
}

impl Open {
    fn export(mut self, monotonic: Duration) {
        self.data.end_time = self.start.at(monotonic.max(self.start.monotonic())).system_time();
        self.queue.push(self.data);
    }
}

/// Spans of several traces that are one piece of work, such as one flush that carries many states: each trace has its own,
/// the first links all others and they link the first.
#[derive(Debug, Default)]
pub struct Batch(Vec<Span>);

impl Batch {
    /// Adds the span of another trace.
    pub fn push(&mut self, mut span: Span) {
        match self.0.split_first_mut() {
            None => {}
            Some((first, _)) => {
                span.link(first.context());
                first.link(span.context());
            }
        }
        self.0.push(span);
    }

    /// Adds the span of another trace, where there is one.
    pub fn extend(&mut self, span: Option<Span>) {
        if let Some(span) = span {
            self.push(span);
        }
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing of it is traced.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, to be ended.
    pub fn into_spans(self) -> impl Iterator<Item = Span> {
        self.0.into_iter()
    }
}

fn span_context(context: TraceContext, is_remote: bool) -> SpanContext {
    let flags = if context.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace_id, span_id) = (TraceId::from(context.trace_id), SpanId::from(context.span_id));
    SpanContext::new(trace_id, span_id, flags, is_remote, TraceState::NONE)
}
