//! Freezes Kafka repeatedly while all programs run that need it.
//!
//! During a freeze every program reports the outage within [`REPORT_LIMIT`]; after each freeze every group continues within
//! [`RECOVERY_LIMIT`]; at the end no frame that the MQTT broker acknowledged is missing. `UPDRAFT_FREEZES` sets the number
//! of freezes, which is otherwise limited by the time for a test; `UPDRAFT_SEED` selects their durations.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use harness::traffic::frames;
use harness::traffic::publisher::Publisher;
use harness::{
    ClickHouse, Kafka, KafkaOptions, Mosquitto, Program, ProgramOptions, Stack, let_pass, unique_prefix, wait_until,
};
use schemas::catalogue::{self, topic};
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;
use streams::registry::{Schemas, TopicCodec};
use streams::{Event, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition};
use tokio::time::Instant;

/// The time limit for a group to continue after the broker does.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);
/// The time limit for a program to report that it cannot work.
const REPORT_LIMIT: Duration = Duration::from_secs(10);
/// For waits without a specific limit.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum total duration of the freezes in a test.
const MAX_FROZEN_TOTAL: Duration = Duration::from_secs(110);
/// Durations of a freeze in seconds: around the session time-outs of the broker and the clients, where most errors
/// occur, and far beyond.
const DURATIONS_S: [u64; 12] = [5, 7, 9, 11, 12, 13, 13, 14, 15, 16, 24, 40];

/// The frozen Kafka, and the programs that use it.
struct Rig {
    kafka: Kafka,
    _mosquitto: Mosquitto,
    publisher: Publisher,
    log: KafkaLog,
    raw: (String, TopicCodec),
    programs: Vec<Member>,
}

/// A program, and the counter that increases while its group works.
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
        let options = |binary: &str| ProgramOptions::new(binary).envs(settings.clone()).start_within(TIMEOUT * 2);
        options("processor").args(["topics", "apply", "--new-prefix"]).run().await?;
        options("processor").args(["migrate", "--new-database"]).run().await?;
        let processor = |group: &'static str| options("processor").args([group]);
        let starting = [
            ("run", processor("run"), "fanet_processor_records_in_total"),
            ("thermals", processor("thermals"), "fanet_thermals_records_in_total"),
            ("receivers", processor("receivers"), "fanet_receivers_records_in_total"),
            ("historian", processor("historian"), "fanet_historian_rows_total"),
            ("bridge", options("bridge"), "fanet_bridge_forwarded_total"),
            ("pusher", options("pusher"), "fanet_pusher_records_total"),
        ];
        let starting = starting.map(|(name, options, counter)| async move {
            anyhow::Ok(Member { name, program: Program::start(options).await?, counter })
        });
        let programs = try_join_all(starting).await?;
        let (host, port) = mosquitto.host_port();
        let publisher = Publisher::start(format!("{host}:{port}"), "freezes", 100);
        let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "freezes"))?;
        let raw = catalogue::find(topic::RAW).context("in the catalogue")?;
        let codec = Schemas::registry(registry)?.prepare(&prefix, &raw).await?;
        let raw = (raw.full_name(&prefix), codec);
        Ok(Self { kafka, _mosquitto: mosquitto, publisher, log, raw, programs })
    }

    /// Waits until every counter has increased and every program is ready.
    async fn wait_for_recovery(&self) -> Result<Duration> {
        let began = Instant::now();
        for member in &self.programs {
            let what = format!("{} to continue", member.name);
            // Counters with labels do not exist before the first increment.
            let from = member.count().await.unwrap_or_default();
            let left = RECOVERY_LIMIT.saturating_sub(began.elapsed());
            let moved = async || (member.count().await? > from).then_some(());
            let ready = async || (member.is_ready().await? && moved().await.is_some()).then_some(());
            if let Err(error) = wait_until(left, &what, ready).await {
                return Err(error.context(self.report().await));
            }
        }
        Ok(began.elapsed())
    }

    /// What each program reports: one that stands still can be waiting for another.
    async fn report(&self) -> String {
        let mut report = String::new();
        for member in &self.programs {
            let ready = member.program.admin("/ready").await.map_or_else(|error| error.to_string(), |(_, body)| body);
            let count = member.count().await;
            let tail = member.log_tail();
            report.push_str(&format!("{} ({}: {count:?}): {ready}\n{tail}\n", member.name, member.counter));
        }
        let frames = self.publisher.with_published(|published| {
            let acknowledged = published.acknowledged.iter().filter(|acknowledged| **acknowledged).count();
            (published.acknowledged.len(), acknowledged)
        });
        report + &format!("published and acknowledged frames: {frames:?}")
    }

    /// Waits until every program reports that it cannot work, or, for the pusher, that it serves an old picture.
    async fn wait_for_reports(&self) -> Result<()> {
        let began = Instant::now();
        for member in &self.programs {
            let what = format!("{} to report that Kafka does not answer", member.name);
            let reports = async || member.reports_outage().await.then_some(());
            wait_until(REPORT_LIMIT.saturating_sub(began.elapsed()), &what, reports)
                .await
                .with_context(|| member.log_tail())?;
        }
        Ok(())
    }

    async fn freeze(&self, length: Duration) -> Result<Duration> {
        let began = Instant::now();
        self.kafka.node(0).freeze()?;
        let reported = if length > REPORT_LIMIT { self.wait_for_reports().await } else { Ok(()) };
        let left = length.saturating_sub(began.elapsed());
        let_pass(left).await;
        self.kafka.node(0).thaw()?;
        reported?;
        self.wait_for_recovery().await
    }

    /// The numbers of the frames in the raw topic.
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

    /// Ready, with no part degraded but the clock, which stays so for a minute after it leapt over the freeze.
    async fn is_ready(&self) -> Option<bool> {
        let (status, body) = self.program.admin("/ready").await.ok()?;
        let body: serde_json::Value = serde_json::from_str(&body).ok()?;
        let degraded =
            body["parts"].as_object()?.iter().any(|(part, state)| part != "clock" && state.get("degraded").is_some());
        Some(status == 200 && !degraded)
    }

    async fn reports_outage(&self) -> bool {
        let Ok((status, body)) = self.program.admin("/ready").await else { return false };
        match self.name {
            "pusher" => status == 200 && body.contains("\"degraded\":\"cannot reach"),
            _ => status == 503 && body.contains("cannot reach"),
        }
    }

    fn log_tail(&self) -> String {
        format!("{}: {}", self.name, self.program.service().log_tail(20))
    }
}

/// Pseudo-random durations, the same for a seed (the high bits of an LCG).
fn durations(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_secs(DURATIONS_S[(state >> 33) as usize % DURATIONS_S.len()])
    })
}

fn number_from(variable: &str) -> Result<Option<u64>> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().with_context(|| format!("invalid {variable}='{text}': expected a number"))).transpose()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_group_continues_after_each_freeze() -> Result<()> {
    let (requested, seed) = (number_from("UPDRAFT_FREEZES")?, number_from("UPDRAFT_SEED")?.unwrap_or(1));
    let rig = Rig::start().await?;
    rig.wait_for_recovery().await.context("before any freeze")?;
    let (mut frozen, mut count) = (Duration::ZERO, 0);
    for length in durations(seed) {
        let enough = requested.map_or(frozen + length > MAX_FROZEN_TOTAL, |requested| count == requested);
        if enough {
            break;
        }
        let back = rig.freeze(length).await.with_context(|| format!("freeze {count} of {length:?}, seed {seed}"))?;
        println!("freeze {count} of {length:?}: all groups continued after {back:.1?}");
        (frozen, count) = (frozen + length, count + 1);
    }
    ensure!(count > 0, "nothing was frozen");

    rig.publisher.allow(0);
    let published = rig.publisher.count();
    let all_acknowledged = async || {
        rig.publisher
            .with_published(|published| published.acknowledged.iter().all(|acknowledged| *acknowledged))
            .then_some(())
    };
    wait_until(TIMEOUT, "the MQTT broker to acknowledge all", all_acknowledged).await?;
    let forwarded = async || {
        let found = rig.frames().await.ok()?;
        (found.len() == published).then_some(())
    };
    wait_until(TIMEOUT, "every frame in the raw topic", forwarded).await?;
    for member in rig.programs.iter().filter(|member| !["bridge", "pusher"].contains(&member.name)) {
        let group = if member.name == "run" { "processor" } else { member.name };
        let lag = format!("fanet_{group}_lag_records");
        // Ticks continue, so that the lag does not stay at 0: a small lag means that all earlier records are processed.
        let caught_up = async || (member.program.metric(&lag, &[]).await.ok()? < 100.0).then_some(());
        wait_until(TIMEOUT, &lag, caught_up).await.with_context(|| member.log_tail())?;
    }
    Ok(())
}
