use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use membership::ReportReader;
use runtime::trace::{TraceContext, Tracer};
use runtime::{Metrics, Readiness};
use streams::framing::FramingError;
use streams::trace::TRACEPARENT;
use streams::{Delivered, EmbeddedLog, EmbeddedSettings, Headers, NewTopic, SendRefused, StreamError};

use super::*;
use crate::pipeline::machine::CheckpointOrigin;
use crate::sinks::live::LiveUpdate;

/// Outputs every record unchanged; its checkpoint is its next offset.
struct Echo {
    next_offset: u64,
}

impl Machine for Echo {
    fn apply(&mut self, record: &Incoming, out: &mut Emission) {
        self.next_offset = record.offset + 1;
        out.records.push(Outgoing {
            topic: "outputs".into(),
            partition: Some(0),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: Headers::new(),
            timestamp_ms: 0,
        });
    }

    fn next_offset(&self) -> u64 {
        self.next_offset
    }

    fn clock_us(&self) -> u64 {
        0
    }

    fn checkpoint(&mut self) -> Vec<(String, Option<Bytes>)> {
        vec![("#".into(), Some(self.next_offset.to_string().into()))]
    }

    fn restore(&mut self, _: &Bytes) -> Result<CheckpointOrigin, FramingError> {
        Ok(CheckpointOrigin::ThisLog)
    }

    fn accepts_newer_parts(&self) -> bool {
        false
    }

    fn checkpoint_all(&mut self) {}

    fn live(&self, _: &mut Vec<LiveUpdate>) {}

    fn own_topics(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn newest(&self, _: &Arc<str>, _: &Bytes) -> Option<Outgoing> {
        None
    }
}

/// Passes the records to the test, which acknowledges them.
struct TestSink(mpsc::Sender<(Outgoing, Receipt)>);

#[async_trait]
impl Sink for TestSink {
    fn try_send(&self, record: Outgoing, receipt: Receipt) -> Result<(), SendRefused> {
        self.0.try_send((record, receipt)).expect("the test receives");
        Ok(())
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> Result<(), StreamError> {
        self.try_send(record, receipt).map_err(|refused| refused.error)
    }

    async fn flush(&self, _: Duration) -> Result<(), StreamError> {
        Ok(())
    }
}

/// A task of partition 0 of `inputs`, its reports and its outputs.
struct Rig {
    commands: mpsc::Sender<Command>,
    reports: ReportReader,
    outputs: mpsc::Receiver<(Outgoing, Receipt)>,
}

impl Rig {
    async fn start() -> Self {
        Self::traced(Tracer::disabled()).await
    }

    async fn traced(tracer: Tracer) -> Self {
        let log = EmbeddedLog::new(EmbeddedSettings::new(0));
        log.create_topics(&["inputs", "checkpoints"].map(|name| NewTopic::new(name, 1))).await.expect("created");
        let traces = RecordTracer::new(tracer, &log);
        let (commands, queue) = mpsc::channel(8);
        let (reports, events) = Reports::alone(TopicPartition::new("inputs", 0));
        let (sink, outputs) = mpsc::channel(8);
        let task = PartitionTask {
            partition: TopicPartition::new("inputs", 0),
            log: Arc::new(log),
            sink: Arc::new(TestSink(sink)),
            checkpoints: "checkpoints".into(),
            dead_letters: "dead-letters".into(),
            service: "test",
            alarm: Arc::new(RejectAlarm::new(
                Readiness::new(Clock::manual(0), &Metrics::new()).part("inputs"),
                Default::default(),
            )),
            epoch: "epoch".into(),
            machine: Arc::new(|_, _| Echo { next_offset: 0 }),
            live: None,
            clock: Clock::manual(0),
            traces,
            reports,
            metrics: GroupMetrics::register(&Metrics::new(), "test"),
        };
        tokio::spawn(task.run(queue));
        let mut rig = Self { commands, reports: events, outputs };
        assert!(matches!(rig.reported().await, TaskEvent::Restored { next_offset: None }));
        rig
    }

    async fn command(&self, command: Command) {
        self.commands.send(command).await.expect("the task runs");
    }

    async fn record(&self, offset: u64) {
        self.record_with(offset, Headers::new()).await;
    }

    async fn record_with(&self, offset: u64, headers: Headers) {
        let record = Incoming {
            topic: "inputs".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            key: Some(offset.to_string().into()),
            value: Some(Bytes::new()),
            headers,
        };
        self.command(Command::Records(vec![record])).await;
    }

    /// The task's next output: topic, key and value, and its receipt.
    async fn next(&mut self) -> ((String, String, String), Receipt) {
        let (record, receipt) = self.outputs.recv().await.expect("the task runs");
        let text = |bytes: Option<Bytes>| String::from_utf8(bytes.unwrap_or_default().into()).expect("text");
        ((record.topic.to_string(), text(record.key), text(record.value)), receipt)
    }

    async fn reported(&mut self) -> TaskEvent {
        self.reports.next().await.expect("the task runs")
    }
}

fn output(key: &str) -> (String, String, String) {
    ("outputs".into(), key.into(), String::new())
}

fn part(next_offset: &str) -> (String, String, String) {
    ("checkpoints".into(), "#".into(), next_offset.into())
}

fn answer(receipt: Receipt) {
    receipt.answer(Ok(Delivered { partition: 0, offset: 0 }));
}

#[tokio::test]
async fn records_are_applied_while_a_checkpoint_waits() {
    let mut rig = Rig::start().await;
    rig.record(0).await;
    rig.command(Command::Checkpoint).await;
    rig.record(1).await;
    let (first, before) = rig.next().await;
    let (second, after) = rig.next().await;
    assert_eq!((first, second), (output("0"), output("1")), "nothing is acknowledged yet");
    // The checkpoint does not wait for outputs after it.
    answer(after);
    rig.record(2).await;
    let (third, last) = rig.next().await;
    assert_eq!(third, output("2"));
    answer(before);
    let (written, receipt) = rig.next().await;
    assert_eq!(written, part("1"), "the state of the core at the command");
    answer(receipt);
    assert!(matches!(rig.reported().await, TaskEvent::Checkpointed { next_offset: Some(1) }));
    answer(last);
}

#[tokio::test]
async fn a_checkpoint_waits_for_the_previous_one() {
    let mut rig = Rig::start().await;
    rig.record(0).await;
    rig.command(Command::Checkpoint).await;
    rig.command(Command::Checkpoint).await;
    rig.record(1).await;
    let (_, receipt) = rig.next().await;
    answer(receipt);
    let (written, receipt) = rig.next().await;
    assert_eq!(written, part("1"));
    answer(receipt);
    assert!(matches!(rig.reported().await, TaskEvent::Checkpointed { next_offset: Some(1) }));
    // Both continue.
    let mut written = Vec::new();
    for _ in 0..2 {
        let (record, receipt) = rig.next().await;
        written.push(record);
        answer(receipt);
    }
    written.sort();
    assert_eq!(written, [part("1"), output("1")]);
    assert!(matches!(rig.reported().await, TaskEvent::Checkpointed { next_offset: Some(1) }));
}

const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn header(record: &Outgoing) -> Option<String> {
    record.headers.first(TRACEPARENT).map(|header| String::from_utf8_lossy(header).into_owned())
}

#[tokio::test]
async fn outputs_name_the_span_that_publishes_them() {
    let (tracer, recorded) = Tracer::recorded(&Clock::manual(0), 0.0);
    let mut rig = Rig::traced(tracer).await;
    rig.record_with(0, Headers::new().with(TRACEPARENT, SENT)).await;
    let (record, receipt) = rig.outputs.recv().await.expect("the task runs");
    answer(receipt);
    // The record is done when the next one comes.
    rig.record(1).await;
    let (untraced, receipt) = rig.outputs.recv().await.expect("the task runs");
    answer(receipt);
    assert_eq!(header(&untraced), None);
    let spans = recorded.take();
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("exported");
    let (process, publish) = (named("process"), named("publish"));
    assert_eq!(process.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(publish.parent_span_id, process.span_context.span_id());
    let context = TraceContext::parse(header(&record).expect("traced").as_bytes()).expect("valid");
    assert_eq!(publish.span_context.span_id(), context.span_id.into());
    assert_eq!(spans.iter().filter(|span| span.parent_span_id == process.span_context.span_id()).count(), 2);
}

#[tokio::test]
async fn without_an_endpoint_the_header_is_passed_on() {
    let mut rig = Rig::start().await;
    rig.record_with(0, Headers::new().with(TRACEPARENT, SENT)).await;
    let (record, receipt) = rig.outputs.recv().await.expect("the task runs");
    answer(receipt);
    assert_eq!(header(&record).as_deref(), Some(SENT));
}
