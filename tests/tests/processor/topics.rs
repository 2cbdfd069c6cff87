//! `processor topics` as a process on a real Kafka and a real registry.

use std::process::Output;

use harness::{NOTHING, Stack, check_log, unique_prefix};

fn topics(action: &[&str], bootstrap: &str, registry: &str, prefix: &str) -> (bool, String, String) {
    let output = crate::processor()
        .arg("topics")
        .args(action)
        .args(["--kafka-bootstrap", bootstrap, "--schema-registry-url", registry])
        .args(["--topic-prefix", prefix, "--replication", "1"])
        .output();
    let Output { status, stdout, stderr } = output.expect("the processor starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    // A check that finds a difference ends with an error line.
    let announced = if status.success() { NOTHING } else { &["stopped"] };
    check_log("processor topics", &text(stderr.clone()), announced).expect("a quiet log");
    (status.success(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_applied_to_kafka_pass_the_check() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let prefix = unique_prefix("topics");
    let run = |action: &str| topics(&[action, "--new-prefix"], bootstrap, registry, &prefix);

    let (succeeded, output, _) = run("check");
    assert!(!succeeded && output.contains(&format!("{prefix}fanet.raw.v1: missing\n")), "{output}");
    let (succeeded, output, log) = run("apply");
    assert!(succeeded && output.contains(&format!("{prefix}fanet.raw.v1: created, 24 partitions\n")), "{output}{log}");
    assert!(output.contains(&format!("{prefix}fanet.raw.v1-value: schema ")), "{output}");
    // Applying again is a check that also registers.
    let (succeeded, again, log) = run("apply");
    assert!(succeeded && again.contains(&format!("{prefix}fanet.raw.v1: exists\n")), "{again}{log}");
    assert!(!again.contains("differs"), "{again}");
    let schemas = |output: &str| output.lines().filter(|line| line.contains(": schema ")).map(str::to_owned).collect();
    let (first, second): (Vec<_>, Vec<_>) = (schemas(&output), schemas(&again));
    assert_eq!(first, second, "the same schemas have the same ids");
    let (succeeded, output, log) = run("check");
    assert!(succeeded && !output.contains("differs"), "{output}{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_prefix_creates_nothing() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let prefix = unique_prefix("right");
    let (succeeded, _, log) = topics(&["apply", "--new-prefix"], bootstrap, registry, &prefix);
    assert!(succeeded, "{log}");
    let mistyped = unique_prefix("wrong");
    let (succeeded, output, log) = topics(&["apply"], bootstrap, registry, &mistyped);
    assert!(
        !succeeded && output.is_empty() && log.contains("--new-prefix") && log.contains(&mistyped),
        "{output}{log}"
    );
    let (_, output, _) = topics(&["check"], bootstrap, registry, &mistyped);
    let missing = output.lines().filter(|line| line.ends_with(": missing")).count();
    assert_eq!(missing, output.lines().count(), "a topic was made: {output}");
    let subjects = reqwest::get(format!("{registry}/subjects")).await.expect("answers").text().await.expect("text");
    assert!(subjects.contains(&format!("{prefix}fanet.raw.v1-value")), "{subjects}");
    assert!(!subjects.contains(&mistyped), "a schema was registered");
}

#[test]
fn an_unreachable_cluster_is_named() {
    let (succeeded, _, log) = topics(&["check"], "127.0.0.1:1", "http://127.0.0.1:2", "");
    assert!(!succeeded && log.contains("127.0.0.1:1"), "{log}");
}
