//! The traces of frames and requests that an OTLP receiver gets from the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{OtlpReceiver, ReceivedSpan, Stage, wait_until};

use crate::flight::Flight;
use crate::watcher::Watcher;

const TIMEOUT: Duration = Duration::from_secs(90);
const REGION: &str = "lat=46.20&lon=13.60&radius=60";
const RECEIVER: &str = "8896672";

/// The spans of a frame on its path to the map: name, service, and parent.
const SPANS: [(&str, &str, Option<&str>); 8] = [
    ("receive", "bridge", None),
    ("log", "bridge", Some("receive")),
    ("process", "processor", Some("log")),
    ("decode", "processor", Some("process")),
    ("apply", "processor", Some("process")),
    ("publish", "processor", Some("process")),
    ("fold", "pusher", Some("publish")),
    ("flush", "pusher", Some("fold")),
];

async fn start(name: &str, receiver: &OtlpReceiver, ratio: &str) -> Result<Stage> {
    let settings = [("UPDRAFT_OTLP_ENDPOINT", receiver.endpoint()), ("UPDRAFT_TRACE_RATIO", ratio)];
    Stage::start_with(name, settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).await
}

/// Publishes two frames, after which the device is validated, and waits until a map client that connected before shows
/// the aircraft.
async fn fly(stage: &Stage, flight: &mut Flight) -> Result<Watcher> {
    let map = Watcher::start(&stage.pusher, REGION, &[])?;
    map.until(TIMEOUT, "the snapshot", |picture| picture.has("snapshot").then_some(())).await?;
    for _ in 0..2 {
        let index = flight.advance().await;
        stage.publish(&format!("fb/b/{RECEIVER}/f/1"), &flight.payload(index)).await?;
    }
    let address = flight.address();
    map.until(TIMEOUT, "the aircraft", |picture| picture.aircraft.contains_key(&address).then_some(())).await?;
    Ok(map)
}

/// The spans of one trace.
struct Trace(Vec<ReceivedSpan>);

impl Trace {
    /// Waits for the complete trace of the shown state: it has all spans of the path and all parents.
    async fn complete(receiver: &OtlpReceiver) -> Result<Self> {
        let found = wait_until(TIMEOUT, "a complete trace", async || {
            let spans = receiver.spans().ok()?;
            let flush = spans.iter().find(|span| span.span.name == "flush")?;
            let trace_id = flush.trace_id();
            let trace = Self(spans.into_iter().filter(|span| span.trace_id() == trace_id).collect());
            let complete = SPANS.iter().all(|(name, ..)| trace.0.iter().any(|span| span.span.name == *name));
            (complete && trace.missing_parents().is_empty()).then_some(trace)
        });
        found.await.with_context(|| {
            let spans = receiver.spans().unwrap_or_default();
            let line = |span: &ReceivedSpan| {
                let (name, parent) = (&span.span.name, span.parent_id().unwrap_or_default());
                format!("{} {name} {} {} below {parent:?}", span.service, span.trace_id(), span.span_id())
            };
            spans.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }

    /// Parent ids without an exported span.
    fn missing_parents(&self) -> Vec<String> {
        let known: BTreeSet<String> = self.0.iter().map(ReceivedSpan::span_id).collect();
        self.0.iter().filter_map(ReceivedSpan::parent_id).filter(|parent| !known.contains(parent)).collect()
    }

    /// The spans from the root to `flush`, by name, and the spans `decode` and `apply`.
    fn path(&self) -> Result<BTreeMap<&'static str, &ReceivedSpan>> {
        let by_id: BTreeMap<String, &ReceivedSpan> = self.0.iter().map(|span| (span.span_id(), span)).collect();
        let mut path = BTreeMap::new();
        let mut next = self.0.iter().find(|span| span.span.name == "flush");
        while let Some(span) = next {
            let (name, ..) = SPANS.iter().find(|(name, ..)| *name == span.span.name).context("a span of the path")?;
            ensure!(path.insert(*name, span).is_none(), "{name} is an ancestor of itself");
            next = span.parent_id().and_then(|parent| by_id.get(&parent).copied());
        }
        let process = path.get("process").context("flush has no ancestor process")?.span_id();
        for name in ["decode", "apply"] {
            let mut steps =
                self.0.iter().filter(|span| span.span.name == name && span.parent_id().as_ref() == Some(&process));
            path.insert(name, steps.next().with_context(|| format!("process has no child {name}"))?);
            ensure!(steps.next().is_none(), "expected one span {name}");
        }
        Ok(path)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_frame_is_one_trace_from_radio_to_map() -> Result<()> {
    let receiver = OtlpReceiver::start().await?;
    let stage = start("traces", &receiver, "1").await?;
    let mut flight = Flight::new(0x11_AA0E, (46.20, 13.60));
    let map = fly(&stage, &mut flight).await?;
    let trace = Trace::complete(&receiver).await?;
    let path = trace.path()?;

    for (name, service, parent) in SPANS {
        let span = path[name];
        assert_eq!((span.service.as_str(), span.scope.as_str()), (service, service), "{name}");
        assert!(span.resource("service.version").is_some_and(|version| !version.is_empty()), "{:?}", span.resource);
        assert_eq!(span.parent_id(), parent.map(|parent| path[parent].span_id()), "parent of {name}");
    }
    for span in &trace.0 {
        assert!(span.span.end_time_unix_nano >= span.span.start_time_unix_nano, "{span:?}");
        assert_eq!(span.attribute("error.type"), None, "{span:?}");
    }
    for (earlier, later) in SPANS.iter().zip(&SPANS[1..]) {
        let started = |(name, ..): &(&str, &str, Option<&str>)| path[name].span.start_time_unix_nano;
        assert!(started(earlier) <= started(later), "{} begins before {}", earlier.0, later.0);
    }
    let ended = |name: &str| path[name].span.end_time_unix_nano;
    assert!(ended("receive") <= ended("log") && ended("decode") <= ended("apply"));
    let roots = trace.0.iter().filter(|span| span.parent_id().is_none()).count();
    assert_eq!(roots, 1, "one root");
    for (name, attribute, value) in [
        ("receive", "messaging.system", "mqtt".to_owned()),
        ("receive", "messaging.destination.name", format!("fb/b/{RECEIVER}/f/1")),
        ("receive", "updraft.receiver", RECEIVER.to_owned()),
        ("receive", "updraft.device", flight.address()),
        ("log", "messaging.system", "kafka".to_owned()),
        ("log", "messaging.destination.name", format!("{}fanet.raw.v1", stage.prefix())),
        ("process", "updraft.device", flight.address()),
        ("process", "updraft.receiver", RECEIVER.to_owned()),
        ("publish", "messaging.destination.name", format!("{}fanet.state.aircraft.v1", stage.prefix())),
        ("fold", "messaging.kafka.message.key", flight.address()),
    ] {
        assert_eq!(path[name].attribute(attribute), Some(value), "{attribute} of {name}");
    }
    check_exported(&stage, &receiver, &trace.0[0].trace_id()).await?;
    map.end().await
}

/// Waits until every span that a record of the frame names is exported; batched records follow a little later.
async fn check_exported(stage: &Stage, receiver: &OtlpReceiver, trace_id: &str) -> Result<()> {
    let all = wait_until(TIMEOUT, "every span that a record names", async || {
        let known: BTreeSet<String> = receiver.spans().ok()?.iter().map(ReceivedSpan::span_id).collect();
        let named = spans_of_records(stage, trace_id).ok()?;
        named.is_subset(&known).then_some(())
    });
    all.await.with_context(|| format!("named: {:?}", spans_of_records(stage, trace_id)))
}

/// The span ids in the records of the frame: one per record, in every topic of the path.
fn spans_of_records(stage: &Stage, trace_id: &str) -> Result<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    for topic in ["fanet.raw.v1", "fanet.observation.v1", "fanet.reception.v1", "fanet.state.aircraft.v1"] {
        let mut of_frame = 0;
        for record in stage.topic(topic)? {
            let mut fields = record.header("traceparent").split('-').skip(1);
            let (of_trace, span_id) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            if of_trace == trace_id {
                of_frame += 1;
                ensure!(named.insert(span_id.to_owned()), "{span_id} wrote two records");
            }
        }
        ensure!(of_frame >= 1, "no record of the frame in {topic}");
    }
    Ok(named)
}

#[tokio::test(flavor = "multi_thread")]
async fn ratio_zero_exports_no_frames() -> Result<()> {
    let receiver = OtlpReceiver::start().await?;
    let stage = start("untraced", &receiver, "0").await?;
    let mut flight = Flight::new(0x11_AA0F, (46.20, 13.60));
    fly(&stage, &mut flight).await?;
    // A client's own trace is continued, which shows that the exporters work.
    let (trace_id, span_id) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let url = format!("{}/api/v1/snapshot?{REGION}", stage.pusher.http_url());
    let request = reqwest::Client::new().get(url).header("traceparent", format!("00-{trace_id}-{span_id}-01"));
    ensure!(request.send().await?.status() == 200, "the snapshot");
    for program in [&stage.bridge, &stage.processor, &stage.pusher] {
        let code = program.service().stop().await?;
        ensure!(code == 0, "{code}: {}", program.service().log_tail(30));
    }

    let spans = receiver.spans()?;
    let names: Vec<&str> = spans.iter().map(|span| span.span.name.as_str()).collect();
    assert_eq!(names, ["GET /api/v1/snapshot"], "expected no spans of frames");
    assert_eq!((spans[0].trace_id().as_str(), spans[0].parent_id().as_deref()), (trace_id, Some(span_id)));
    assert_eq!(spans[0].attribute("http.response.status_code").as_deref(), Some("200"));
    assert_eq!(spans[0].attribute("http.route").as_deref(), Some("/api/v1/snapshot"));
    let raw = stage.topic("fanet.raw.v1")?;
    assert!(raw.iter().all(|record| record.header("traceparent").is_empty()), "no record is traced");
    Ok(())
}
