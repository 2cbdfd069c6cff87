//! The bridge between a separate Mosquitto and Kafka, with a fault-injecting proxy to each; a publisher of frames, and
//! a ledger of those in Kafka.

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

/// The bridge's window: the maximum number of unacknowledged frames.
pub(crate) const WINDOW: usize = 2000;
/// The maximum latency of a frame in normal operation.
const NORMAL_LATENCY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Rig {
    pub(crate) kafka: Kafka,
    pub(crate) mosquitto: Mosquitto,
    /// The proxy to Kafka; `None`: direct connections to several nodes.
    pub(crate) kafka_proxy: Option<TcpProxy>,
    /// The proxy to Mosquitto.
    pub(crate) mqtt_proxy: TcpProxy,
    pub(crate) bridge: Program,
    pub(crate) publisher: Publisher,
    pub(crate) ledger: Ledger,
    prefix: String,
}

impl Rig {
    pub(crate) async fn start(name: &str, nodes: u16, rate_hz: u32) -> Result<Self> {
        let prefix = unique_prefix(name);
        let (kafka, kafka_proxy) = start_kafka(nodes).await?;
        create_topics(&kafka, &prefix).await?;
        let mosquitto = Mosquitto::start().await?;
        let (host, port) = mosquitto.host_port();
        let address = format!("{host}:{port}");
        let mqtt_proxy = TcpProxy::start(&address).await?;
        let bootstrap = kafka_proxy.as_ref().map_or_else(|| kafka.bootstrap().to_owned(), TcpProxy::address);
        let options = ProgramOptions::new("bridge")
            .env("UPDRAFT_KAFKA_BOOTSTRAP", bootstrap)
            .env("UPDRAFT_SCHEMA_REGISTRY_URL", Stack::shared().registry().await?.url())
            .env("UPDRAFT_TOPIC_PREFIX", &prefix)
            .env("UPDRAFT_MQTT_URL", format!("mqtt://{}", mqtt_proxy.address()))
            .env("UPDRAFT_BRIDGE_WINDOW", WINDOW);
        let bridge = Program::start(options).await?;
        let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
        let ledger = Ledger::open(kafka.bootstrap(), &raw.full_name(&prefix), raw.partitions).await?;
        let publisher = Publisher::start(address, "receiver", rate_hz);
        let rig = Self { kafka, mosquitto, kafka_proxy, mqtt_proxy, bridge, publisher, ledger, prefix };
        rig.wait_for_recovery(clock::now()).await.context("the first frames")?;
        Ok(rig)
    }

    /// The proxy to Kafka.
    pub(crate) fn kafka_proxy(&self) -> &TcpProxy {
        self.kafka_proxy.as_ref().expect("a single node has a proxy")
    }

    /// Waits until the publisher has published this number of further frames.
    pub(crate) async fn wait_for_published(&self, more: usize) -> Result<()> {
        let until = self.publisher.count() + more;
        let enough = async || (self.publisher.count() >= until).then_some(());
        wait_until(TIMEOUT, "more frames to be published", enough).await
    }

    /// Waits until this number of further frames is in Kafka.
    pub(crate) async fn wait_for_carried(&self, more: usize) -> Result<()> {
        let seen = || self.ledger.with_entries(|entries| entries.first_seen.len());
        let until = seen() + more;
        wait_until(TIMEOUT, "more frames in Kafka", async || (seen() >= until).then_some(())).await
    }

    /// The time from `end`, the end of a fault, until a frame published after it is in Kafka within a second.
    pub(crate) async fn wait_for_recovery(&self, end: Instant) -> Result<Duration> {
        let next = Cell::new(self.publisher.with_published(|published| published.at.partition_point(|at| *at < end)));
        let normal = async || {
            let look = |published: &crate::publisher::Published| {
                self.ledger.with_entries(|entries| {
                    while let Some(Some(seen)) = entries.first_seen.get(next.get()).copied() {
                        if seen - published.at[next.get()] < NORMAL_LATENCY {
                            return Some(seen - end);
                        }
                        next.set(next.get() + 1);
                    }
                    None
                })
            };
            self.publisher.with_published(look)
        };
        wait_until(TIMEOUT, "normal latency", normal).await
    }

    /// Waits until the bridge's `/ready` answers 503 with this reason.
    pub(crate) async fn wait_until_not_ready(&self, reason: &str) -> Result<String> {
        let not_ready = async || {
            let (status, body) = self.bridge.admin("/ready").await.ok()?;
            (status == 503 && body.contains(reason)).then_some(body)
        };
        wait_until(TIMEOUT, &format!("/ready to report {reason:?}"), not_ready).await
    }

    /// Waits until the window is full.
    pub(crate) async fn wait_for_full_window(&self) -> Result<()> {
        let full = async || {
            let in_flight = self.bridge.metric("fanet_bridge_in_flight", &[]).await.ok()?;
            (in_flight >= WINDOW as f64).then_some(())
        };
        wait_until(TIMEOUT, "the window to be full", full).await
    }

    /// The number of records of a topic.
    pub(crate) async fn records(&self, name: &str) -> Result<u64> {
        let log = KafkaLog::connect(KafkaSettings::new(self.kafka.bootstrap(), "counter"))?;
        let topic = catalogue::find(name).context("in the catalogue")?;
        let mut count = 0;
        for partition in 0..topic.partitions {
            let watermarks = log.watermarks(&TopicPartition::new(topic.full_name(&self.prefix), partition)).await?;
            count += watermarks.high - watermarks.low;
        }
        Ok(count)
    }
}

async fn start_kafka(nodes: u16) -> Result<(Kafka, Option<TcpProxy>)> {
    // An optimised build uses the settings for benchmarks, other builds those for a quick start.
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
