//! Which messages are traced, and the first two spans of their traces: `receive`, and `log` until the log has them.

use std::time::Duration;

use runtime::trace::{SpanKind, Tracer};
use runtime::{Clock, Context};
use schemas::id::DeviceAddress;
use streams::Log;
use streams::trace::RecordTracer;

use crate::in_flight::InFlightMessage;

/// Begins traces. The sampling decision of a frame is made only here.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    tracer: Tracer,
    records: RecordTracer,
    clock: Clock,
    prefixes: Vec<String>,
}

impl Traces {
    pub(crate) fn new(context: &Context, log: &dyn Log, prefixes: Vec<String>) -> Self {
        let tracer = context.tracer.named("bridge");
        Self { records: RecordTracer::new(tracer.clone(), log), tracer, clock: context.clock.clone(), prefixes }
    }

    /// Whether the next message is to be traced. Without an endpoint, or with a ratio of 0, one comparison.
    pub(crate) fn samples(&self) -> bool {
        self.tracer.samples()
    }

    /// Begins the trace of a message that goes to the raw topic, and names it in its record. `read_at`: when its bytes were
    /// read (monotonic).
    pub(crate) fn begin(&self, in_flight: &mut InFlightMessage, topic: &[u8], payload_bytes: usize, read_at: Duration) {
        if in_flight.dead_letter.is_some() {
            return;
        }
        let now = self.clock.timestamp();
        let Some(mut receive) = self.tracer.span("receive", SpanKind::Consumer, None, now.at(read_at)) else { return };
        receive.set("messaging.system", "mqtt");
        receive.set("messaging.operation.name", "receive");
        receive.set("messaging.operation.type", "receive");
        receive.set("messaging.destination.name", String::from_utf8_lossy(topic).into_owned());
        receive.set("messaging.message.body.size", i64::try_from(payload_bytes).unwrap_or(i64::MAX));
        let receiver = envelope::receiver_of(topic, &self.prefixes);
        receive.set("updraft.receiver", String::from_utf8_lossy(receiver).into_owned());
        let key = in_flight.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default();
        if let Ok(device) = key.parse::<DeviceAddress>() {
            receive.set("updraft.device", device.to_string());
        }
        in_flight.span = Some(self.records.send(&receive, "log", &mut in_flight.record, now.monotonic()));
        receive.end_at(now.monotonic());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use runtime::trace::TraceContext;
    use streams::trace::TRACEPARENT;
    use streams::{EmbeddedLog, EmbeddedSettings, Headers, Outgoing};

    use super::*;
    use crate::reject::Reject;

    const TOPIC: &[u8] = b"fb/b/8896672/f/1";

    fn in_flight(dead_letter: Option<Reject>) -> InFlightMessage {
        let record = Outgoing {
            topic: "raw".into(),
            partition: None,
            key: Some(Bytes::from_static(b"110B90")),
            value: Some(Bytes::new()),
            headers: Headers::new(),
            timestamp_ms: 0,
        };
        InFlightMessage { record, received_at: Duration::ZERO, dead_letter, span: None }
    }

    fn traces(tracer: Tracer, clock: &Clock) -> Traces {
        let context = Context { tracer, ..Context::new(clock.clone()) };
        Traces::new(&context, &EmbeddedLog::new(EmbeddedSettings::new(0)), vec!["fb/b".to_owned()])
    }

    #[test]
    fn the_record_names_the_span_that_logs_it() {
        let clock = Clock::manual(5_000);
        let (tracer, recorded) = Tracer::recorded(&clock, 1.0);
        let (traces, mut in_flight) = (traces(tracer, &clock), in_flight(None));
        assert!(traces.samples());
        traces.begin(&mut in_flight, TOPIC, 23, Duration::from_micros(4_000));
        let log = in_flight.span.take().expect("traced");
        let header = in_flight.record.headers.first(TRACEPARENT).expect("set");
        assert_eq!(TraceContext::parse(header), Some(log.context()));
        log.end();
        let spans = recorded.take();
        assert_eq!(spans.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["receive", "log"]);
        assert_eq!(spans[1].parent_span_id, spans[0].span_context.span_id());
        let took = spans[0].end_time.duration_since(spans[0].start_time).expect("not negative");
        assert_eq!(took, Duration::from_micros(1_000), "since its bytes were read");
        assert_eq!(spans[0].end_time, spans[1].start_time);
        let receiver = spans[0].attributes.iter().find(|pair| pair.key.as_str() == "updraft.receiver");
        assert_eq!(receiver.map(|pair| pair.value.to_string()).as_deref(), Some("8896672"));
    }

    #[test]
    fn ratio_zero_and_no_endpoint_trace_nothing() {
        let clock = Clock::manual(0);
        let (tracer, recorded) = Tracer::recorded(&clock, 0.0);
        for tracer in [tracer, Tracer::disabled()] {
            assert!(!traces(tracer, &clock).samples());
        }
        assert!(recorded.take().is_empty());
    }

    #[test]
    fn dead_letters_are_not_traced() {
        let clock = Clock::manual(0);
        let (tracer, recorded) = Tracer::recorded(&clock, 1.0);
        let mut in_flight = in_flight(Some(Reject::PayloadTooShort));
        traces(tracer, &clock).begin(&mut in_flight, TOPIC, 3, Duration::ZERO);
        assert!(in_flight.span.is_none() && in_flight.record.headers.is_empty());
        assert!(recorded.take().is_empty());
    }
}
