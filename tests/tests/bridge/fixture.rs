//! The fixture of these tests: topics with a prefix in the shared Kafka, a separate Mosquitto, and bridges between
//! them.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, Mosquitto, Program, ProgramOptions, Stack, unique_prefix, wait_until};
use prost::Message;
use schemas::catalogue::{self, topic};
use schemas::v1::RawRecord;
use streams::{Event, Incoming, KafkaLog, KafkaSettings, Log, NewTopic, SeekTo, TopicPartition, framing};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(90);

pub(crate) struct Fixture {
    pub(crate) mosquitto: Mosquitto,
    pub(crate) prefix: String,
    kafka: &'static Kafka,
}

/// A record of the raw topic, and its message.
pub(crate) struct Raw {
    pub(crate) record: Incoming,
    pub(crate) message: RawRecord,
}

impl Fixture {
    /// Starts a Mosquitto with additional settings.
    pub(crate) async fn new(name: &str, broker_settings: &str) -> Result<Self> {
        let mosquitto = Mosquitto::start_with(broker_settings).await?;
        Ok(Self { mosquitto, prefix: unique_prefix(name), kafka: Stack::shared().kafka().await? })
    }

    /// Uses a separate Kafka.
    pub(crate) async fn on(kafka: &'static Kafka, name: &str) -> Result<Self> {
        Ok(Self { mosquitto: Mosquitto::start().await?, prefix: unique_prefix(name), kafka })
    }

    /// Uses this Mosquitto.
    pub(crate) async fn with(mosquitto: Mosquitto, name: &str) -> Result<Self> {
        Ok(Self { mosquitto, prefix: unique_prefix(name), kafka: Stack::shared().kafka().await? })
    }

    pub(crate) fn log(&self) -> Result<KafkaLog> {
        Ok(KafkaLog::connect(KafkaSettings::new(self.kafka.bootstrap(), "fixture"))?)
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

    /// The options of a bridge, which is not started.
    pub(crate) async fn bridge(&self) -> Result<ProgramOptions> {
        Ok(ProgramOptions::new("bridge")
            .env("UPDRAFT_KAFKA_BOOTSTRAP", self.bootstrap())
            .env("UPDRAFT_SCHEMA_REGISTRY_URL", Stack::shared().registry().await?.url())
            .env("UPDRAFT_TOPIC_PREFIX", &self.prefix)
            .env("UPDRAFT_MQTT_URL", self.mosquitto.url()))
    }

    /// Publishes at QoS 1 with mosquitto_pub; on return the broker has acknowledged the message.
    pub(crate) async fn publish(&self, topic: &str, payload: &[u8]) -> Result<()> {
        self.publish_with(&[], topic, payload).await
    }

    /// Publishes with the retain flag.
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

    /// Waits until the raw topic has this number of records without ticks, and returns all of them.
    pub(crate) async fn raw(&self, at_least: usize) -> Result<Vec<Raw>> {
        let enough = async || {
            let all = self.records(topic::RAW).await.ok()?.into_iter().map(parse).collect::<Result<Vec<_>>>();
            let mut all = all.expect("raw records");
            all.retain(|raw| !raw.is_tick());
            (all.len() >= at_least).then_some(all)
        };
        wait_until(TIMEOUT, &format!("{at_least} raw records"), enough).await
    }

    /// All records of a topic at present.
    pub(crate) async fn records(&self, name: &str) -> Result<Vec<Incoming>> {
        let (log, topic) = (self.log()?, catalogue::find(name).context("in the catalogue")?);
        let all = (0..topic.partitions).map(|partition| TopicPartition::new(self.full_name(name), partition));
        let mut source = log.read(all.map(|partition| (partition, SeekTo::Beginning)).collect()).await?;
        let (mut records, mut open) = (Vec::new(), topic.partitions);
        while open > 0 {
            match tokio::time::timeout(TIMEOUT, source.next()).await.context("time-out while reading")?? {
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
    let value = record.value.as_ref().context("unexpected tombstone")?;
    let message = RawRecord::decode(framing::decode(value)?.payload)?;
    Ok(Raw { record, message })
}

/// Waits until `/ready` answers 503 with this reason.
pub(crate) async fn wait_until_not_ready(bridge: &Program, reason: &str) -> Result<()> {
    let not_ready = async || {
        let (status, body) = bridge.admin("/ready").await.ok()?;
        (status == 503 && body.contains(reason)).then_some(())
    };
    let waited = wait_until(TIMEOUT, &format!("/ready to report {reason:?}"), not_ready).await;
    waited.with_context(|| format!("log of the bridge:\n{}", bridge.service().log_tail(20)))
}

/// Waits until the log contains this text.
pub(crate) async fn wait_for_log(bridge: &Program, text: &str) -> Result<()> {
    let logged = async || bridge.service().log_tail(200).contains(text).then_some(());
    let waited = wait_until(TIMEOUT, &format!("the bridge to log {text:?}"), logged).await;
    waited.with_context(|| format!("log of the bridge:\n{}", bridge.service().log_tail(20)))
}

/// Waits until a metric has at least this value: the bridge counts what it did after others can see it.
pub(crate) async fn wait_for_count(bridge: &Program, metric: &str, at_least: f64) -> Result<()> {
    let counted = async || (bridge.metric(metric, &[]).await.ok()? >= at_least).then_some(());
    wait_until(TIMEOUT, &format!("{metric} to be {at_least} or more"), counted).await
}
