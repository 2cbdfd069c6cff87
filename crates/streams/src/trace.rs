//! Spans of records, with the attributes that OpenTelemetry's conventions for messaging name.
//!
//! A record whose cause is traced has a `traceparent` header, which names the span of writing it. A reader of the
//! record begins its own span below that one.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::clock::Timestamp;
use runtime::trace::{Span, SpanKind, TraceContext, Tracer};

use crate::{Acknowledge, Delivered, DeliveryError, Incoming, Log, Outgoing, Receipt};

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// Begins the spans of the records of one log.
#[derive(Clone, Debug)]
pub struct RecordTracer {
    tracer: Tracer,
    /// `messaging.system`.
    system: &'static str,
}

impl RecordTracer {
    /// Creates spans with this tracer for records of this log.
    pub fn new(tracer: Tracer, log: &dyn Log) -> Self {
        Self { tracer, system: log.system() }
    }

    /// Whether spans are exported. Where they are not, a forwarded record keeps the header that it arrived with, since
    /// that header names the nearest exported span.
    pub fn is_enabled(&self) -> bool {
        self.tracer.is_enabled()
    }

    /// Begins the span of processing a record. `None`: the record is not traced, or no spans are exported.
    pub fn follow(&self, name: &'static str, record: &Incoming) -> Option<Span> {
        if !self.tracer.is_enabled() {
            return None;
        }
        let header = record.headers.first(TRACEPARENT)?;
        let mut span = self.tracer.follow(name, SpanKind::Consumer, Some(header))?;
        self.describe(&mut span, name, "process", &record.topic);
        span.set("messaging.destination.partition.id", record.partition.to_string());
        span.set("messaging.kafka.offset", record.offset.cast_signed());
        set_key(&mut span, record.key.as_deref());
        Some(span)
    }

    /// Begins the span of writing a record as a child of `cause`, and sets the record's header.
    pub fn send(&self, cause: &Span, name: &'static str, record: &mut Outgoing, monotonic: Duration) -> Span {
        let span = cause.child(name, SpanKind::Producer, monotonic);
        self.write(span, name, record)
    }

    /// Like [`RecordTracer::send`] for a cause whose span was begun elsewhere. `None`: no spans are exported.
    pub fn send_below(
        &self,
        cause: TraceContext,
        name: &'static str,
        record: &mut Outgoing,
        start: Timestamp,
    ) -> Option<Span> {
        let span = self.tracer.span(name, SpanKind::Producer, Some(cause), start)?;
        Some(self.write(span, name, record))
    }

    fn write(&self, mut span: Span, name: &'static str, record: &mut Outgoing) -> Span {
        self.describe(&mut span, name, "send", &record.topic);
        set_key(&mut span, record.key.as_deref());
        if let Some(value) = &record.value {
            span.set("messaging.message.body.size", i64::try_from(value.len()).unwrap_or(i64::MAX));
        }
        record.headers.set(TRACEPARENT, span.context().to_string());
        span
    }

    fn describe(&self, span: &mut Span, name: &'static str, kind: &'static str, topic: &Arc<str>) {
        span.set("messaging.system", self.system);
        span.set("messaging.operation.name", name);
        span.set("messaging.operation.type", kind);
        span.set("messaging.destination.name", topic.to_string());
    }
}

fn set_key(span: &mut Span, key: Option<&[u8]>) {
    if let Some(key) = key.and_then(|key| std::str::from_utf8(key).ok()) {
        span.set("messaging.kafka.message.key", key.to_owned());
    }
}

/// Adds the record's position, or the error, to the span of writing it. The caller ends the span.
pub fn record_outcome(span: &mut Span, outcome: &Result<Delivered, DeliveryError>) {
    match outcome {
        Ok(delivered) => {
            span.set("messaging.destination.partition.id", delivered.partition.to_string());
            span.set("messaging.kafka.offset", delivered.offset.cast_signed());
        }
        Err(error) => span.fail(error.reason()),
    }
}

/// A receipt that also ends the span of writing its record, at the time of the answer.
pub fn ending(span: Span, receipt: Receipt) -> Receipt {
    Receipt::new(Arc::new(Ending(Mutex::new(Some((span, receipt))))), 0)
}

struct Ending(Mutex<Option<(Span, Receipt)>>);

impl Acknowledge for Ending {
    fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
        let Some((mut span, receipt)) = self.0.lock().take() else { return };
        record_outcome(&mut span, &outcome);
        span.end();
        receipt.answer(outcome);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use runtime::Clock;

    use super::*;
    use crate::{EmbeddedLog, EmbeddedSettings, Headers};

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn incoming(traceparent: &str) -> Incoming {
        Incoming {
            topic: "in".into(),
            partition: 3,
            offset: 7,
            timestamp_ms: 0,
            key: Some(Bytes::from_static(b"110B90")),
            value: None,
            headers: Headers::new().with(TRACEPARENT, traceparent.to_owned()),
        }
    }

    fn outgoing() -> Outgoing {
        Outgoing {
            topic: "out".into(),
            partition: None,
            key: None,
            value: Some(Bytes::from_static(b"four")),
            headers: Headers::new().with(TRACEPARENT, SENT),
            timestamp_ms: 0,
        }
    }

    struct Answered(Mutex<Vec<Result<Delivered, DeliveryError>>>);

    impl Acknowledge for Answered {
        fn acknowledged(&self, _tag: u64, outcome: Result<Delivered, DeliveryError>) {
            self.0.lock().push(outcome);
        }
    }

    #[test]
    fn a_record_names_the_span_that_wrote_it() {
        let (clock, log) = (Clock::manual(5), EmbeddedLog::new(EmbeddedSettings::new(0)));
        let (tracer, recorded) = Tracer::recorded(&clock, 0.0);
        let traces = RecordTracer::new(tracer, &log);
        assert!(traces.follow("process", &incoming(&SENT.replace("-01", "-00"))).is_none());
        let span = traces.follow("process", &incoming(SENT)).expect("sampled");
        let mut record = outgoing();
        let sent = traces.send(&span, "publish", &mut record, clock.monotonic());
        let header = record.headers.first(TRACEPARENT).expect("set");
        assert_eq!(TraceContext::parse(header), Some(sent.context()));
        assert_eq!(record.headers.len(), 1, "the header is replaced");

        let answered = Arc::new(Answered(Mutex::default()));
        let receipt = ending(sent, Receipt::new(answered.clone(), 0));
        clock.advance(Duration::from_millis(2));
        receipt.answer(Ok(Delivered { partition: 1, offset: 9 }));
        assert_eq!(*answered.0.lock(), [Ok(Delivered { partition: 1, offset: 9 })]);
        span.end();
        let spans = recorded.take();
        assert_eq!(spans.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["publish", "process"]);
        assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
        assert_eq!(spans[1].parent_span_id.to_string(), "00f067aa0ba902b7");
        let attributes: Vec<String> =
            spans[0].attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
        for expected in ["messaging.system=updraft", "messaging.destination.name=out", "messaging.kafka.offset=9"] {
            assert!(attributes.iter().any(|known| known == expected), "{expected}: {attributes:?}");
        }
    }

    #[test]
    fn a_dropped_receipt_ends_its_span_as_failed() {
        let (clock, log) = (Clock::manual(5), EmbeddedLog::new(EmbeddedSettings::new(0)));
        let (tracer, recorded) = Tracer::recorded(&clock, 0.0);
        let traces = RecordTracer::new(tracer, &log);
        let span = traces.follow("process", &incoming(SENT)).expect("sampled");
        let sent = traces.send(&span, "publish", &mut outgoing(), clock.monotonic());
        drop(ending(sent, Receipt::ignored()));
        let spans = recorded.take();
        let failed = spans[0].attributes.iter().find(|pair| pair.key.as_str() == "error.type");
        assert_eq!(failed.map(|pair| pair.value.to_string()), Some(DeliveryError::Abandoned.reason().to_owned()));
    }
}
