//! `processor topics`: applies the catalogue to a cluster, or compares them.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use runtime::Context;
use schemas::catalogue::{Topic, topic, topics, topics_over};
use streams::registry::{Schemas, TopicCodec};
use streams::{Log, NewTopic, StreamError, TopicDescription, TopicOutcome, framing};

use crate::config::{Layout, TopicsAction};

/// Creates or compares topics and registers their schemas; prints a line for each.
///
/// Applying changes no existing topic: settings that differ are listed and left to the operators. Another number of partitions
/// is an error, since keys would be in other partitions than before, or than those of the other topics.
///
/// # Errors
/// The cluster or the registry is unreachable or refuses; a check found differences, or applying another number of
/// partitions; the prefix is new on a cluster with topics under others, and `--new-prefix` is missing.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn run(
    action: TopicsAction,
    layout: Layout,
    prefix: &str,
    log: &dyn Log,
    schemas: &Schemas,
    context: &Context,
) -> anyhow::Result<()> {
    let work = async {
        let report = match action {
            TopicsAction::List => list(prefix),
            TopicsAction::Apply => apply(layout, prefix, log, schemas).await?,
            TopicsAction::Check => check(layout, prefix, log).await?,
        };
        for line in &report.lines {
            println!("{line}");
        }
        anyhow::ensure!(
            report.differences == 0,
            "{} differences from the catalogue: `processor topics apply` creates missing topics; change the others as the lines above say",
            report.differences
        );
        Ok(())
    };
    context.shutdown.or(work).await.unwrap_or(Ok(()))
}

/// Prints the catalogue.
///
/// # Errors
/// Standard output fails, except where its reader has closed it.
pub fn print_list(prefix: &str) -> std::io::Result<()> {
    let text = list(prefix).lines.join("\n") + "\n";
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // The reader of the output has closed it.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The lines to print, and how many of them are differences that make the command fail.
#[derive(Debug, Default, PartialEq)]
struct Report {
    lines: Vec<String>,
    differences: usize,
}

impl Report {
    fn add(&mut self, line: String) {
        self.lines.push(line);
    }

    fn add_difference(&mut self, line: String) {
        self.differences += 1;
        self.lines.push(line);
    }
}

/// The number of attempts, each with the time limit of a call to the registry.
const REGISTER_ATTEMPTS: usize = 3;
const COLUMNS: [&str; 7] = ["topic", "partitions", "cleanup", "retention", "message", "key", "about"];

fn list(prefix: &str) -> Report {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(topics().iter().map(|topic| row(topic, prefix)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..COLUMNS.len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    Report { lines: rows.iter().map(line).collect(), differences: 0 }
}

fn row(topic: &Topic, prefix: &str) -> [String; 7] {
    let retention = topic.retention.map_or_else(|| "-".to_owned(), hours_or_days);
    let message = topic.message.clone().unwrap_or_else(|| "bytes".to_owned());
    let (partitions, cleanup) = (topic.partitions.to_string(), topic.cleanup.clone());
    [topic.full_name(prefix), partitions, cleanup, retention, message, topic.key.clone(), topic.about.clone()]
}

fn hours_or_days(retention: Duration) -> String {
    match retention.as_secs() / 3_600 {
        hours if hours > 24 && hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} h"),
    }
}

fn wanted(prefix: &str, layout: Layout) -> Vec<NewTopic> {
    let new = |topic: Topic| NewTopic {
        name: topic.full_name(prefix),
        partitions: topic.partitions,
        replication: layout.replication,
        settings: topic.settings,
    };
    layout.partitions.map_or_else(topics, topics_over).into_iter().map(new).collect()
}

/// The layout with the number of partitions of the existing raw topic, where no other number is given.
fn resolved(layout: Layout, prefix: &str, there: &[TopicDescription]) -> Layout {
    let raw = there.iter().find(|found| found.name.strip_prefix(prefix) == Some(topic::RAW));
    Layout { partitions: layout.partitions.or(raw.map(|raw| raw.partitions)), ..layout }
}

/// Creates the catalogue's topics where they are missing. For programs with a log of their own.
///
/// # Errors
/// The log refuses or is unreachable.
pub async fn create(prefix: &str, log: &dyn Log) -> Result<Vec<TopicOutcome>, StreamError> {
    log.create_topics(&wanted(prefix, Layout::default())).await
}

async fn apply(layout: Layout, prefix: &str, log: &dyn Log, schemas: &Schemas) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let there = log.describe_topics().await?;
    // Before a topic is created: the registry has to answer.
    let raw = schemas::catalogue::find(topic::RAW).expect("in the catalogue");
    wait_for_registry(schemas, prefix, &raw).await.with_context(|| format!("schema registry {}", schemas.name()))?;
    let others = other_prefixes(prefix, &there);
    anyhow::ensure!(
        others.is_empty() || layout.new_prefix,
        "there are no topics under the prefix {prefix:?}, and there are topics under {}: correct --topic-prefix, or add \
         --new-prefix for another installation on this cluster; nothing was created or registered",
        others.join(", ")
    );
    let layout = resolved(layout, prefix, &there);
    let wanted = wanted(prefix, layout);
    let outcomes = log.create_topics(&wanted).await?;
    for (topic, outcome) in wanted.iter().zip(outcomes) {
        match outcome {
            TopicOutcome::Created => report.add(format!("{}: created, {} partitions", topic.name, topic.partitions)),
            TopicOutcome::Exists { partitions, differences } => {
                report.add(format!("{}: exists", topic.name));
                if partitions != topic.partitions {
                    report.add_difference(other_partitions(topic, partitions));
                }
                for difference in differences {
                    let found = difference.found.as_deref().unwrap_or("not known");
                    report.add(other_setting(topic, &difference.setting, &difference.wanted, found));
                }
            }
        }
    }
    for topic in topics().iter().filter(|topic| topic.message.is_some()) {
        let subject = topic.subject(prefix);
        let codec = register(schemas, prefix, topic).await;
        let codec = codec.with_context(|| format!("schema registry {}: {subject}", schemas.name()))?;
        let schema_id = framing::decode(&codec.encode(&())).expect("framed right here").schema_id;
        report.add(format!("{subject}: schema {schema_id}"));
    }
    Ok(report)
}

/// The prefixes of other installations on the cluster, where this prefix is new.
fn other_prefixes(prefix: &str, there: &[TopicDescription]) -> Vec<String> {
    let prefixes = there.iter().filter_map(|found| found.name.strip_suffix(topic::RAW));
    let mut prefixes: Vec<_> = prefixes.collect();
    if prefixes.contains(&prefix) {
        return Vec::new();
    }
    prefixes.sort_unstable();
    prefixes.truncate(10);
    prefixes.into_iter().map(|other| format!("{other:?}")).collect()
}

async fn wait_for_registry(schemas: &Schemas, prefix: &str, topic: &Topic) -> Result<(), StreamError> {
    for _ in 1..REGISTER_ATTEMPTS {
        match schemas.ask(prefix, topic).await {
            Err(error) if error.is_transient() => tracing::warn!(reason = error.reason(), "retrying: {error}"),
            outcome => return outcome,
        }
    }
    schemas.ask(prefix, topic).await
}

/// A registry answers its first requests after a start slowly.
async fn register(schemas: &Schemas, prefix: &str, topic: &Topic) -> Result<TopicCodec, StreamError> {
    for _ in 1..REGISTER_ATTEMPTS {
        match schemas.prepare(prefix, topic).await {
            Err(error) if error.is_transient() => tracing::warn!(reason = error.reason(), "retrying: {error}"),
            outcome => return outcome,
        }
    }
    schemas.prepare(prefix, topic).await
}

async fn check(layout: Layout, prefix: &str, log: &dyn Log) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let there = log.describe_topics().await?;
    for topic in wanted(prefix, resolved(layout, prefix, &there)) {
        match there.iter().find(|found| found.name == topic.name) {
            Some(found) => compare(&topic, found, &mut report),
            None => report.add_difference(format!("{}: missing", topic.name)),
        }
    }
    Ok(report)
}

fn compare(topic: &NewTopic, found: &TopicDescription, report: &mut Report) {
    let before = report.differences;
    if found.partitions != topic.partitions {
        report.add_difference(other_partitions(topic, found.partitions));
    }
    for (setting, wanted) in &topic.settings {
        match found.settings.get(setting) {
            Some(value) if sorted(value) == sorted(wanted) => {}
            Some(value) => report.add_difference(other_setting(topic, setting, wanted, value)),
            // The default of a cluster can change.
            None => report.add_difference(other_setting(topic, setting, wanted, "the cluster's default")),
        }
    }
    if report.differences == before {
        report.add(format!("{}: matches the catalogue", topic.name));
    }
}

fn other_partitions(topic: &NewTopic, found: u32) -> String {
    format!("{}: differs: partitions: wanted {}, found {found}", topic.name, topic.partitions)
}

fn other_setting(topic: &NewTopic, setting: &str, wanted: &str, found: &str) -> String {
    format!("{}: differs: {setting}: wanted {wanted}, found {found}", topic.name)
}

/// The elements of a list, sorted: `compact,delete` equals `delete,compact`.
fn sorted(value: &str) -> Vec<&str> {
    let mut parts: Vec<_> = value.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests;
