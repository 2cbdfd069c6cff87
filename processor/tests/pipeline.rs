//! The group on the raw topic, whole, on the log of this process: whatever is killed, what comes out is the same.

#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use processor::core::Settings;
use processor::pipeline::{Emission, Machine as _};
use processor::raw::RawMachine;
use processor::sinks::topics::RawTopics;
use processor::{CoreOptions, GroupOptions, Outfit, RawMetrics, RedisOptions};
use runtime::{Clock, Context, Metrics};
use streams::registry::Schemas;
use streams::{
    EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, Incoming, Log, Outgoing, SeekTo, SinkSettings,
    TopicPartition, partitioner,
};
use tokio::runtime::Runtime;
use traffic::{Dice, Plan};

const PARTITIONS: u32 = 24;

/// What a record says, without what depends on when it was made.
type Told = (String, u32, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);

fn told(topic: &str, partition: u32, key: Option<&[u8]>, value: Option<&[u8]>, headers: &Headers) -> Told {
    let version = headers.first("version").map(|version| String::from_utf8_lossy(version).into_owned());
    (topic.to_owned(), partition, key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec), version)
}

const OUTPUTS: [&str; 9] = [
    "fanet.observation.v1",
    "fanet.private.observation.v1",
    "fanet.reception.v1",
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
    "fanet.thermal-report.v1",
];

fn outfit(log: &EmbeddedLog, context: Context) -> Outfit {
    Outfit { context, log: Arc::new(log.clone()), schemas: Schemas::local(), topic_prefix: String::new() }
}

/// The log with all topics, and the traffic in the raw one.
async fn filled_log(plan: Plan) -> EmbeddedLog {
    let log = EmbeddedLog::new(EmbeddedSettings {
        // Nothing is compacted away: every record that was ever written is compared.
        max_bytes_per_partition: 1 << 30,
        ..EmbeddedSettings::new(1_000)
    });
    processor::topics::create("", &log).await.expect("topics");
    let raw = schemas::catalogue::find("fanet.raw.v1").expect("in the catalogue");
    let codec = Schemas::local().prepare("", &raw).await.expect("a codec");
    let sink = log.sink(SinkSettings::new("test")).expect("a sink");
    let flush = Flush::new();
    for sent in traffic::records(plan) {
        let partitions = match &sent.key {
            Some(key) => vec![partitioner::partition_of(key.as_bytes(), PARTITIONS)],
            None => (0..PARTITIONS).collect(),
        };
        for partition in partitions {
            let record = Outgoing {
                topic: raw.name.as_str().into(),
                partition: Some(partition),
                key: sent.key.clone().map(Into::into),
                value: Some(codec.encode(&sent.record)),
                headers: Headers::new(),
                timestamp_ms: (sent.record.ingested_at_us / 1_000).cast_signed(),
            };
            sink.send(record, flush.receipt()).await.expect("sent");
        }
    }
    flush.wait().await.expect("written");
    log
}

/// All records of a topic as they are now.
async fn read_all(log: &EmbeddedLog, topic: &str) -> Vec<Incoming> {
    let partitions = schemas::catalogue::find(topic).expect("in the catalogue").partitions;
    let from: Vec<_> = (0..partitions).map(|at| (TopicPartition::new(topic, at), SeekTo::Beginning)).collect();
    let mut source = log.read(from).await.expect("a reader");
    let (mut records, mut caught_up) = (Vec::new(), 0);
    while caught_up < partitions {
        match source.next().await.expect("reads") {
            Event::Records(more) => records.extend(more),
            Event::CaughtUp(_) => caught_up += 1,
            _ => {}
        }
    }
    records
}

/// What the cores give out when nothing ever goes wrong.
async fn expected(log: &EmbeddedLog) -> BTreeSet<Told> {
    let context = Context::new(Clock::system());
    let part = context.readiness.part("registry");
    let topics =
        RawTopics::prepare(&context, &part, &Schemas::local(), "").await.expect("schemas").expect("not stopped");
    let (topics, metrics) = (Arc::new(topics), RawMetrics::register(&Metrics::new()));
    let mut machines: BTreeMap<u32, RawMachine> = BTreeMap::new();
    let mut out = Emission::default();
    for record in read_all(log, "fanet.raw.v1").await {
        let machine = machines.entry(record.partition).or_insert_with(|| {
            let (topics, metrics, clock) = (topics.clone(), metrics.clone(), Clock::system());
            RawMachine::new(record.partition, "epoch", Settings::default(), topics, clock, metrics)
        });
        machine.apply(&record, &mut out);
    }
    let partition_of = |record: &Outgoing| {
        let count = schemas::catalogue::find(&record.topic).expect("in the catalogue").partitions;
        record.partition.unwrap_or_else(|| partitioner::partition_of(record.key.as_deref().unwrap_or_default(), count))
    };
    let tell = |record: &Outgoing| {
        told(&record.topic, partition_of(record), record.key.as_deref(), record.value.as_deref(), &record.headers)
    };
    out.records.iter().map(tell).collect()
}

async fn written(log: &EmbeddedLog) -> BTreeSet<Told> {
    let mut all = BTreeSet::new();
    for topic in OUTPUTS {
        for record in read_all(log, topic).await {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            all.insert(told(topic, record.partition, key, value, &record.headers));
        }
    }
    all
}

fn group() -> GroupOptions {
    GroupOptions { checkpoint_interval: Duration::from_millis(15), max_batch_records: 50 }
}

/// One process: it ends without a goodbye.
fn start(log: &EmbeddedLog) -> (Runtime, Context) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let context = Context::new(Clock::system());
    let outfit = outfit(log, context.clone());
    runtime.spawn(processor::serve(CoreOptions::default(), group(), RedisOptions::default(), outfit));
    (runtime, context)
}

/// Waits until so many records are in the observation topic.
async fn until_observed(log: &EmbeddedLog, count: usize) {
    let from: Vec<_> =
        (0..PARTITIONS).map(|at| (TopicPartition::new("fanet.observation.v1", at), SeekTo::Beginning)).collect();
    let mut source = log.read(from).await.expect("a reader");
    let mut seen = 0;
    while seen < count {
        if let Event::Records(records) = source.next().await.expect("reads") {
            seen += records.len();
        }
    }
}

/// Waits until all that is expected is there.
async fn until_written(log: &EmbeddedLog, expected: &BTreeSet<Told>) -> BTreeSet<Told> {
    let mut source = log
        .read(
            OUTPUTS
                .iter()
                .flat_map(|topic| {
                    let partitions = schemas::catalogue::find(topic).expect("in the catalogue").partitions;
                    (0..partitions).map(|at| (TopicPartition::new(*topic, at), SeekTo::Beginning))
                })
                .collect(),
        )
        .await
        .expect("a reader");
    let mut missing = expected.clone();
    let all = async {
        while !missing.is_empty() {
            if let Event::Records(records) = source.next().await.expect("reads") {
                for record in records {
                    let (key, value) = (record.key.as_deref(), record.value.as_deref());
                    missing.remove(&told(&record.topic, record.partition, key, value, &record.headers));
                }
            }
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), all).await.is_err() {
        let some: Vec<_> = missing.iter().take(3).map(|told| (&told.0, told.1, &told.4)).collect();
        panic!("{} records are missing, for example {some:?}", missing.len());
    }
    written(log).await
}

const PLAN: Plan = Plan { devices: 60, seconds: 240, receivers: 3, seed: 7 };

#[test]
fn kills_at_any_point_change_nothing_of_what_comes_out() {
    let test = Runtime::new().expect("a runtime");
    let log = test.block_on(filled_log(PLAN));
    let expected = test.block_on(expected(&log));
    assert!(expected.len() > 10_000, "{}", expected.len());
    let mut dice = Dice::new(11);
    for _ in 0..12 {
        let (process, _) = start(&log);
        let more = dice.below(1_500) as usize;
        let so_far = test.block_on(read_all(&log, "fanet.observation.v1")).len();
        // The number of observations is bounded: towards the end there may be no more to wait for.
        let wait =
            async { tokio::time::timeout(Duration::from_millis(500), until_observed(&log, so_far + more)).await.ok() };
        test.block_on(wait);
        process.shutdown_background();
    }
    let (process, _) = start(&log);
    let written = test.block_on(until_written(&log, &expected));
    process.shutdown_background();
    let more: Vec<_> = written.difference(&expected).take(3).collect();
    assert!(more.is_empty(), "{} records too many, for example {more:?}", written.difference(&expected).count());
    // The kills hit: some of it had to be given out again.
    let observations = test.block_on(read_all(&log, "fanet.observation.v1"));
    let distinct = written.iter().filter(|told| told.0 == "fanet.observation.v1").count();
    assert!(observations.len() > distinct, "{} of {distinct}", observations.len());
}

#[test]
fn rebalances_change_nothing_of_what_comes_out() {
    let test = Runtime::new().expect("a runtime");
    let log = test.block_on(filled_log(Plan { seed: 8, ..PLAN }));
    let expected = test.block_on(expected(&log));
    let mut processes = vec![start(&log)];
    for step in 1..6 {
        test.block_on(async {
            tokio::time::timeout(Duration::from_millis(500), until_observed(&log, step * 300)).await.ok();
        });
        // Members come, and every second time the oldest goes, with a goodbye.
        processes.push(start(&log));
        if step % 2 == 0 {
            let (process, context) = processes.remove(0);
            context.shutdown.request();
            // It may use its time to flush; its runtime ends with it.
            process.shutdown_timeout(Duration::from_secs(5));
        }
    }
    let written = test.block_on(until_written(&log, &expected));
    processes.into_iter().for_each(|(process, _)| process.shutdown_background());
    let more: Vec<_> = written.difference(&expected).take(3).collect();
    assert!(more.is_empty(), "{} records too many, for example {more:?}", written.difference(&expected).count());
}

#[test]
fn garbage_becomes_dead_letters_and_the_rest_goes_on() {
    let test = Runtime::new().expect("a runtime");
    let log = test.block_on(filled_log(Plan { devices: 1, seconds: 30, receivers: 1, seed: 9 }));
    let garbage = ["", "x", "\u{0}\u{0}\u{0}\u{0}\u{2}\u{0}not a message"];
    test.block_on(async {
        let sink = log.sink(SinkSettings::new("test")).expect("a sink");
        let flush = Flush::new();
        for value in garbage {
            let record = Outgoing {
                topic: "fanet.raw.v1".into(),
                partition: Some(0),
                key: Some("key".into()),
                value: Some(value.into()),
                headers: Headers::new(),
                timestamp_ms: 1,
            };
            sink.send(record, flush.receipt()).await.expect("sent");
        }
        flush.wait().await.expect("written");
    });
    let (process, _) = start(&log);
    let letters = test.block_on(async {
        let from: Vec<_> =
            (0..6).map(|at| (TopicPartition::new("fanet.dead-letter.v1", at), SeekTo::Beginning)).collect();
        let mut source = log.read(from).await.expect("a reader");
        let mut letters = Vec::new();
        while letters.len() < garbage.len() {
            if let Event::Records(records) = source.next().await.expect("reads") {
                letters.extend(records);
            }
        }
        letters
    });
    process.shutdown_background();
    for (letter, value) in letters.iter().zip(garbage) {
        assert_eq!(letter.value.as_deref(), Some(value.as_bytes()));
        assert_eq!(letter.headers.first("source-topic").map(|topic| &topic[..]), Some(&b"fanet.raw.v1"[..]));
        assert!(letter.headers.first("reason").is_some() && letter.headers.first("source-offset").is_some());
    }
}
