use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::Clock;
use crate::clock::Timestamp;

const SECOND: Duration = Duration::from_secs(1);

fn begin(tracer: &Tracer, clock: &Clock) -> Span {
    tracer.span("hop", SpanKind::Internal, None, clock.timestamp()).expect("enabled")
}

fn took(span: &SpanData) -> Duration {
    span.end_time.duration_since(span.start_time).expect("never negative")
}

#[test]
fn without_an_endpoint_no_span_is_made() {
    let tracer = Tracer::disabled().named("part");
    let sampled = TraceContext { trace_id: 1, span_id: 2, sampled: true };
    assert!(!tracer.samples() && !tracer.is_enabled());
    assert!(tracer.span("hop", SpanKind::Internal, Some(sampled), Clock::manual(0).timestamp()).is_none());
    assert!(tracer.follow("hop", SpanKind::Internal, Some(sampled.to_string().as_bytes())).is_none());
}

#[test]
fn ratio_zero_begins_no_trace_and_follows_others() {
    let (tracer, recorded) = Tracer::recorded(&Clock::manual(0), 0.0);
    assert!((0..1_000).all(|_| !tracer.samples()));
    let sampled = TraceContext { trace_id: 1, span_id: 2, sampled: true };
    let follow = |context: TraceContext| {
        tracer.follow("hop", SpanKind::Consumer, Some(context.to_string().as_bytes())).map(Span::end)
    };
    assert!(follow(TraceContext { sampled: false, ..sampled }).is_none());
    assert!(tracer.follow("hop", SpanKind::Consumer, Some(b"00-1")).is_none());
    assert!(tracer.follow("hop", SpanKind::Consumer, None).is_none());
    assert!(recorded.take().is_empty());
    follow(sampled).expect("its sender is traced");
    assert_eq!(recorded.take()[0].parent_span_id, 2_u64.into());
}

#[test]
fn the_ratio_is_the_share_that_is_sampled() {
    let sampled = |ratio| {
        let (tracer, _) = Tracer::recorded(&Clock::manual(0), ratio);
        (0..10_000).filter(|_| tracer.samples()).count()
    };
    assert_eq!(sampled(1.0), 10_000);
    assert!((2_000..3_000).contains(&sampled(0.25)));
}

#[test]
fn setting_the_wall_clock_back_keeps_the_order() {
    let (tracer, recorded) = Tracer::recorded(&Clock::manual(0), 1.0);
    let start = Timestamp::new(Duration::from_secs(1_000), 50 * SECOND);
    let parent = tracer.span("hop", SpanKind::Internal, None, start).expect("enabled");
    let child = parent.child("inner", SpanKind::Internal, 52 * SECOND);
    assert_eq!(child.start(), Timestamp::new(Duration::from_secs(1_002), 52 * SECOND));
    assert_eq!(start.at(49 * SECOND), Timestamp::new(Duration::from_secs(999), 49 * SECOND));
    child.end_at(53 * SECOND);
    // An end before the start is none.
    parent.end_at(49 * SECOND);
    let spans = recorded.take();
    assert_eq!(spans.iter().map(took).collect::<Vec<_>>(), [SECOND, Duration::ZERO]);
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
    assert_eq!(spans[0].span_context.trace_id(), spans[1].span_context.trace_id());
}

#[test]
fn a_span_that_is_dropped_is_exported_as_abandoned() {
    let clock = Clock::manual(7);
    let (tracer, recorded) = Tracer::recorded(&clock, 1.0);
    let span = begin(&tracer, &clock);
    let context = span.context();
    clock.advance(SECOND);
    drop(span);
    let spans = recorded.take();
    assert_eq!(spans[0].span_context.span_id(), context.span_id.into());
    assert_eq!((took(&spans[0]), &spans[0].status), (SECOND, &Status::error("abandoned")));
}

#[test]
fn the_first_of_a_batch_links_all_and_they_link_it() {
    let clock = Clock::manual(0);
    let (tracer, recorded) = Tracer::recorded(&clock, 1.0);
    let mut batch = Batch::default();
    for _ in 0..200 {
        batch.push(begin(&tracer, &clock));
    }
    assert_eq!(batch.len(), 200);
    batch.into_spans().for_each(Span::end);
    let spans = recorded.take();
    let (first, others) = spans.split_first().expect("200");
    let id_of = |span: &SpanData| span.span_context.span_id();
    assert_eq!((first.links.links.len(), first.links.dropped_count), (128, 71), "bounded");
    assert!(first.links.iter().zip(others).all(|(link, other)| link.span_context.span_id() == id_of(other)));
    for other in others {
        let links: Vec<_> = other.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(links, [id_of(first)]);
    }
}
