//! The group on the raw topic as processes on a real Kafka: killed in mid-stream, what comes out is the same.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use harness::{NOTHING, Stack, check_log, unique_prefix};
use outcome::Place;
use streams::registry::Schemas;
use streams::{KafkaLog, KafkaSettings};
use tempfile::NamedTempFile;
use traffic::{Dice, Plan};

const KILLS: usize = 6;

/// With the file that takes its log.
struct Processor(Child, NamedTempFile);

impl Processor {
    fn start(bootstrap: &str, registry: &str, prefix: &str) -> Self {
        let log = NamedTempFile::new().expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_processor"))
            .args(["run", "--redis-url", "none", "--checkpoint-interval", "200ms", "--max-batch-records", "100"])
            .args(["--kafka-bootstrap", bootstrap, "--schema-registry-url", registry, "--topic-prefix", prefix])
            .args(["--admin-listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().expect("is open"))
            .spawn();
        Self(child.expect("the processor starts"), log)
    }
}

impl Processor {
    /// SIGTERM, and as long as it takes.
    fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the processor lives");
        assert!(self.0.wait().is_ok_and(|status| status.success()), "a good end");
    }
}

impl Drop for Processor {
    /// SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let log = std::fs::read_to_string(self.1.path()).unwrap_or_default();
        if !std::thread::panicking() {
            check_log("processor run", &log, NOTHING).expect("a quiet log");
        }
    }
}

/// Runs a test in an environment of its own.
async fn stage(name: &str, plan: Plan, act: impl AsyncFnOnce(&Place, &dyn Fn() -> Processor)) {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "test")).expect("settings");
    let (prefix, schemas) = (unique_prefix(name), Schemas::registry(registry).expect("a URL"));
    let place = Place { log: Arc::new(log), prefix: prefix.clone(), schemas };
    // Of today: Kafka deletes by the records' own times.
    let start_us = runtime::Clock::system().now_us();
    place.fill(Plan { start_us, ..plan }).await;
    act(&place, &|| Processor::start(bootstrap, registry, &prefix)).await;
}

const PLAN: Plan = Plan { devices: 200, seconds: 200, receivers: 3, seed: 21, start_us: 0 };

/// Lets the group work until there are so many observations, or as far as it gets in a while.
async fn work(place: &Place, observations: usize, patience_ms: u64) {
    let _ = tokio::time::timeout(Duration::from_millis(patience_ms), place.until_observed(observations)).await;
}

fn observations_in(expected: &BTreeSet<outcome::Told>) -> usize {
    expected.iter().filter(|told| told.0 == "fanet.observation.v1").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_killed_in_mid_stream_lose_and_change_nothing() {
    stage("kills", PLAN, async |place, start| {
        let expected = place.expected().await;
        let distinct = observations_in(&expected);
        let (mut processors, mut dice) = (vec![start(), start()], Dice::new(5));
        for kill in 1..=KILLS {
            // The next is killed in the middle of taking over, too.
            work(place, distinct * kill / (KILLS + 2), 2_000 + dice.below(6_000)).await;
            processors.remove(0);
            processors.push(start());
        }
        place.until_written(&expected).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_move_are_flushed_first_so_that_nothing_comes_twice() {
    stage("moves", Plan { seed: 22, ..PLAN }, async |place, start| {
        let expected = place.expected().await;
        let distinct = observations_in(&expected);
        let mut processors = vec![start()];
        for step in 1..=4 {
            work(place, distinct * step / 6, 8_000).await;
            // Members come, and every second time the oldest goes.
            processors.push(start());
            if step % 2 == 0 {
                processors.remove(0).stop();
            }
        }
        place.until_written(&expected).await;
        let observations = place.read_all("fanet.observation.v1").await.len();
        assert_eq!(observations, distinct, "what was flushed and committed is not given out again");
    })
    .await;
}
