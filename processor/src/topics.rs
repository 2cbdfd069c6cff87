//! `processor topics`: the catalogue on a cluster.

use runtime::Context;
use schemas::catalogue::{Topic, topics};
use streams::registry::Schemas;
use streams::{Log, NewTopic, TopicOutcome};

use crate::config::TopicsAction;

/// Creates or compares topics and registers their schemas; prints a line for each.
///
/// # Errors
/// The cluster or the registry cannot be reached or refuses; a check found differences.
#[allow(clippy::print_stdout, reason = "the lines are what the command is for")]
pub async fn run(
    action: TopicsAction,
    replication: Option<u16>,
    prefix: &str,
    log: &dyn Log,
    schemas: &Schemas,
    context: &Context,
) -> anyhow::Result<()> {
    let work = async {
        let lines = match action {
            TopicsAction::List => list(prefix),
            TopicsAction::Apply => apply(replication, prefix, log, schemas).await?,
            TopicsAction::Check => check(prefix, log).await?,
        };
        for line in &lines.told {
            println!("{line}");
        }
        anyhow::ensure!(lines.differences == 0, "{} differences from the catalogue", lines.differences);
        Ok(())
    };
    context.shutdown.or(work).await.unwrap_or(Ok(()))
}

/// What to print, and how many of the lines tell of a difference.
#[derive(Debug, Default, PartialEq)]
struct Lines {
    told: Vec<String>,
    differences: usize,
}

impl Lines {
    fn tell(&mut self, line: String) {
        self.told.push(line);
    }

    fn differ(&mut self, line: String) {
        self.differences += 1;
        self.told.push(line);
    }
}

fn list(prefix: &str) -> Lines {
    let line = |topic: &Topic| {
        let name = topic.full_name(prefix);
        format!("{name:<34} {:>2} partitions  {:<15} {}", topic.partitions, topic.cleanup, topic.about)
    };
    Lines { told: topics().iter().map(line).collect(), differences: 0 }
}

fn wanted(prefix: &str, replication: Option<u16>) -> Vec<NewTopic> {
    let new = |topic: Topic| NewTopic {
        name: topic.full_name(prefix),
        partitions: topic.partitions,
        replication,
        settings: topic.settings,
    };
    topics().into_iter().map(new).collect()
}

/// Creates the catalogue's topics where they are missing. For programs that bring their own log.
///
/// # Errors
/// The log refuses or is away.
pub async fn create(prefix: &str, log: &dyn Log) -> Result<Vec<TopicOutcome>, streams::StreamError> {
    log.create_topics(&wanted(prefix, None)).await
}

async fn apply(replication: Option<u16>, prefix: &str, log: &dyn Log, schemas: &Schemas) -> anyhow::Result<Lines> {
    let mut lines = Lines::default();
    let wanted = wanted(prefix, replication);
    let outcomes = log.create_topics(&wanted).await?;
    for (topic, outcome) in wanted.iter().zip(outcomes) {
        match outcome {
            TopicOutcome::Created => lines.tell(format!("{}: created, {} partitions", topic.name, topic.partitions)),
            TopicOutcome::Exists { partitions, differences } => {
                lines.tell(format!("{}: is there", topic.name));
                if partitions != topic.partitions {
                    lines.differ(format!("{}: {partitions} partitions, not {}", topic.name, topic.partitions));
                }
                for difference in differences {
                    let found = difference.found.as_deref().unwrap_or("not known");
                    let (setting, wanted) = (&difference.setting, &difference.wanted);
                    lines.differ(format!("{}: {setting} is {found}, not {wanted}", topic.name));
                }
            }
        }
    }
    for topic in topics().iter().filter(|topic| topic.message.is_some()) {
        schemas.prepare(prefix, topic).await?;
        lines.tell(format!("{}: schema registered", topic.subject(prefix)));
    }
    Ok(lines)
}

async fn check(prefix: &str, log: &dyn Log) -> anyhow::Result<Lines> {
    let mut lines = Lines::default();
    let there = log.describe_topics().await?;
    for topic in wanted(prefix, None) {
        let Some(found) = there.iter().find(|found| found.name == topic.name) else {
            lines.differ(format!("{}: missing", topic.name));
            continue;
        };
        let before = lines.differences;
        if found.partitions != topic.partitions {
            lines.differ(format!("{}: {} partitions, not {}", topic.name, found.partitions, topic.partitions));
        }
        for (setting, wanted) in &topic.settings {
            // Settings as the cluster has them by default are not told.
            let told = found.settings.get(setting);
            if told.is_some_and(|told| told != wanted) {
                let told = told.map(String::as_str).unwrap_or_default();
                lines.differ(format!("{}: {setting} is {told}, not {wanted}", topic.name));
            }
        }
        if lines.differences == before {
            lines.tell(format!("{}: as it should be", topic.name));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{EmbeddedLog, EmbeddedSettings};

    #[tokio::test]
    async fn what_was_applied_passes_the_check() {
        let log = EmbeddedLog::new(EmbeddedSettings::new(0));
        let schemas = Schemas::local();
        let missing = check("t.", &log).await.expect("answers");
        assert_eq!(missing.differences, topics().len());
        let applied = apply(None, "t.", &log, &schemas).await.expect("created");
        assert_eq!(applied.differences, 0);
        assert!(applied.told.contains(&"t.fanet.raw.v1: created, 24 partitions".to_owned()), "{:?}", applied.told);
        assert_eq!(check("t.", &log).await.expect("answers").differences, 0);
        let again = apply(None, "t.", &log, &schemas).await.expect("is there");
        assert!(again.told.contains(&"t.fanet.raw.v1: is there".to_owned()));
    }

    #[tokio::test]
    async fn differences_are_told() {
        let log = EmbeddedLog::new(EmbeddedSettings::new(0));
        log.create_topics(&[NewTopic::new("fanet.raw.v1", 7)]).await.expect("created");
        let lines = check("", &log).await.expect("answers");
        assert!(lines.told.contains(&"fanet.raw.v1: 7 partitions, not 24".to_owned()), "{:?}", lines.told);
    }
}
