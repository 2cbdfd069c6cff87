//! `processor topics` as a process on a real Kafka and a real registry.

use std::process::{Command, Output};

use harness::{NOTHING, Stack, check_log, unique_prefix};

fn topics(action: &[&str], bootstrap: &str, registry: &str, prefix: &str) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_processor"))
        .arg("topics")
        .args(action)
        .args(["--kafka-bootstrap", bootstrap, "--schema-registry-url", registry])
        .args(["--topic-prefix", prefix, "--replication", "1"])
        .output();
    let Output { status, stdout, stderr } = output.expect("the processor starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    // A check that finds something says so as the reason of its end.
    let announced = if status.success() { NOTHING } else { &["stopped"] };
    check_log("processor topics", &text(stderr.clone()), announced).expect("a quiet log");
    (status.success(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_to_kafka_passes_the_check() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let prefix = unique_prefix("topics");
    let run = |action: &str| topics(&[action, "--new-prefix"], bootstrap, registry, &prefix);

    let (succeeded, told, _) = run("check");
    assert!(!succeeded && told.contains(&format!("{prefix}fanet.raw.v1: missing\n")), "{told}");
    let (succeeded, told, log) = run("apply");
    assert!(succeeded && told.contains(&format!("{prefix}fanet.raw.v1: created, 24 partitions\n")), "{told}{log}");
    assert!(told.contains(&format!("{prefix}fanet.raw.v1-value: schema ")), "{told}");
    // Applying again is a check that also registers.
    let (succeeded, again, log) = run("apply");
    assert!(succeeded && again.contains(&format!("{prefix}fanet.raw.v1: exists\n")), "{again}{log}");
    assert!(!again.contains("differs"), "{again}");
    let schemas = |told: &str| told.lines().filter(|line| line.contains(": schema ")).map(str::to_owned).collect();
    let (first, second): (Vec<_>, Vec<_>) = (schemas(&told), schemas(&again));
    assert_eq!(first, second, "the same schemas have the same ids");
    let (succeeded, told, log) = run("check");
    assert!(succeeded && !told.contains("differs"), "{told}{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_prefix_leaves_nothing_behind() {
    let stack = Stack::shared();
    let bootstrap = stack.kafka().await.expect("kafka").bootstrap();
    let registry = stack.registry().await.expect("registry").url();
    let prefix = unique_prefix("right");
    let (succeeded, _, log) = topics(&["apply", "--new-prefix"], bootstrap, registry, &prefix);
    assert!(succeeded, "{log}");
    let mistyped = unique_prefix("wrong");
    let (succeeded, told, log) = topics(&["apply"], bootstrap, registry, &mistyped);
    assert!(!succeeded && told.is_empty() && log.contains("--new-prefix") && log.contains(&mistyped), "{told}{log}");
    let (_, told, _) = topics(&["check"], bootstrap, registry, &mistyped);
    let missing = told.lines().filter(|line| line.ends_with(": missing")).count();
    assert_eq!(missing, told.lines().count(), "a topic was made: {told}");
    let subjects = reqwest::get(format!("{registry}/subjects")).await.expect("answers").text().await.expect("text");
    assert!(subjects.contains(&format!("{prefix}fanet.raw.v1-value")), "{subjects}");
    assert!(!subjects.contains(&mistyped), "a schema was registered");
}

#[test]
fn who_cannot_be_reached_is_named() {
    let (succeeded, _, log) = topics(&["check"], "127.0.0.1:1", "http://127.0.0.1:2", "");
    assert!(!succeeded && log.contains("127.0.0.1:1"), "{log}");
}
