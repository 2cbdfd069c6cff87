//! The complete group on the raw topic, on an embedded log: kills and rebalances do not change the outputs.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outcome::Environment;
use processor::{CoreOptions, GroupOptions, RedisOptions};
use prost::Message as _;
use runtime::{Clock, Context};
use schemas::id::DeviceAddress;
use schemas::v1::command::{Action, Erase};
use schemas::v1::raw_record::Input;
use schemas::v1::{AircraftState, Command, RawRecord};
use streams::framing;
use streams::registry::Schemas;
use streams::{
    Cluster, EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, Incoming, Log, NewTopic, Outgoing, SeekTo,
    SinkSettings, TopicPartition,
};
use tokio::runtime::Runtime;
use traffic::{Dice, Plan, START_US};

const PLAN: Plan = Plan { devices: 60, seconds: 240, receivers: 3, seed: 7, start_us: START_US };

fn log() -> EmbeddedLog {
    EmbeddedLog::new(EmbeddedSettings {
        // Nothing is compacted away: every record that was ever written is compared.
        max_bytes_per_partition: 1 << 30,
        ..EmbeddedSettings::new(1_000)
    })
}

fn environment(log: &EmbeddedLog) -> Environment {
    Environment { log: Arc::new(log.clone()), prefix: String::new(), schemas: Schemas::local() }
}

/// One process; it ends without leaving the group.
fn start(log: &EmbeddedLog) -> (Runtime, Context) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log.clone()));
    let group = GroupOptions { checkpoint_interval: Duration::from_millis(15), max_batch_records: 50 };
    runtime.spawn(processor::serve(CoreOptions::default(), group, RedisOptions::none(), cluster, context.clone()));
    (runtime, context)
}

/// Waits until there are so many observations, or for half a second: towards the end there may be no more.
async fn wait(environment: &Environment, observations: usize) {
    let _ = tokio::time::timeout(Duration::from_millis(500), environment.until_observed(observations)).await;
}

#[test]
fn kills_at_any_point_change_no_output() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    let environment = environment(&log);
    test.block_on(environment.fill(PLAN));
    let expected = test.block_on(environment.expected());
    assert!(expected.len() > 10_000, "{}", expected.len());
    let mut dice = Dice::new(11);
    for _ in 0..12 {
        let (process, _) = start(&log);
        let so_far = test.block_on(environment.read_all("fanet.observation.v1")).len();
        test.block_on(wait(&environment, so_far + dice.below(1_500) as usize));
        process.shutdown_background();
    }
    let (process, _) = start(&log);
    test.block_on(environment.until_written(&expected));
    process.shutdown_background();
    // The kills had an effect: some observations were published again.
    let observations = test.block_on(environment.read_all("fanet.observation.v1"));
    let distinct = expected.iter().filter(|output| output.0 == "fanet.observation.v1").count();
    assert!(observations.len() > distinct, "{} of {distinct}", observations.len());
}

#[test]
fn rebalances_change_no_output() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    let environment = environment(&log);
    test.block_on(environment.fill(Plan { seed: 8, ..PLAN }));
    let expected = test.block_on(environment.expected());
    let mut processes = vec![start(&log)];
    for step in 1..6 {
        test.block_on(wait(&environment, step * 300));
        // A member joins, and every second time the oldest leaves the group and ends.
        processes.push(start(&log));
        if step % 2 == 0 {
            let (process, context) = processes.remove(0);
            context.shutdown.request();
            // It flushes and commits before its runtime ends.
            process.shutdown_timeout(Duration::from_secs(5));
        }
    }
    test.block_on(environment.until_written(&expected));
    processes.into_iter().for_each(|(process, _)| process.shutdown_background());
}

/// Writes records as a former owner that was frozen.
async fn write_late(log: &EmbeddedLog, records: Vec<Outgoing>) {
    let (sink, flush) = (log.sink(SinkSettings::new("late")).expect("a sink"), Flush::new());
    for record in records {
        sink.send(record, flush.receipt()).await.expect("sent");
    }
    flush.wait().await.expect("written");
}

/// Writes commands that erase devices.
async fn erase(log: &EmbeddedLog, devices: &[Bytes]) {
    let raw = schemas::catalogue::find("fanet.raw.v1").expect("in the catalogue");
    let codec = Schemas::local().prepare("", &raw).await.expect("a codec");
    let command = |key: &Bytes| {
        let DeviceAddress(device) = std::str::from_utf8(key).expect("text").parse().expect("an address");
        let action = Some(Action::Erase(Erase {}));
        let erase = Command { command_id: "erase".into(), device, action, ..Command::default() };
        let input = Some(Input::Command(erase));
        let record = RawRecord { ingested_at_us: PLAN.start_us + 300_000_000, input, ..RawRecord::default() };
        Outgoing {
            topic: "fanet.raw.v1".into(),
            partition: None,
            key: Some(key.clone()),
            value: Some(codec.encode(&record)),
            headers: Headers::new(),
            timestamp_ms: 0,
        }
    };
    write_late(log, devices.iter().map(command).collect()).await;
}

fn repeated(record: &Incoming) -> Outgoing {
    Outgoing {
        topic: record.topic.clone(),
        partition: Some(record.partition),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record.headers.clone(),
        timestamp_ms: record.timestamp_ms,
    }
}

fn newest_of(records: &[Incoming]) -> HashMap<Bytes, &Incoming> {
    records.iter().filter_map(|record| Some((record.key.clone()?, record))).collect()
}

/// The state and version of a record, without the receivers: a state that is published again has also those of copies that
/// came after it was first published.
fn content(record: &Incoming) -> (Option<AircraftState>, Option<Bytes>) {
    let value = record.value.as_ref().map(|value| {
        let framed = framing::decode(value).expect("framed");
        let state = AircraftState::decode(framed.payload).expect("a state");
        AircraftState { received_by: Vec::new(), ..state }
    });
    (value, record.headers.first("version").cloned())
}

#[test]
fn late_writes_of_a_former_owner_are_outranked() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    let environment = environment(&log);
    test.block_on(environment.fill(Plan { seed: 10, ..PLAN }));
    let expected = test.block_on(environment.expected());
    let (process, _) = start(&log);
    test.block_on(environment.until_written(&expected));

    let (states, parts) = ("fanet.state.aircraft.v1", "fanet.processor-state.v1");
    // Some of them end.
    let written = test.block_on(environment.read_all(states));
    let erased: Vec<Bytes> = newest_of(&written).into_keys().take(5).collect();
    test.block_on(erase(&log, &erased));
    let ended = async || {
        let written = environment.read_all(states).await;
        let newest = newest_of(&written);
        erased.iter().all(|key| newest[key].value.is_none()).then_some(())
    };
    test.block_on(harness::wait_until(Duration::from_secs(30), "the ends", ended)).expect("erased");

    let (written, kept) =
        test.block_on(async { (environment.read_all(states).await, environment.read_all(parts).await) });
    let newest = newest_of(&written);
    // The first state of every aircraft, live or ended since; and checkpoints from the beginning.
    let old_state =
        |key: &Bytes| written.iter().find(|record| record.key.as_ref() == Some(key) && record.value.is_some());
    let outdated: Vec<&Incoming> = newest
        .iter()
        .filter_map(|(key, newest)| old_state(key).filter(|old| content(old) != content(newest)))
        .collect();
    let ended = outdated.iter().filter(|old| newest[old.key.as_ref().expect("a key")].value.is_none()).count();
    assert!(outdated.len() > 20 && ended > 0, "{} with {ended} ended", outdated.len());
    let old_parts = kept.iter().filter(|record| record.offset < 1_200);
    let late = outdated.iter().copied().chain(old_parts).map(repeated).collect();
    test.block_on(write_late(&log, late));

    let outranked = async || {
        let written = environment.read_all(states).await;
        let now = newest_of(&written);
        let is_right = |(key, before): (&Bytes, &&Incoming)| match before.value {
            Some(_) => content(now[key]) == content(before),
            None => now[key].value.is_none(),
        };
        let kept = environment.read_all(parts).await;
        let complete: HashMap<u32, u64> = own_parts(&kept);
        let are_complete = newest_of(&kept).values().all(|record| next_offset(record) <= complete[&record.partition]);
        let before = kept.iter().rev().find(|record| record.key.as_deref() == Some(b"#")).map(next_offset);
        (newest.iter().all(is_right) && are_complete && before > Some(1_000)).then_some(())
    };
    let waited = test.block_on(harness::wait_until(Duration::from_secs(30), "the newer states", outranked));
    waited.expect("published again");
    // The next owner begins at the offset of this one.
    process.shutdown_background();
    let before = test.block_on(environment.read_all("fanet.observation.v1")).len();
    let (process, context) = start(&log);
    let restored = async || {
        let text = context.metrics.to_text();
        text.contains("fanet_processor_restore_seconds_count 24").then_some(())
    };
    test.block_on(harness::wait_until(Duration::from_secs(30), "the next owner", restored)).expect("restored");
    process.shutdown_background();
    let again = test.block_on(environment.read_all("fanet.observation.v1")).len() - before;
    assert!(again < before / 10, "{again} of {before} were published again");
}

fn next_offset(record: &Incoming) -> u64 {
    let header = record.headers.first("next-offset");
    let next_offset = header.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    next_offset.expect("a checkpoint has its next offset")
}

/// The next offset of each partition's newest checkpoint.
fn own_parts(records: &[Incoming]) -> HashMap<u32, u64> {
    let own = records.iter().filter(|record| record.key.as_deref() == Some(b"#"));
    own.map(|record| (record.partition, next_offset(record))).collect()
}

#[test]
fn a_release_that_reads_nothing_continues() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    test.block_on(environment(&log).fill(Plan { devices: 1, seconds: 30, receivers: 1, seed: 9, start_us: START_US }));
    let garbage = |at: u32| Outgoing {
        topic: "fanet.raw.v1".into(),
        partition: Some(at % 24),
        key: Some("key".into()),
        value: Some("what an older release cannot read".into()),
        headers: Headers::new(),
        timestamp_ms: 1,
    };
    test.block_on(write_late(&log, (0..24_000).map(garbage).collect()));
    let (process, context) = start(&log);
    let metric = |name: &str| {
        let text = context.metrics.to_text();
        let of_reasons = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        of_reasons.filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok()).sum::<usize>()
    };
    let all = async || (metric("fanet_processor_rejected_total") >= 24_000).then_some(());
    let passed = harness::wait_until(Duration::from_secs(60), "all of them to be rejected", all);
    test.block_on(passed).expect("it continues");
    let letters = test.block_on(environment(&log).read_all("fanet.dead-letter.v1")).len();
    // 200 at once of each of 24 partitions, whose clocks stand still.
    assert!((200..=24 * 200 + 24).contains(&letters), "{letters} of 24,000 became dead letters");
    assert_eq!(metric("fanet_processor_dead_letters_withheld_total"), 24_000 - letters);
    process.shutdown_background();
}

#[test]
fn garbage_becomes_dead_letters() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    test.block_on(environment(&log).fill(Plan { devices: 1, seconds: 30, receivers: 1, seed: 9, start_us: START_US }));
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

#[tokio::test]
async fn topics_that_do_not_match_are_named() {
    let log = log();
    log.create_topics(&[NewTopic::new("fanet.raw.v1", 6)]).await.expect("created");
    log.create_topics(&[NewTopic::new("fanet.processor-state.v1", 24)]).await.expect("created");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log));
    let served =
        processor::serve(CoreOptions::default(), GroupOptions::default(), RedisOptions::none(), cluster, context);
    let error = format!("{:#}", served.await.expect_err("cannot work"));
    assert!(error.contains("fanet.raw.v1 has 6 partitions and fanet.processor-state.v1 has 24"), "{error}");
}
