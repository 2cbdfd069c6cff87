//! Spans on their way to an OTLP endpoint: one that answers, one that is not there, one that takes and never answers.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Result;
use harness::{OtlpReceiver, wait_until};
use runtime::trace::{Exporter, Service, Span, SpanKind, Tracer};
use runtime::{Clock, Metrics};

const SOON: Duration = Duration::from_secs(30);
const SERVICE: Service = Service { name: "glider", version: "1.2.3" };

fn span(tracer: &Tracer, clock: &Clock) -> Span {
    tracer.span("hop", SpanKind::Internal, None, clock.timestamp()).expect("there is an endpoint")
}

fn start(endpoint: &str) -> Result<(Exporter, Metrics, Clock)> {
    let (clock, metrics) = (Clock::system(), Metrics::new());
    let exporter = Exporter::start(endpoint, 1.0, SERVICE, &clock, &metrics)?;
    Ok((exporter, metrics, clock))
}

fn counted(metrics: &Metrics, line: &str) -> u64 {
    let text = metrics.to_text();
    let found = text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_process_sends_the_last_spans() -> Result<()> {
    let receiver = OtlpReceiver::start().await?;
    let (exporter, metrics, clock) = start(receiver.endpoint())?;
    let tracer = exporter.tracer().named("cockpit");
    let parent = span(&tracer, &clock);
    let context = parent.context();
    parent.child("inner", SpanKind::Internal, clock.monotonic()).end();
    parent.end();
    tokio::task::spawn_blocking(move || drop(exporter)).await?;

    let spans = receiver.spans()?;
    assert_eq!(spans.iter().map(|span| span.span.name.as_str()).collect::<Vec<_>>(), ["inner", "hop"]);
    for span in &spans {
        assert_eq!(span.trace_id(), format!("{:032x}", context.trace_id));
        assert_eq!((span.service.as_str(), span.scope.as_str()), ("glider", "cockpit"));
        assert_eq!(span.resource("service.version"), Some("1.2.3"));
        assert!(span.span.end_time_unix_nano >= span.span.start_time_unix_nano);
    }
    assert_eq!(spans[0].parent_id(), Some(format!("{:016x}", context.span_id)));
    assert_eq!(spans[1].parent_id(), None);
    assert_eq!(counted(&metrics, "fanet_trace_spans_exported_total"), 2);
    // What ends after the end is counted.
    span(&tracer, &clock).end();
    assert_eq!(counted(&metrics, "fanet_trace_spans_dropped_total{reason=\"shutdown\"}"), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_for_an_absent_endpoint_are_counted() -> Result<()> {
    let absent = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (exporter, metrics, clock) = start(&format!("http://{absent}"))?;
    span(&exporter.tracer(), &clock).end();
    let dropped = "fanet_trace_spans_dropped_total{reason=\"export_failed\"}";
    wait_until(SOON, "the span to be dropped", async || (counted(&metrics, dropped) == 1).then_some(())).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_endpoint_bounds_spans_and_shutdown() -> Result<()> {
    // The kernel accepts connections, and no program reads from them.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let (exporter, metrics, clock) = start(&format!("http://{}", silent.local_addr()?))?;
    let tracer = exporter.tracer();
    // More than the queue holds, even after the first request.
    for _ in 0..12_000 {
        span(&tracer, &clock).end();
    }
    let full = counted(&metrics, "fanet_trace_spans_dropped_total{reason=\"queue_full\"}");
    assert!((3_000..12_000).contains(&full), "{full}");
    // It returns although the endpoint never answers.
    tokio::task::spawn_blocking(move || drop(exporter)).await?;
    let left = counted(&metrics, "fanet_trace_spans_dropped_total{reason=\"shutdown\"}");
    assert!(left > 0, "{}", metrics.to_text());
    drop(silent);
    Ok(())
}

#[test]
fn an_endpoint_that_is_no_url_is_refused() {
    let error = start("not a url").map(drop).expect_err("it is none");
    assert!(format!("{error:#}").contains("invalid UPDRAFT_OTLP_ENDPOINT \"not a url\""), "{error:#}");
}
