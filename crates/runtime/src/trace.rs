//! Traces of single frames and requests: OpenTelemetry spans, exported over OTLP.
//!
//! A [`Tracer`] without an endpoint costs one branch: it makes no span, so nothing is allocated, locked or timed. With one,
//! a [`Span`] is a heap value of the frame or request that it belongs to. An ended span goes into a bounded queue, from
//! which a thread of its own exports (`exporter`): no caller waits for the endpoint.
//!
//! Every [`TraceContext`] that leaves the process names a span of this process that is exported, whether it is ended or
//! dropped.

mod context;
#[cfg(feature = "otlp")]
mod exporter;
mod queue;
mod service;
mod span;
mod tracer;

pub use context::TraceContext;
#[cfg(feature = "otlp")]
pub use exporter::Exporter;
pub use opentelemetry::Value;
pub use opentelemetry::trace::SpanKind;
pub use queue::Recorded;
pub use service::Service;
pub use span::{Batch, Span};
pub use tracer::Tracer;

#[cfg(test)]
mod tests;
