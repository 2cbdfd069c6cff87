//! Sends ended spans to an OTLP endpoint, from a thread of its own.
//!
//! While the endpoint is unreachable only spans are lost: the queue is bounded, a batch that cannot be sent is dropped
//! and counted, and the log has one line at the begin and one at the end.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use futures::executor::block_on;
use opentelemetry::KeyValue;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use prometheus_client::metrics::counter::Counter;

use super::queue::{Queue, SpanMetrics, Taken};
use super::{Service, Tracer};
use crate::{Clock, Metrics};

/// Length of the queue of spans: some megabytes. Spans beyond it are dropped and counted.
const QUEUE_SPANS: usize = 8192;
/// Spans in one request.
const BATCH_SPANS: usize = 512;
/// How long spans are batched before they are sent.
const INTERVAL: Duration = Duration::from_secs(1);
/// One request may take so long; what it carried is then dropped.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of the process may wait for the last spans to be sent.
const FLUSH_DEADLINE: Duration = Duration::from_secs(3);

/// The exporting thread. Dropping it sends the remaining spans, within a time limit.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    tracer: Tracer,
    ended: Receiver<()>,
}

impl Exporter {
    /// Starts exporting to an endpoint, which need not answer yet. `ratio`: the share of the traces begun here that are
    /// recorded. `metrics` counts exported and dropped spans.
    ///
    /// # Errors
    /// The endpoint is no URL, or no thread can be started.
    pub fn start(
        endpoint: &str,
        ratio: f64,
        service: Service,
        clock: &Clock,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .with_context(|| {
                format!("invalid UPDRAFT_OTLP_ENDPOINT {endpoint:?}: expected the URL of an OTLP receiver, for example http://localhost:4318")
            })?;
        exporter.set_resource(&resource(service));
        let queue = Arc::new(Queue::new(QUEUE_SPANS, SpanMetrics::register(metrics)));
        let (end, ended) = sync_channel(1);
        let worker = Worker {
            exporter,
            endpoint: endpoint.to_owned(),
            queue: queue.clone(),
            exported: metrics.register("trace_spans_exported", "Spans that the OTLP endpoint took", Counter::default()),
            is_away: false,
            was_full: false,
        };
        let thread = std::thread::Builder::new().name("otlp".to_owned());
        thread
            .spawn(move || {
                worker.run();
                // The receiver is closed where the deadline has passed.
                let _ = end.send(());
            })
            .context("cannot start the thread that exports traces")?;
        let tracer = Tracer::into_queue(queue.clone(), clock.clone(), ratio);
        Ok(Self { queue, tracer, ended })
    }

    /// Begins the spans that are exported.
    pub fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.queue.close();
        if self.ended.recv_timeout(FLUSH_DEADLINE).is_err() {
            self.queue.abandon();
            let dropped = self.queue.metrics.dropped("shutdown");
            tracing::warn!(dropped, "the last spans could not be sent within {} s", FLUSH_DEADLINE.as_secs());
        }
    }
}

fn resource(service: Service) -> Resource {
    let instance = format!("{:032x}", rand::random::<u128>());
    Resource::builder()
        .with_service_name(service.name)
        .with_attribute(KeyValue::new("service.version", service.version))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

/// The state of the thread.
struct Worker {
    exporter: opentelemetry_otlp::SpanExporter,
    endpoint: String,
    queue: Arc<Queue>,
    exported: Counter,
    is_away: bool,
    was_full: bool,
}

impl Worker {
    fn run(mut self) {
        while let Taken::Spans(spans) = self.queue.take(INTERVAL, BATCH_SPANS) {
            if !spans.is_empty() {
                self.export(spans);
            }
            self.report_overflow();
        }
    }

    fn export(&mut self, spans: Vec<SpanData>) {
        let (count, metrics) = (spans.len(), &self.queue.metrics);
        match block_on(self.exporter.export(spans)) {
            Ok(()) => {
                self.exported.inc_by(count as u64);
                if std::mem::take(&mut self.is_away) {
                    let dropped = metrics.dropped("export_failed");
                    tracing::info!(endpoint = self.endpoint, dropped, "spans are exported again");
                }
            }
            Err(error) => {
                metrics.drop("export_failed", count);
                if !std::mem::replace(&mut self.is_away, true) {
                    let error = reason_of(&error);
                    tracing::warn!(
                        endpoint = self.endpoint,
                        error,
                        "spans cannot be exported and are dropped until the OTLP endpoint answers"
                    );
                }
            }
        }
    }

    /// Logs once that more is traced than can be sent.
    fn report_overflow(&mut self) {
        let dropped = self.queue.metrics.dropped("queue_full");
        if dropped > 0 && !std::mem::replace(&mut self.was_full, true) {
            tracing::warn!(
                dropped,
                "more spans than the OTLP endpoint {} takes, the rest is dropped: lower --trace-ratio",
                self.endpoint
            );
        }
    }
}

fn reason_of(error: &OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(reason) => reason.clone(),
        other => other.to_string(),
    }
}
