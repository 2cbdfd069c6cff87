//! The log inside: all topics of the catalogue, in memory, and in the persistent folder where there is one.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use runtime::{Clock, Part, Readiness};
use schemas::catalogue::{self, topic};
use streams::{EmbeddedLog, EmbeddedSettings, JournalSettings, Log as _, NewTopic, Restored};

/// Bytes that a partition may hold: under half a GiB for all topics together at the very most. With 40 pilots that is
/// most of an hour, with 5,000 half a minute; every reader is at most seconds behind.
const MAX_BYTES_PER_PARTITION: usize = 1 << 20;

/// The file in the persistent folder.
const FILE: &str = "log";
/// Topics whose records receivers and callers of the API rely upon as soon as they are acknowledged.
const ACKNOWLEDGED: [&str; 3] = [topic::RAW, topic::ACCOUNT, topic::AUDIT];
/// How long the end waits for the disk.
const CLOSE: Duration = Duration::from_secs(10);

/// Opens the log, with all topics; with a folder, as the former process has left it there.
///
/// # Errors
/// The file cannot be read or written, is none of ours, or another process has it. The catalogue has a setting that the log
/// does not support, which its tests exclude.
pub(crate) async fn open(clock: &Clock, dir: Option<&Path>, readiness: &Readiness) -> anyhow::Result<EmbeddedLog> {
    // Offsets begin at the Unix milliseconds of the start, so that ids never repeat against a persistent history.
    let settings = EmbeddedSettings {
        max_bytes_per_partition: MAX_BYTES_PER_PARTITION,
        ..EmbeddedSettings::new(clock.now_us() / 1_000)
    };
    let now_ms = i64::try_from(settings.first_offset).unwrap_or(i64::MAX);
    let log = EmbeddedLog::new(settings);
    let topics: Vec<NewTopic> = catalogue::topics().iter().map(wanted).collect();
    log.create_topics(&topics).await.context("cannot create the topics")?;
    if let Some(dir) = dir {
        let settings = kept_in(dir, now_ms, readiness.part("log"));
        let reader = log.clone();
        let Restored { records, is_damaged } = tokio::task::spawn_blocking(move || reader.keep_in(settings)).await??;
        if is_damaged {
            tracing::warn!(records, file = %dir.join(FILE).display(), "the log was damaged: what followed the damage is lost, and a copy of the file is beside it");
        }
        tracing::info!(records, "the log is restored");
    }
    Ok(log)
}

/// Writes what the file lacks.
pub(crate) async fn close(log: EmbeddedLog) {
    if !matches!(tokio::task::spawn_blocking(move || log.close(CLOSE)).await, Ok(true)) {
        tracing::warn!("the log's last changes may not be in its file");
    }
}

fn kept_in(dir: &Path, now_ms: i64, part: Part) -> JournalSettings {
    part.ready();
    let report = move |failure: Option<&str>| match failure {
        Some(why) => part.not_ready(format!("the log cannot be written, and messages wait: {why}")),
        None => part.ready(),
    };
    JournalSettings {
        file: dir.join(FILE),
        synced_topics: ACKNOWLEDGED.map(str::to_owned).to_vec(),
        now_ms,
        report: Box::new(report),
    }
}

fn wanted(topic: &catalogue::Topic) -> NewTopic {
    let bare = NewTopic::new(topic.full_name(""), topic.partitions);
    topic.settings.iter().fold(bare, |wanted, (setting, value)| wanted.with(setting, value))
}

#[cfg(test)]
mod tests {
    use runtime::Metrics;

    use super::*;

    #[tokio::test]
    async fn every_topic_of_the_catalogue_is_there() {
        let clock = Clock::manual(1_780_308_000_000_000);
        let readiness = Readiness::new(clock.clone(), &Metrics::new());
        let log = open(&clock, None, &readiness).await.expect("the log opens");
        let found: Vec<String> =
            log.describe_topics().await.expect("described").into_iter().map(|topic| topic.name).collect();
        for topic in catalogue::topics() {
            assert!(found.contains(&topic.name), "{} is missing", topic.name);
        }
        let partition = streams::TopicPartition { topic: catalogue::topic::RAW.into(), partition: 0 };
        assert_eq!(log.watermarks(&partition).await.expect("marks").high, 1_780_308_000_000);
    }
}
