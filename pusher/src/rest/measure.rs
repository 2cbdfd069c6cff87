//! Middleware: measures the time of every request, and traces sampled requests.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use runtime::trace::{Span, SpanKind, TraceContext};
use streams::trace::TRACEPARENT;

use crate::app::App;
use crate::metrics;

/// The span of the request, as the parent of what it causes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestSpan(pub(super) TraceContext);

pub(super) async fn measure(State(app): State<App>, mut request: Request, next: Next) -> Response {
    // The pattern instead of the path: the number of label values must not depend on clients.
    let endpoint = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let span = begin(&app, &request, &endpoint);
    if let Some(span) = &span {
        request.extensions_mut().insert(RequestSpan(span.context()));
    }
    let started = app.context.clock.monotonic();
    let response = next.run(request).await;
    let ended = app.context.clock.monotonic();
    let status = response.status();
    if let Some(mut span) = span {
        span.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.fail(status.canonical_reason().unwrap_or("server error"));
        }
        span.end_at(ended);
    }
    let label = metrics::Request { endpoint, status: status.as_u16() };
    app.metrics.http_seconds.get_or_create(&label).observe(ended.saturating_sub(started).as_secs_f64());
    response
}

/// Continues the trace of the client, or begins one for a share of the requests.
fn begin(app: &App, request: &Request, endpoint: &str) -> Option<Span> {
    let tracer = &app.context.tracer;
    if !tracer.is_enabled() {
        return None;
    }
    let parent = request.headers().get(TRACEPARENT).and_then(|header| TraceContext::parse(header.as_bytes()));
    if parent.is_none() && !tracer.samples() {
        return None;
    }
    let mut span = tracer.span("request", SpanKind::Server, parent, app.context.clock.timestamp())?;
    span.rename(format!("{} {endpoint}", request.method()));
    span.set("http.request.method", request.method().to_string());
    span.set("http.route", endpoint.to_owned());
    // Without the query: it tells which region a person looks at.
    span.set("url.path", request.uri().path().to_owned());
    Some(span)
}
