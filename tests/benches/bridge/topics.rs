//! Creates the output topics of the bridge with the settings of the catalogue.

use anyhow::{Context, Result};
use harness::Kafka;
use schemas::catalogue::{self, topic};
use streams::{KafkaLog, KafkaSettings, Log, NewTopic};

pub(crate) async fn create(kafka: &Kafka, prefix: &str) -> Result<()> {
    let new = |name: &str| {
        let topic = catalogue::find(name).context("in the catalogue")?;
        let new = NewTopic::new(topic.full_name(prefix), topic.partitions);
        anyhow::Ok(NewTopic { settings: topic.settings, ..new })
    };
    let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "topics"))?;
    log.create_topics(&[new(topic::RAW)?, new(topic::DEAD_LETTER)?]).await?;
    Ok(())
}
