//! The spans of one record: `process`, and below it `decode`, `apply` and a `publish` for each output.

use bytes::Bytes;
use runtime::Clock;
use runtime::trace::{Span, SpanKind};
use schemas::id::DeviceAddress;
use streams::trace::{RecordTracer, TRACEPARENT, ending};
use streams::{Incoming, Outgoing, Receipt};

use crate::pipeline::alarm::Verdict;

/// The trace of a record while a core works on it.
#[derive(Debug)]
pub struct RecordTrace {
    process: Span,
    /// `decode`, then `apply`.
    step: Span,
    clock: Clock,
}

impl RecordTrace {
    /// Follows the trace of a record. `None`: it is not traced.
    pub(crate) fn begin(traces: &RecordTracer, record: &Incoming, clock: &Clock) -> Option<Self> {
        let process = traces.follow("process", record)?;
        let step = process.child("decode", SpanKind::Internal, process.start().monotonic());
        Some(Self { process, step, clock: clock.clone() })
    }

    /// The record is decoded: the core's work on it begins.
    pub fn decoded(&mut self) {
        let now = self.clock.monotonic();
        let apply = self.process.child("apply", SpanKind::Internal, now);
        std::mem::replace(&mut self.step, apply).end_at(now);
    }

    /// Adds the device and the receiver to the span.
    pub(crate) fn identify(&mut self, record: &Incoming, receiver: Option<&str>) {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default();
        if let Ok(device) = key.parse::<DeviceAddress>() {
            self.process.set("updraft.device", device.to_string());
        }
        if let Some(receiver) = receiver {
            self.process.set("updraft.receiver", receiver.to_owned());
        }
    }
}

/// How the outputs of a record are traced.
pub(crate) enum OutputTrace {
    /// Not traced.
    No,
    /// Each output has a span.
    Spans {
        /// The span of the work on the record.
        process: Span,
        /// For the start of each output's span.
        clock: Clock,
    },
    /// This process exports no spans: each output gets the header of the record, which names the nearest exported span.
    Forwarded(Bytes),
}

impl OutputTrace {
    /// The core's work on a record has ended.
    pub(crate) fn of(trace: Option<RecordTrace>, verdict: Verdict, record: &Incoming, traces: &RecordTracer) -> Self {
        let Some(RecordTrace { mut process, step, clock }) = trace else {
            let forwarded = (!traces.is_enabled()).then(|| record.headers.first(TRACEPARENT).cloned()).flatten();
            return forwarded.map_or(Self::No, Self::Forwarded);
        };
        step.end();
        if let Some(rejection) = verdict.rejection() {
            process.fail(rejection.reason);
        }
        Self::Spans { process, clock }
    }

    /// Adds the header to an output, and the end of its span to its receipt.
    pub(crate) fn trace(&self, traces: &RecordTracer, output: &mut Outgoing, receipt: Receipt) -> Receipt {
        match self {
            Self::No => receipt,
            Self::Forwarded(header) => {
                output.headers.set(TRACEPARENT, header.clone());
                receipt
            }
            Self::Spans { process, clock } => {
                ending(traces.send(process, "publish", output, clock.monotonic()), receipt)
            }
        }
    }

    /// All outputs are passed to the producer.
    pub(crate) fn end(self) {
        if let Self::Spans { process, .. } = self {
            process.end();
        }
    }
}
