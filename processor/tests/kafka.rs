//! The group on the raw topic as processes on a real Kafka: killed in mid-stream, what comes out is the same.

#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/traffic.rs"]
#[allow(dead_code, reason = "shared with the bench")]
mod traffic;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::{Stack, unique_prefix};
use outcome::Place;
use streams::registry::Schemas;
use streams::{KafkaLog, KafkaSettings};
use traffic::{Dice, Plan};

const KILLS: usize = 6;

struct Processor(Child);

impl Processor {
    fn start(bootstrap: &str, registry: &str, prefix: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_processor"))
            .args(["run", "--redis-url", "none", "--checkpoint-interval", "200ms", "--max-batch-records", "100"])
            .args(["--kafka-bootstrap", bootstrap, "--schema-registry-url", registry, "--topic-prefix", prefix])
            .args(["--admin-listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("the processor starts"))
    }
}

impl Drop for Processor {
    /// SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_killed_in_mid_stream_lose_and_change_nothing() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let log = KafkaLog::connect(KafkaSettings {
        bootstrap: bootstrap.to_owned(),
        extra: Vec::new(),
        client_id: "test".to_owned(),
    });
    let log = log.expect("settings");
    let prefix = unique_prefix("kills");
    let schemas = Schemas::registry(registry).expect("a URL");
    let place = Place { log: &log, prefix: prefix.clone(), schemas };
    // Of today: Kafka deletes by the records' own times.
    let start_us = runtime::Clock::system().now_us();
    place.fill(Plan { devices: 200, seconds: 200, receivers: 3, seed: 21, start_us }).await;
    let expected = place.expected().await;
    let distinct = expected.iter().filter(|told| told.0 == "fanet.observation.v1").count();

    let start = || Processor::start(bootstrap, registry, &prefix);
    let (mut processors, mut dice) = (vec![start(), start()], Dice::new(5));
    for kill in 1..=KILLS {
        // Some further on, or as far as it gets in a while: the next is killed in the middle of taking over, too.
        let some = place.until_observed(distinct * kill / (KILLS + 2));
        let _ = tokio::time::timeout(Duration::from_millis(2_000 + dice.below(6_000)), some).await;
        processors.remove(0);
        processors.push(start());
    }
    place.until_written(&expected).await;
}
