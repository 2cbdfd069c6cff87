//! The group on the raw topic as processes on a real Kafka: kills do not change the outputs.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use harness::{NOTHING, Stack, check_log, unique_prefix};
use streams::registry::Schemas;
use streams::{KafkaLog, KafkaSettings};
use tempfile::NamedTempFile;

use crate::outcome::{Environment, Output};
use crate::traffic::{Dice, Plan};

const KILLS: usize = 6;

/// A process, and the file with its log.
struct Processor(Child, NamedTempFile);

impl Processor {
    fn start(bootstrap: &str, registry: &str, prefix: &str) -> Self {
        let log = NamedTempFile::new().expect("a file");
        let child = crate::processor()
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
    /// Sends SIGTERM and waits for the end.
    fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the processor runs");
        assert!(self.0.wait().is_ok_and(|status| status.success()), "exit code 0");
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
async fn with_environment(name: &str, plan: Plan, test: impl AsyncFnOnce(&Environment, &dyn Fn() -> Processor)) {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "test")).expect("settings");
    let (prefix, schemas) = (unique_prefix(name), Schemas::registry(registry).expect("a URL"));
    let environment = Environment { log: Arc::new(log), prefix: prefix.clone(), schemas };
    // Times of today: Kafka deletes records by their timestamps.
    let start_us = runtime::Clock::system().now_us();
    environment.fill(Plan { start_us, ..plan }).await;
    test(&environment, &|| Processor::start(bootstrap, registry, &prefix)).await;
}

const PLAN: Plan = Plan { devices: 200, seconds: 200, receivers: 3, seed: 21, start_us: 0 };

/// Waits until there are so many observations, or until the time limit.
async fn wait(environment: &Environment, observations: usize, limit_ms: u64) {
    let _ = tokio::time::timeout(Duration::from_millis(limit_ms), environment.until_observed(observations)).await;
}

fn observations_in(expected: &BTreeSet<Output>) -> usize {
    expected.iter().filter(|output| output.0 == "fanet.observation.v1").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_and_change_nothing() {
    with_environment("kills", PLAN, async |environment, start| {
        let expected = environment.expected().await;
        let distinct = observations_in(&expected);
        let (mut processors, mut dice) = (vec![start(), start()], Dice::new(5));
        for kill in 1..=KILLS {
            // The next one may be killed while it restores.
            wait(environment, distinct * kill / (KILLS + 2), 2_000 + dice.below(6_000)).await;
            processors.remove(0);
            processors.push(start());
        }
        environment.until_written(&expected).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_partitions_repeat_no_output() {
    with_environment("moves", Plan { seed: 22, ..PLAN }, async |environment, start| {
        let expected = environment.expected().await;
        let distinct = observations_in(&expected);
        let mut processors = vec![start()];
        for step in 1..=4 {
            wait(environment, distinct * step / 6, 8_000).await;
            // A member joins, and every second time the oldest leaves.
            processors.push(start());
            if step % 2 == 0 {
                processors.remove(0).stop();
            }
        }
        environment.until_written(&expected).await;
        let observations = environment.read_all("fanet.observation.v1").await.len();
        assert_eq!(observations, distinct, "outputs before a commit are not published again");
    })
    .await;
}
