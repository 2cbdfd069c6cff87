//! The group on the raw topic, whole, on the log of this process: whatever is killed, what comes out is the same.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outcome::Place;
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

fn place(log: &EmbeddedLog) -> Place {
    Place { log: Arc::new(log.clone()), prefix: String::new(), schemas: Schemas::local() }
}

/// One process: it ends without a goodbye.
fn start(log: &EmbeddedLog) -> (Runtime, Context) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log.clone()));
    let group = GroupOptions { checkpoint_interval: Duration::from_millis(15), max_batch_records: 50 };
    runtime.spawn(processor::serve(CoreOptions::default(), group, RedisOptions::none(), cluster, context.clone()));
    (runtime, context)
}

/// Lets the group work until there are so many observations; towards the end there may be no more to wait for.
async fn work(place: &Place, observations: usize) {
    let _ = tokio::time::timeout(Duration::from_millis(500), place.until_observed(observations)).await;
}

#[test]
fn kills_at_any_point_change_nothing_of_what_comes_out() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    let place = place(&log);
    test.block_on(place.fill(PLAN));
    let expected = test.block_on(place.expected());
    assert!(expected.len() > 10_000, "{}", expected.len());
    let mut dice = Dice::new(11);
    for _ in 0..12 {
        let (process, _) = start(&log);
        let so_far = test.block_on(place.read_all("fanet.observation.v1")).len();
        test.block_on(work(&place, so_far + dice.below(1_500) as usize));
        process.shutdown_background();
    }
    let (process, _) = start(&log);
    test.block_on(place.until_written(&expected));
    process.shutdown_background();
    // The kills hit: some of it had to be given out again.
    let observations = test.block_on(place.read_all("fanet.observation.v1"));
    let distinct = expected.iter().filter(|told| told.0 == "fanet.observation.v1").count();
    assert!(observations.len() > distinct, "{} of {distinct}", observations.len());
}

#[test]
fn rebalances_change_nothing_of_what_comes_out() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    let place = place(&log);
    test.block_on(place.fill(Plan { seed: 8, ..PLAN }));
    let expected = test.block_on(place.expected());
    let mut processes = vec![start(&log)];
    for step in 1..6 {
        test.block_on(work(&place, step * 300));
        // Members come, and every second time the oldest goes, with a goodbye.
        processes.push(start(&log));
        if step % 2 == 0 {
            let (process, context) = processes.remove(0);
            context.shutdown.request();
            // It may use its time to flush; its runtime ends with it.
            process.shutdown_timeout(Duration::from_secs(5));
        }
    }
    test.block_on(place.until_written(&expected));
    processes.into_iter().for_each(|(process, _)| process.shutdown_background());
}

/// Writes records as somebody who was thought dead.
async fn write_late(log: &EmbeddedLog, records: Vec<Outgoing>) {
    let (sink, flush) = (log.sink(SinkSettings::new("late")).expect("a sink"), Flush::new());
    for record in records {
        sink.send(record, flush.receipt()).await.expect("sent");
    }
    flush.wait().await.expect("written");
}

/// Orders that devices be erased.
async fn erase(log: &EmbeddedLog, devices: &[Bytes]) {
    let raw = schemas::catalogue::find("fanet.raw.v1").expect("in the catalogue");
    let codec = Schemas::local().prepare("", &raw).await.expect("a codec");
    let order = |key: &Bytes| {
        let DeviceAddress(device) = std::str::from_utf8(key).expect("text").parse().expect("an address");
        let action = Some(Action::Erase(Erase {}));
        let command = Command { command_id: "erase".into(), device, action, ..Command::default() };
        let input = Some(Input::Command(command));
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
    write_late(log, devices.iter().map(order).collect()).await;
}

fn once_more(record: &Incoming) -> Outgoing {
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

/// What a record says, whenever it was written. Who heard the device is left out: copies of the frame that came after a
/// state was published are known when it is published again.
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
    let place = place(&log);
    test.block_on(place.fill(Plan { seed: 10, ..PLAN }));
    let expected = test.block_on(place.expected());
    let (process, _) = start(&log);
    test.block_on(place.until_written(&expected));

    let (states, parts) = ("fanet.state.aircraft.v1", "fanet.processor-state.v1");
    // Some of them end.
    let told = test.block_on(place.read_all(states));
    let erased: Vec<Bytes> = newest_of(&told).into_keys().take(5).collect();
    test.block_on(erase(&log, &erased));
    let ended = async || {
        let told = place.read_all(states).await;
        let newest = newest_of(&told);
        erased.iter().all(|key| newest[key].value.is_none()).then_some(())
    };
    test.block_on(harness::wait_until(Duration::from_secs(30), "the ends", ended)).expect("erased");

    let (told, kept) = test.block_on(async { (place.read_all(states).await, place.read_all(parts).await) });
    let newest = newest_of(&told);
    // The first state of every aircraft, which lives or has ended since; and checkpoints from the beginning.
    let old_state = |key: &Bytes| told.iter().find(|record| record.key.as_ref() == Some(key) && record.value.is_some());
    let outdated: Vec<&Incoming> = newest
        .iter()
        .filter_map(|(key, newest)| old_state(key).filter(|old| content(old) != content(newest)))
        .collect();
    let ended = outdated.iter().filter(|old| newest[old.key.as_ref().expect("a key")].value.is_none()).count();
    assert!(outdated.len() > 20 && ended > 0, "{} with {ended} ended", outdated.len());
    let old_parts = kept.iter().filter(|record| record.offset < 1_200);
    let late = outdated.iter().copied().chain(old_parts).map(once_more).collect();
    test.block_on(write_late(&log, late));

    let repaired = async || {
        let told = place.read_all(states).await;
        let now = newest_of(&told);
        let is_right = |(key, before): (&Bytes, &&Incoming)| match before.value {
            Some(_) => content(now[key]) == content(before),
            None => now[key].value.is_none(),
        };
        let kept = place.read_all(parts).await;
        let sealed: HashMap<u32, u64> = own_parts(&kept);
        let are_sealed = newest_of(&kept).values().all(|record| next_offset(record) <= sealed[&record.partition]);
        let before = kept.iter().rev().find(|record| record.key.as_deref() == Some(b"#")).map(next_offset);
        (newest.iter().all(is_right) && are_sealed && before > Some(1_000)).then_some(())
    };
    let waited = test.block_on(harness::wait_until(Duration::from_secs(30), "the repairs", repaired));
    waited.expect("repaired");
    // Whoever comes next begins where the owner is.
    process.shutdown_background();
    let before = test.block_on(place.read_all("fanet.observation.v1")).len();
    let (process, context) = start(&log);
    let restored = async || {
        let text = context.metrics.to_text();
        text.contains("fanet_processor_restore_seconds_count 24").then_some(())
    };
    test.block_on(harness::wait_until(Duration::from_secs(30), "the successor", restored)).expect("restored");
    process.shutdown_background();
    let again = test.block_on(place.read_all("fanet.observation.v1")).len() - before;
    assert!(again < before / 10, "{again} of {before} were given out again");
}

fn next_offset(record: &Incoming) -> u64 {
    let told = record.headers.first("next-offset").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    told.expect("a checkpoint says up to where it knows its input")
}

/// Up to where each partition's newest checkpoint knows its input.
fn own_parts(records: &[Incoming]) -> HashMap<u32, u64> {
    let own = records.iter().filter(|record| record.key.as_deref() == Some(b"#"));
    own.map(|record| (record.partition, next_offset(record))).collect()
}

#[test]
fn a_release_that_reads_nothing_goes_on() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    test.block_on(place(&log).fill(Plan { devices: 1, seconds: 30, receivers: 1, seed: 9, start_us: START_US }));
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
    let passed = harness::wait_until(Duration::from_secs(60), "all of it to be passed over", all);
    test.block_on(passed).expect("it goes on");
    let letters = test.block_on(place(&log).read_all("fanet.dead-letter.v1")).len();
    // 200 at once of each of 24 partitions, whose clocks stand still.
    assert!((200..=24 * 200 + 24).contains(&letters), "{letters} of 24,000 became dead letters");
    assert_eq!(metric("fanet_processor_dead_letters_withheld_total"), 24_000 - letters);
    process.shutdown_background();
}

#[test]
fn garbage_becomes_dead_letters_and_the_rest_goes_on() {
    let (test, log) = (Runtime::new().expect("a runtime"), log());
    test.block_on(place(&log).fill(Plan { devices: 1, seconds: 30, receivers: 1, seed: 9, start_us: START_US }));
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
async fn topics_that_do_not_match_are_told_by_name() {
    let log = log();
    log.create_topics(&[NewTopic::new("fanet.raw.v1", 6)]).await.expect("created");
    log.create_topics(&[NewTopic::new("fanet.processor-state.v1", 24)]).await.expect("created");
    let context = Context::new(Clock::system());
    let cluster = Cluster::in_process(Arc::new(log));
    let served =
        processor::serve(CoreOptions::default(), GroupOptions::default(), RedisOptions::none(), cluster, context);
    let told = format!("{:#}", served.await.expect_err("cannot work"));
    assert!(told.contains("fanet.raw.v1 has 6 partitions and fanet.processor-state.v1 has 24"), "{told}");
}
