//! What these tests have at hand: topics under a prefix on the shared Kafka, a Mosquitto of their own, bridges between them.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, Mosquitto, Program, ProgramOptions, Stack, unique_prefix, wait_until};
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::v1::RawRecord;
use streams::{Event, Incoming, KafkaLog, KafkaSettings, Log, NewTopic, SeekTo, TopicPartition, framing};

pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Desk {
    pub(crate) mosquitto: Mosquitto,
    pub(crate) prefix: String,
    kafka: &'static Kafka,
}

/// A record of the raw topic, and what is in it.
pub(crate) struct Raw {
    pub(crate) record: Incoming,
    pub(crate) message: RawRecord,
}

impl Desk {
    /// With a Mosquitto that has these settings besides the harness's own.
    pub(crate) async fn new(name: &str, broker_settings: &str) -> Result<Self> {
        let mosquitto = Mosquitto::start_with(broker_settings).await?;
        Ok(Self { mosquitto, prefix: unique_prefix(name), kafka: Stack::shared().kafka().await? })
    }

    /// On a Kafka of the test's own.
    pub(crate) async fn on(kafka: &'static Kafka, name: &str) -> Result<Self> {
        Ok(Self { mosquitto: Mosquitto::start().await?, prefix: unique_prefix(name), kafka })
    }

    /// With a Mosquitto of the caller's.
    pub(crate) async fn with(mosquitto: Mosquitto, name: &str) -> Result<Self> {
        Ok(Self { mosquitto, prefix: unique_prefix(name), kafka: Stack::shared().kafka().await? })
    }

    pub(crate) fn log(&self) -> Result<KafkaLog> {
        Ok(KafkaLog::connect(KafkaSettings::new(self.kafka.bootstrap(), "desk"))?)
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.kafka.bootstrap()
    }

    pub(crate) fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) async fn create(&self, names: &[&str]) -> Result<()> {
        let new = |name: &&str| {
            let topic = catalogue::find(name).context("in the catalogue")?;
            anyhow::Ok(NewTopic {
                settings: topic.settings.clone(),
                ..NewTopic::new(self.full_name(name), topic.partitions)
            })
        };
        let topics = names.iter().map(new).collect::<Result<Vec<_>>>()?;
        self.log()?.create_topics(&topics).await?;
        Ok(())
    }

    /// A bridge between the two, not started.
    pub(crate) async fn bridge(&self) -> Result<ProgramOptions> {
        Ok(ProgramOptions::new("bridge")
            .env("UPDRAFT_KAFKA_BOOTSTRAP", self.bootstrap())
            .env("UPDRAFT_SCHEMA_REGISTRY_URL", Stack::shared().registry().await?.url())
            .env("UPDRAFT_TOPIC_PREFIX", &self.prefix)
            .env("UPDRAFT_MQTT_URL", self.mosquitto.url()))
    }

    /// Publishes at QoS 1 with mosquitto_pub; when this returns the broker has it.
    pub(crate) async fn publish(&self, topic: &str, payload: &[u8]) -> Result<()> {
        self.publish_with(&[], topic, payload).await
    }

    /// The same, with the retain flag.
    pub(crate) async fn publish_retained(&self, topic: &str, payload: &[u8]) -> Result<()> {
        self.publish_with(&["-r"], topic, payload).await
    }

    async fn publish_with(&self, more: &[&str], topic: &str, payload: &[u8]) -> Result<()> {
        let (host, port) = self.mosquitto.host_port();
        let arguments = ["-h", &host, "-p", &port.to_string(), "-V", "mqttv5", "-q", "1", "-t", topic, "-s"];
        let mut command = tokio::process::Command::new(harness::tool_path("mosquitto_pub")?);
        let mut child =
            command.args(arguments).args(more).stdin(Stdio::piped()).spawn().context("start mosquitto_pub")?;
        tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().context("piped")?, payload).await?;
        let status = child.wait().await?;
        ensure!(status.success(), "mosquitto_pub {topic}: {status}");
        Ok(())
    }

    /// Waits until the raw topic has so many records that are no ticks, and hands out all of them.
    pub(crate) async fn raw(&self, at_least: usize) -> Result<Vec<Raw>> {
        let enough = async || {
            let all = self.records(topic::RAW).await.ok()?.into_iter().map(parse).collect::<Result<Vec<_>>>();
            let mut all = all.expect("raw records");
            all.retain(|raw| !raw.is_tick());
            (all.len() >= at_least).then_some(all)
        };
        wait_until(SOON, &format!("{at_least} raw records"), enough).await
    }

    /// All records of a topic as it is now.
    pub(crate) async fn records(&self, name: &str) -> Result<Vec<Incoming>> {
        let (log, topic) = (self.log()?, catalogue::find(name).context("in the catalogue")?);
        let all = (0..topic.partitions).map(|partition| TopicPartition::new(self.full_name(name), partition));
        let mut source = log.read(all.map(|partition| (partition, SeekTo::Beginning)).collect()).await?;
        let (mut records, mut open) = (Vec::new(), topic.partitions);
        while open > 0 {
            match tokio::time::timeout(SOON, source.next()).await.context("reading stands still")?? {
                Event::Records(more) => records.extend(more),
                Event::CaughtUp(_) => open -= 1,
                _ => {}
            }
        }
        Ok(records)
    }
}

impl Raw {
    pub(crate) fn is_tick(&self) -> bool {
        matches!(self.message.input, Some(schemas::v1::raw_record::Input::Tick(_)))
    }
}

pub(crate) fn parse(record: Incoming) -> Result<Raw> {
    let value = record.value.as_ref().context("no tombstones here")?;
    let message = RawRecord::decode(framing::decode(value)?.payload)?;
    Ok(Raw { record, message })
}

/// Waits until `/ready` is not well and says why in these words.
pub(crate) async fn complains(bridge: &Program, of: &str) -> Result<()> {
    let complaint = async || {
        let (status, body) = bridge.admin("/ready").await.ok()?;
        (status == 503 && body.contains(of)).then_some(())
    };
    let waited = wait_until(SOON, &format!("/ready to say {of:?}"), complaint).await;
    waited.with_context(|| format!("the bridge says\n{}", bridge.service().log_tail(20)))
}

/// Waits until the log has a line with these words.
pub(crate) async fn says(bridge: &Program, words: &str) -> Result<()> {
    let said = async || bridge.service().log_tail(200).contains(words).then_some(());
    let waited = wait_until(SOON, &format!("the bridge to say {words:?}"), said).await;
    waited.with_context(|| format!("the bridge says\n{}", bridge.service().log_tail(20)))
}
