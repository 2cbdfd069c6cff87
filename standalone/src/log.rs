//! The log inside: all topics of the catalogue, in memory.

use std::sync::Arc;

use anyhow::Context as _;
use runtime::Clock;
use schemas::catalogue;
use streams::{EmbeddedLog, EmbeddedSettings, Log, NewTopic};

/// Bytes that a partition may hold: under half a GiB for all topics together at the very most. With 40 pilots that is
/// most of an hour, with 5,000 half a minute; every reader is at most seconds behind.
const MAX_BYTES_PER_PARTITION: usize = 1 << 20;

/// Opens the log, with all topics.
///
/// # Errors
/// The catalogue has a setting that the log does not support, which its tests exclude.
pub(crate) async fn open(clock: &Clock) -> anyhow::Result<Arc<dyn Log>> {
    // Offsets begin at the Unix milliseconds of the start, so that ids never repeat against a persistent history.
    let settings = EmbeddedSettings {
        max_bytes_per_partition: MAX_BYTES_PER_PARTITION,
        ..EmbeddedSettings::new(clock.now_us() / 1_000)
    };
    let log = EmbeddedLog::new(settings);
    let topics: Vec<NewTopic> = catalogue::topics().iter().map(wanted).collect();
    log.create_topics(&topics).await.context("cannot create the topics")?;
    Ok(Arc::new(log))
}

fn wanted(topic: &catalogue::Topic) -> NewTopic {
    let bare = NewTopic::new(topic.full_name(""), topic.partitions);
    topic.settings.iter().fold(bare, |wanted, (setting, value)| wanted.with(setting, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_topic_of_the_catalogue_is_there() {
        let clock = Clock::manual(1_780_308_000_000_000);
        let log = open(&clock).await.expect("the log opens");
        let found: Vec<String> =
            log.describe_topics().await.expect("described").into_iter().map(|topic| topic.name).collect();
        for topic in catalogue::topics() {
            assert!(found.contains(&topic.name), "{} is missing", topic.name);
        }
        let partition = streams::TopicPartition { topic: catalogue::topic::RAW.into(), partition: 0 };
        assert_eq!(log.watermarks(&partition).await.expect("marks").high, 1_780_308_000_000);
    }
}
