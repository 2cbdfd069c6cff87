//! The test rig: three Kafka nodes, a registry, a Redis behind a fault-injecting proxy, two processors, and traffic.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, KafkaOptions, Program, ProgramOptions, Redis, Stack, TcpProxy, unique_prefix, wait_until};
use schemas::catalogue;
use streams::registry::Schemas;
use streams::{Event, Headers, Incoming, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition};

use crate::traffic::Traffic;
use crate::watch::Watch;

/// The topics of states and alerts, in which the owner of a partition is the only writer.
pub(crate) const STATES: [&str; 5] = [
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
];

/// The group removes a killed or frozen member within two seconds, so that ten kills fit into a test.
const SHORT_SESSION: &str = "session.timeout.ms=2000,heartbeat.interval.ms=500";

pub(crate) struct Rig {
    pub(crate) processors: [Program; 2],
    pub(crate) traffic: Traffic,
    pub(crate) watch: Watch,
    pub(crate) redis_proxy: TcpProxy,
    pub(crate) redis: Redis,
    pub(crate) kafka: Kafka,
    pub(crate) log: KafkaLog,
    pub(crate) prefix: String,
    settings: Vec<(String, String)>,
}

/// The number of keys in the state topics, by the kind of their last record.
#[derive(Debug)]
pub(crate) struct LastStates {
    pub(crate) live: usize,
    pub(crate) ended: usize,
}

impl Rig {
    pub(crate) async fn start() -> Result<Self> {
        let registry = Stack::shared().registry().await?.url();
        let settings = vec![("group.min.session.timeout.ms".to_owned(), "500".to_owned())];
        let options = KafkaOptions { nodes: 3, settings, ..KafkaOptions::default() };
        let (kafka, redis) = tokio::try_join!(Kafka::start(options), Redis::start())?;
        let redis_proxy = TcpProxy::start(redis.url().trim_start_matches("redis://")).await?;
        let prefix = unique_prefix("survive");
        let settings: Vec<(String, String)> = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", kafka.bootstrap().to_owned()),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry.to_owned()),
            ("UPDRAFT_REDIS_URL", format!("redis://{}", redis_proxy.address())),
            ("UPDRAFT_TOPIC_PREFIX", prefix.clone()),
            ("UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", "1s".to_owned()),
            ("UPDRAFT_KAFKA_CONFIG", SHORT_SESSION.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let program = |args: &[&str]| ProgramOptions::new("processor").args(args.to_vec()).envs(settings.clone());
        program(&["topics", "apply", "--new-prefix", "--replication", "3"]).run().await?;
        let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "survive"))?;
        let schemas = Schemas::registry(registry)?;
        let raw = catalogue::find("fanet.raw.v1").context("in the catalogue")?;
        let codec = schemas.prepare(&prefix, &raw).await?;
        let traffic = Traffic::start(&log, codec, raw.full_name(&prefix).into())?;
        let processors = [Program::spawn(program(&["run"]))?, Program::spawn(program(&["run"]))?];
        let watch = Watch::start(Arc::new(log.clone()), &prefix).await?;
        Ok(Self { processors, traffic, watch, redis_proxy, redis, kafka, log, prefix, settings })
    }

    /// Runs a command of the processor to its end.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String> {
        ProgramOptions::new("processor").args(arguments.to_vec()).envs(self.settings.clone()).run().await
    }

    /// Waits until every partition has observations of frames that were sent from now on; returns the waiting time.
    pub(crate) async fn wait_for_observations(&self, timeout: Duration) -> Result<Duration> {
        let began = tokio::time::Instant::now();
        let newest_offsets = self.traffic.newest_offsets();
        wait_until(timeout, "observations of new frames in every partition", async || {
            self.watch.has_passed(&newest_offsets).then_some(())
        })
        .await
        .with_context(|| self.logs())?;
        Ok(began.elapsed())
    }

    fn logs(&self) -> String {
        self.processors.iter().map(|processor| processor.service().log_tail(8)).collect::<Vec<_>>().join("\n--\n")
    }

    /// The number of states that the running processors wrote to Redis.
    pub(crate) async fn written_to_redis(&self) -> Result<f64> {
        let mut sum = 0.0;
        for processor in &self.processors {
            sum += processor.metric("fanet_processor_redis_written_total", &[]).await.unwrap_or_default();
        }
        Ok(sum)
    }

    /// Waits until the last record of every key in the state topics is its newest version.
    pub(crate) async fn wait_for_newest_last(&self, timeout: Duration) -> Result<LastStates> {
        let check = async || {
            let mut last_states = LastStates { live: 0, ended: 0 };
            for topic in STATES {
                for (newest, last) in self.versions(topic).await.ok()?.into_values() {
                    if last.version < newest {
                        return None;
                    }
                    *(if last.is_live { &mut last_states.live } else { &mut last_states.ended }) += 1;
                }
            }
            Some(last_states)
        };
        wait_until(timeout, "the newest versions to be the last ones", check).await.with_context(|| self.logs())
    }

    /// The newest version and the last record of each key in a topic.
    async fn versions(&self, topic: &str) -> Result<HashMap<Vec<u8>, (u64, LastRecord)>> {
        let mut versions: HashMap<Vec<u8>, (u64, LastRecord)> = HashMap::new();
        self.read(topic, |record| {
            let last = LastRecord { version: version(&record.headers), is_live: record.value.is_some() };
            let known = versions.entry(key(record)).or_insert((last.version, last));
            *known = (known.0.max(last.version), last);
        })
        .await?;
        Ok(versions)
    }

    /// The live states of a topic by key, from the newest version of each key.
    pub(crate) async fn live_states(&self, topic: &str) -> Result<HashMap<String, (u64, Vec<u8>)>> {
        let mut live_states: HashMap<String, (u64, Option<Vec<u8>>)> = HashMap::new();
        self.read(topic, |record| {
            let (key, version) = (String::from_utf8_lossy(&key(record)).into_owned(), version(&record.headers));
            if live_states.get(&key).is_none_or(|(known, _)| *known <= version) {
                live_states.insert(key, (version, record.value.as_deref().map(<[u8]>::to_vec)));
            }
        })
        .await?;
        Ok(live_states.into_iter().filter_map(|(key, (version, value))| Some((key, (version, value?)))).collect())
    }

    /// Applies every record of a topic, as long as it now is.
    pub(crate) async fn read(&self, topic: &str, mut apply: impl FnMut(&Incoming)) -> Result<()> {
        let topic = catalogue::find(topic).context("in the catalogue")?;
        let name: Arc<str> = topic.full_name(&self.prefix).into();
        let partitions = (0..topic.partitions).map(|at| (TopicPartition::new(name.clone(), at), SeekTo::Beginning));
        let mut source = self.log.read(partitions.collect()).await?;
        let mut unfinished = topic.partitions;
        while unfinished > 0 {
            match source.next().await? {
                Event::Records(records) => records.iter().for_each(&mut apply),
                Event::CaughtUp(_) => unfinished -= 1,
                _ => {}
            }
        }
        ensure!(unfinished == 0, "{name} was not read completely");
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct LastRecord {
    version: u64,
    is_live: bool,
}

fn key(record: &Incoming) -> Vec<u8> {
    record.key.as_deref().unwrap_or_default().to_vec()
}

fn version(headers: &Headers) -> u64 {
    let version = headers.first("version").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    version.expect("states and tombstones have a version header")
}
