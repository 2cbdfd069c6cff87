//! A Kafka that stands still, again and again, under every program that needs it.
//!
//! After each freeze every group gets on within [`PROMISE_BACK`], and while one lasts every program says so within
//! [`PROMISE_TOLD`]; at the end nothing that the MQTT broker acknowledged is missing. `UPDRAFT_FREEZES` asks for more freezes
//! than the few that fit into a test, and `UPDRAFT_SEED` for others.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::traffic::frames;
use harness::traffic::publisher::Publisher;
use harness::{ClickHouse, Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Stack, unique_prefix, wait_until};
use schemas::catalogue::{self, topic};
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use streams::registry::{Schemas, TopicCodec};
use streams::{Event, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition};
use tokio::time::{Instant, timeout};

/// A group gets on so soon after the broker does.
const PROMISE_BACK: Duration = Duration::from_secs(30);
/// A program that cannot work says so this soon.
const PROMISE_TOLD: Duration = Duration::from_secs(10);
/// For what has no promise of its own.
const PATIENCE: Duration = Duration::from_secs(60);
/// Freezes of a test take so long together, at most.
const FROZEN_IN_ALL: Duration = Duration::from_secs(110);
/// Lengths of a freeze, seconds: around the broker's session, and clients', where most goes wrong, and far beyond.
const LENGTHS_S: [u64; 12] = [5, 7, 9, 11, 12, 13, 13, 14, 15, 16, 24, 40];

/// What is frozen under, and who works on it.
struct Rig {
    kafka: Kafka,
    _mosquitto: Mosquitto,
    publisher: Publisher,
    log: KafkaLog,
    raw: (String, TopicCodec),
    programs: Vec<Member>,
}

/// A program, and the counter that moves while its group gets on.
struct Member {
    name: &'static str,
    program: Program,
    counter: &'static str,
}

impl Rig {
    async fn start() -> Result<Self> {
        let registry = Stack::shared().registry().await?.url();
        let (kafka, mosquitto) = tokio::try_join!(Kafka::start(KafkaOptions::default()), Mosquitto::start())?;
        let clickhouse: &ClickHouse = Stack::shared().clickhouse().await?;
        let prefix = unique_prefix("freezes");
        let database = prefix.replace(['-', '.'], "_");
        let settings: Vec<(String, String)> = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", kafka.bootstrap().to_owned()),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry.to_owned()),
            ("UPDRAFT_MQTT_URL", mosquitto.url().to_owned()),
            ("UPDRAFT_CLICKHOUSE_URL", format!("{}/{database}", clickhouse.url())),
            ("UPDRAFT_TOPIC_PREFIX", prefix.clone()),
            ("UPDRAFT_BRIDGE_CLIENT_ID", format!("{prefix}bridge")),
            ("UPDRAFT_PROCESSOR_PARTITIONS", "6".to_owned()),
            ("UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", "2s".to_owned()),
            ("UPDRAFT_HISTORIAN_BLOCK_AGE", "500ms".to_owned()),
            ("UPDRAFT_BRIDGE_TICK_INTERVAL", "1s".to_owned()),
            ("UPDRAFT_REDIS_URL", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let options = |binary: &str| ProgramOptions::new(binary).envs(settings.clone()).start_within(PATIENCE * 2);
        options("processor").args(["topics", "apply", "--new-prefix"]).run().await?;
        options("processor").args(["migrate", "--new-database"]).run().await?;
        let processor = |group: &'static str| options("processor").args([group]);
        let mut programs = Vec::new();
        for (name, options, counter) in [
            ("run", processor("run"), "fanet_processor_records_in_total"),
            ("thermals", processor("thermals"), "fanet_thermals_records_in_total"),
            ("receivers", processor("receivers"), "fanet_receivers_records_in_total"),
            ("historian", processor("historian"), "fanet_historian_rows_total"),
            ("bridge", options("bridge"), "fanet_bridge_forwarded_total"),
            ("pusher", options("pusher"), "fanet_pusher_records_total"),
        ] {
            programs.push(Member { name, program: Program::start(options).await?, counter });
        }
        let (host, port) = mosquitto.host_port();
        let publisher = Publisher::start(format!("{host}:{port}"), "freezes", 100);
        let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "freezes"))?;
        let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
        let codec = Schemas::registry(registry)?.prepare(&prefix, &raw).await?;
        let raw = (raw.full_name(&prefix), codec);
        Ok(Self { kafka, _mosquitto: mosquitto, publisher, log, raw, programs })
    }

    /// Every counter moves beyond what it is now, and every program is ready.
    async fn until_all_get_on(&self) -> Result<Duration> {
        let began = Instant::now();
        for member in &self.programs {
            let what = format!("{} to get on", member.name);
            // Counters with labels are not there before the first thing is counted.
            let from = member.count().await.unwrap_or_default();
            let left = PROMISE_BACK.saturating_sub(began.elapsed());
            let moved = async || (member.count().await? > from).then_some(());
            let ready = async || (member.is_ready().await? && moved().await.is_some()).then_some(());
            wait_until(left, &what, ready).await.with_context(|| member.said())?;
        }
        Ok(began.elapsed())
    }

    /// Every program says that it cannot work; the pusher serves what it has, and says that.
    async fn until_all_say_so(&self) -> Result<()> {
        let told = Instant::now();
        for member in &self.programs {
            let what = format!("{} to say that Kafka does not answer", member.name);
            let says = async || member.says_so().await.then_some(());
            wait_until(PROMISE_TOLD.saturating_sub(told.elapsed()), &what, says)
                .await
                .with_context(|| member.said())?;
        }
        Ok(())
    }

    async fn freeze(&self, length: Duration) -> Result<Duration> {
        let began = Instant::now();
        self.kafka.node(0).freeze()?;
        let told = async { if length > PROMISE_TOLD { self.until_all_say_so().await } else { Ok(()) } };
        let told = told.await;
        let left = length.saturating_sub(began.elapsed());
        let _ = timeout(left, std::future::pending::<()>()).await;
        self.kafka.node(0).thaw()?;
        told?;
        self.until_all_get_on().await
    }

    /// Numbers of the frames in the raw topic.
    async fn frames(&self) -> Result<BTreeSet<u64>> {
        let (name, codec) = &self.raw;
        let count = self.log.partitions(name).await?;
        let from = (0..count).map(|number| (TopicPartition::new(name.as_str(), number), SeekTo::Beginning));
        let mut reader = self.log.read(from.collect()).await?;
        let (mut found, mut ended) = (BTreeSet::new(), 0);
        while ended < count {
            match reader.next().await? {
                Event::Records(records) => {
                    for record in records {
                        let value = record.value.clone().context("a raw record has a value")?;
                        let raw: RawRecord = codec.decode(&value)?;
                        if let Some(Input::MqttFrame(payload)) = raw.input {
                            found.insert(frames::number(record.key.as_deref(), &payload)?);
                        }
                    }
                }
                Event::CaughtUp(_) => ended += 1,
                Event::Assigned(_) | Event::Revoked(_) => {}
            }
        }
        Ok(found)
    }
}

impl Member {
    async fn count(&self) -> Option<f64> {
        self.program.metric(self.counter, &[]).await.ok()
    }

    async fn is_ready(&self) -> Option<bool> {
        let (status, body) = self.program.admin("/ready").await.ok()?;
        Some(status == 200 && !body.contains("\"limps\""))
    }

    async fn says_so(&self) -> bool {
        let Ok((status, body)) = self.program.admin("/ready").await else { return false };
        match self.name {
            "pusher" => status == 200 && body.contains("\"limps\":\"cannot reach"),
            _ => status == 503 && body.contains("cannot reach"),
        }
    }

    fn said(&self) -> String {
        format!("{}: {}", self.name, self.program.service().log_tail(20))
    }
}

/// Numbers without a pattern, the same for a seed (an LCG, its high bits).
fn lengths(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_secs(LENGTHS_S[(state >> 33) as usize % LENGTHS_S.len()])
    })
}

fn number_from(variable: &str) -> Result<Option<u64>> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().with_context(|| format!("{variable}={text} is no number"))).transpose()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_group_gets_on_after_each_freeze() -> Result<()> {
    let (wanted, seed) = (number_from("UPDRAFT_FREEZES")?, number_from("UPDRAFT_SEED")?.unwrap_or(1));
    let rig = Rig::start().await?;
    rig.until_all_get_on().await.context("before any freeze")?;
    let (mut frozen, mut count) = (Duration::ZERO, 0);
    for length in lengths(seed) {
        let enough = wanted.map_or(frozen + length > FROZEN_IN_ALL, |wanted| count == wanted);
        if enough {
            break;
        }
        let back = rig.freeze(length).await.with_context(|| format!("freeze {count} of {length:?}, seed {seed}"))?;
        println!("freeze {count} of {length:?}: all get on after {back:.1?}");
        (frozen, count) = (frozen + length, count + 1);
    }
    ensure!(count > 0, "nothing was frozen");

    rig.publisher.allow(0);
    let published = rig.publisher.count();
    let all_acknowledged = async || {
        rig.publisher.look(|published| published.acknowledged.iter().all(|acknowledged| *acknowledged)).then_some(())
    };
    wait_until(PATIENCE, "the MQTT broker to acknowledge all", all_acknowledged).await?;
    let forwarded = async || {
        let found = rig.frames().await.ok()?;
        (found.len() == published).then_some(())
    };
    wait_until(PATIENCE, "every frame in the raw topic", forwarded).await?;
    for member in rig.programs.iter().filter(|member| !["bridge", "pusher"].contains(&member.name)) {
        let group = if member.name == "run" { "processor" } else { member.name };
        let lag = format!("fanet_{group}_lag_records");
        // Ticks go on: that it gets close to the end is what says that all before was worked off.
        let worked_off = async || (member.program.metric(&lag, &[]).await.ok()? < 100.0).then_some(());
        wait_until(PATIENCE, &lag, worked_off).await.with_context(|| member.said())?;
    }
    Ok(())
}
