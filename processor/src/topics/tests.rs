use streams::{EmbeddedLog, EmbeddedSettings};

use super::*;

fn log() -> EmbeddedLog {
    EmbeddedLog::new(EmbeddedSettings::new(0))
}

fn over(partitions: u32) -> Layout {
    Layout { partitions: Some(partitions), ..Layout::default() }
}

fn under_new_prefix(layout: Layout) -> Layout {
    Layout { new_prefix: true, ..layout }
}

fn has(report: &Report, line: &str) -> bool {
    report.lines.iter().any(|found| found == line)
}

#[tokio::test]
async fn applied_topics_pass_the_check() {
    let (log, schemas) = (log(), Schemas::local());
    let missing = check(Layout::default(), "t.", &log).await.expect("answers");
    assert_eq!(missing.differences, topics().len());
    assert!(has(&missing, "t.fanet.raw.v1: missing"), "{missing:?}");
    let applied = apply(Layout::default(), "t.", &log, &schemas).await.expect("created");
    assert_eq!(applied.differences, 0);
    assert!(has(&applied, "t.fanet.raw.v1: created, 24 partitions"), "{applied:?}");
    assert_eq!(check(Layout::default(), "t.", &log).await.expect("answers").differences, 0);
    let again = apply(Layout::default(), "t.", &log, &schemas).await.expect("is there");
    assert!(has(&again, "t.fanet.raw.v1: exists"), "{again:?}");
    assert_eq!(
        check(Layout::default(), "", &log).await.expect("answers").differences,
        topics().len(),
        "another prefix, other topics"
    );
}

#[tokio::test]
async fn a_new_prefix_needs_a_confirmation() {
    let (log, schemas) = (log(), Schemas::local());
    apply(Layout::default(), "prod.", &log, &schemas).await.expect("the first of a cluster needs no confirmation");
    let topics_before = log.describe_topics().await.expect("answers").len();
    for mistyped in ["", "pord.", "prod"] {
        let refused = apply(Layout::default(), mistyped, &log, &schemas).await.expect_err("not confirmed").to_string();
        let named = format!("the prefix {mistyped:?}");
        for part in [named.as_str(), "\"prod.\"", "--topic-prefix", "--new-prefix"] {
            assert!(refused.contains(part), "{part} is not in {refused}");
        }
    }
    assert_eq!(log.describe_topics().await.expect("answers").len(), topics_before, "nothing was created");
    let applied = apply(under_new_prefix(Layout::default()), "test.", &log, &schemas).await.expect("confirmed");
    assert!(has(&applied, "test.fanet.raw.v1: created, 24 partitions"), "{applied:?}");
    apply(Layout::default(), "test.", &log, &schemas).await.expect("the prefix is no longer new");
}

#[tokio::test]
async fn each_schema_is_listed_with_its_id() {
    let applied = apply(Layout::default(), "t.", &log(), &Schemas::local()).await.expect("created");
    let listed = |topic: &Topic| {
        let begin = format!("{}: schema ", topic.subject("t."));
        applied.lines.iter().filter_map(|line| line.strip_prefix(&begin)?.parse::<u32>().ok()).count()
    };
    for topic in topics() {
        assert_eq!(listed(&topic), usize::from(topic.message.is_some()), "{}", topic.name);
    }
}

#[tokio::test]
async fn other_partitions_fail_other_settings_are_listed() {
    let (log, schemas) = (log(), Schemas::local());
    let day = NewTopic::new("fanet.raw.v1", 24).with("cleanup.policy", "delete").with("retention.ms", "86400000");
    log.create_topics(&[day]).await.expect("created");
    let line = "fanet.raw.v1: differs: retention.ms: wanted 604800000, found 86400000";
    let applied = apply(Layout::default(), "", &log, &schemas).await.expect("answers");
    assert!(has(&applied, line) && applied.differences == 0, "{applied:?}");
    let checked = check(Layout::default(), "", &log).await.expect("answers");
    assert!(has(&checked, line) && checked.differences == 1, "{checked:?}");

    log.create_topics(&[NewTopic::new("p.fanet.raw.v1", 7)]).await.expect("created");
    let line = "p.fanet.raw.v1: differs: partitions: wanted 24, found 7";
    let applied = apply(over(24), "p.", &log, &schemas).await.expect("its raw topic is there");
    assert!(has(&applied, line) && applied.differences == 1, "{applied:?}");
    assert!(has(&check(over(24), "p.", &log).await.expect("answers"), line));
}

#[tokio::test]
async fn the_number_of_partitions_is_chosen_once() {
    let (log, schemas) = (log(), Schemas::local());
    let applied = apply(over(6), "", &log, &schemas).await.expect("created");
    assert!(has(&applied, "fanet.raw.v1: created, 6 partitions"), "{applied:?}");
    assert!(has(&applied, "fanet.receivers-state.v1: created, 6 partitions"), "{applied:?}");
    assert!(has(&applied, "fanet.state.thermal.v1: created, 1 partitions"), "{applied:?}");
    for later in [Layout::default(), over(6)] {
        assert_eq!(apply(later, "", &log, &schemas).await.expect("answers").differences, 0, "{later:?}");
        assert_eq!(check(later, "", &log).await.expect("answers").differences, 0, "{later:?}");
    }
    let scaling = topics().iter().filter(|topic| topic.scales).count();
    let other = apply(over(12), "", &log, &schemas).await.expect("answers");
    assert!(has(&other, "fanet.raw.v1: differs: partitions: wanted 12, found 6"), "{other:?}");
    assert_eq!(other.differences, scaling);
}

#[tokio::test]
async fn default_settings_are_differences() {
    let log = log();
    log.create_topics(&[NewTopic::new("fanet.raw.v1", 24)]).await.expect("created");
    let checked = check(Layout::default(), "", &log).await.expect("answers");
    let line = "fanet.raw.v1: differs: retention.ms: wanted 604800000, found the cluster's default";
    assert!(has(&checked, line), "{checked:?}");
}

#[test]
fn lists_are_compared_as_sets() {
    for (one, other, same) in [
        ("compact,delete", "delete, compact", true),
        ("compact", "compact,delete", false),
        ("86400000", "86400000", true),
        ("86400000", "86400001", false),
    ] {
        assert_eq!(sorted(one) == sorted(other), same, "{one} {other}");
    }
}

#[test]
fn the_catalogue_is_a_table() {
    let lines = list("t.").lines;
    assert_eq!(lines.len(), topics().len() + 1);
    let about_at = lines[0].find("about").expect("a column");
    for (line, topic) in lines[1..].iter().zip(topics()) {
        assert!(line.starts_with(&format!("t.{} ", topic.name)), "{line}");
        assert_eq!(&line[about_at..], topic.about, "{line}");
        let message = topic.message.as_deref().unwrap_or("bytes");
        assert!(line.contains(message) && line.contains(&topic.key), "{line}");
    }
    let raw = lines.iter().find(|line| line.starts_with("t.fanet.raw.v1")).expect("a line");
    assert!(raw.contains("  24 ") && raw.contains("  7 days  "), "{raw}");
}

#[tokio::test]
async fn an_unreachable_registry_is_named() {
    let url = "http://127.0.0.1:1";
    let error =
        apply(Layout::default(), "", &log(), &Schemas::registry(url).expect("a URL")).await.expect_err("unreachable");
    assert!(error.to_string().contains(url), "{error}");
}
