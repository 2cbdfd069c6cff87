//! The group on the raw topic, whole, on the log of this process: whatever is killed, what comes out is the same.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use outcome::Place;
use processor::{CoreOptions, GroupOptions, Outfit, RedisOptions};
use runtime::{Clock, Context};
use streams::registry::Schemas;
use streams::{
    EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, Log, Outgoing, SeekTo, SinkSettings, TopicPartition,
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

fn place(log: &EmbeddedLog) -> Place<'_> {
    Place { log, prefix: String::new(), schemas: Schemas::local() }
}

/// One process: it ends without a goodbye.
fn start(log: &EmbeddedLog) -> (Runtime, Context) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let context = Context::new(Clock::system());
    let outfit = Outfit {
        context: context.clone(),
        log: Arc::new(log.clone()),
        schemas: Schemas::local(),
        topic_prefix: String::new(),
    };
    let group = GroupOptions { checkpoint_interval: Duration::from_millis(15), max_batch_records: 50 };
    runtime.spawn(processor::serve(CoreOptions::default(), group, RedisOptions::default(), outfit));
    (runtime, context)
}

/// Lets the group work until there are so many observations; towards the end there may be no more to wait for.
async fn work(place: &Place<'_>, observations: usize) {
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
