//! The bridge between a Mosquitto and a Kafka of its own, with a line to each that can be disturbed; frames going in on one
//! side and a ledger on the other.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::{
    Detour, Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Stack, TcpProxy, free_port, unique_prefix,
    wait_until,
};
use schemas::catalogue::{self, topic};
use streams::{KafkaLog, KafkaSettings, Log, NewTopic, TopicPartition};

use crate::clock;
use crate::ledger::Ledger;
use crate::publisher::Publisher;

/// Frames between receipt and acknowledgement.
pub(crate) const WINDOW: usize = 2000;
/// A frame that takes no longer than this flows normally.
const NORMAL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Rig {
    pub(crate) kafka: Kafka,
    pub(crate) mosquitto: Mosquitto,
    /// From the bridge to Kafka; a cluster of several nodes is reached directly.
    pub(crate) kafka_line: Option<TcpProxy>,
    /// From the bridge to Mosquitto.
    pub(crate) mqtt_line: TcpProxy,
    pub(crate) bridge: Program,
    pub(crate) publisher: Publisher,
    pub(crate) ledger: Ledger,
    prefix: String,
}

impl Rig {
    pub(crate) async fn start(name: &str, nodes: u16, rate_hz: u32) -> Result<Self> {
        let prefix = unique_prefix(name);
        let (kafka, kafka_line) = start_kafka(nodes).await?;
        create_topics(&kafka, &prefix).await?;
        let mosquitto = Mosquitto::start().await?;
        let (host, port) = mosquitto.host_port();
        let address = format!("{host}:{port}");
        let mqtt_line = TcpProxy::start(&address).await?;
        let bootstrap = kafka_line.as_ref().map_or_else(|| kafka.bootstrap().to_owned(), TcpProxy::address);
        let options = ProgramOptions::new("bridge")
            .env("UPDRAFT_KAFKA_BOOTSTRAP", bootstrap)
            .env("UPDRAFT_SCHEMA_REGISTRY_URL", Stack::shared().registry().await?.url())
            .env("UPDRAFT_TOPIC_PREFIX", &prefix)
            .env("UPDRAFT_MQTT_URL", format!("mqtt://{}", mqtt_line.address()))
            .env("UPDRAFT_BRIDGE_WINDOW", WINDOW);
        let bridge = Program::start(options).await?;
        let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
        let ledger = Ledger::open(kafka.bootstrap(), &raw.full_name(&prefix), raw.partitions).await?;
        let publisher = Publisher::start(address, "receiver", rate_hz);
        let rig = Self { kafka, mosquitto, kafka_line, mqtt_line, bridge, publisher, ledger, prefix };
        rig.recovered(clock::now()).await.context("the first frames")?;
        Ok(rig)
    }

    /// The line to Kafka.
    pub(crate) fn kafka_line(&self) -> &TcpProxy {
        self.kafka_line.as_ref().expect("a single node is reached through a line")
    }

    /// Waits until the publisher has published so many more frames: the measure of time here.
    pub(crate) async fn published(&self, more: usize) -> Result<()> {
        let until = self.publisher.count() + more;
        let enough = async || (self.publisher.count() >= until).then_some(());
        wait_until(PATIENCE, "more frames to be published", enough).await
    }

    /// Waits until so many more different frames are in Kafka.
    pub(crate) async fn carried(&self, more: usize) -> Result<()> {
        let seen = || self.ledger.look(|book| book.first_seen.len());
        let until = seen() + more;
        wait_until(PATIENCE, "more frames in Kafka", async || (seen() >= until).then_some(())).await
    }

    /// How long it takes from `end`, the end of a disturbance, until a frame published after it is in Kafka within a second.
    pub(crate) async fn recovered(&self, end: Instant) -> Result<Duration> {
        let next = Cell::new(self.publisher.look(|published| published.at.partition_point(|at| *at < end)));
        let normal = async || {
            let look = |published: &crate::publisher::Published| {
                self.ledger.look(|book| {
                    while let Some(Some(seen)) = book.first_seen.get(next.get()).copied() {
                        if seen - published.at[next.get()] < NORMAL {
                            return Some(seen - end);
                        }
                        next.set(next.get() + 1);
                    }
                    None
                })
            };
            self.publisher.look(look)
        };
        wait_until(PATIENCE, "the flow to be normal again", normal).await
    }

    /// Waits until the bridge's `/ready` is not well and says why.
    pub(crate) async fn complains(&self, of: &str) -> Result<String> {
        let complaint = async || {
            let (status, body) = self.bridge.admin("/ready").await.ok()?;
            (status == 503 && body.contains(of)).then_some(body)
        };
        wait_until(PATIENCE, &format!("/ready to say {of:?}"), complaint).await
    }

    /// Waits until the window is full.
    pub(crate) async fn full(&self) -> Result<()> {
        let full = async || {
            let in_flight = self.bridge.metric("fanet_bridge_in_flight", &[]).await.ok()?;
            (in_flight >= WINDOW as f64).then_some(())
        };
        wait_until(PATIENCE, "the window to be full", full).await
    }

    /// How many records a topic of this rig has.
    pub(crate) async fn records(&self, name: &str) -> Result<u64> {
        let log = KafkaLog::connect(KafkaSettings::new(self.kafka.bootstrap(), "counter"))?;
        let topic = catalogue::find(name).context("in the catalogue")?;
        let mut count = 0;
        for partition in 0..topic.partitions {
            let marks = log.watermarks(&TopicPartition::new(topic.full_name(&self.prefix), partition)).await?;
            count += marks.high - marks.low;
        }
        Ok(count)
    }
}

async fn start_kafka(nodes: u16) -> Result<(Kafka, Option<TcpProxy>)> {
    // Benchmarks are built with optimisation and want Kafka at its best; tests want it soon.
    let options = KafkaOptions { nodes, fast: !cfg!(debug_assertions), ..KafkaOptions::default() };
    if nodes > 1 {
        return Ok((Kafka::start(options).await?, None));
    }
    let port = free_port();
    let line = TcpProxy::start(&format!("127.0.0.1:{port}")).await?;
    let detour = Some(Detour { port, advertised: line.address() });
    Ok((Kafka::start(KafkaOptions { detour, ..options }).await?, Some(line)))
}

pub(crate) async fn create_topics(kafka: &Kafka, prefix: &str) -> Result<()> {
    let new = |name: &str| {
        let topic = catalogue::find(name).context("in the catalogue")?;
        anyhow::Ok(NewTopic {
            name: topic.full_name(prefix),
            partitions: topic.partitions,
            replication: None,
            settings: topic.settings,
        })
    };
    let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "topics"))?;
    log.create_topics(&[new(topic::RAW)?, new(topic::DEAD_LETTER)?]).await?;
    Ok(())
}
