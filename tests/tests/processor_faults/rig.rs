//! What the test stands on: three Kafka nodes, a registry, a Redis behind a bad line, two processors, and traffic.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Kafka, KafkaOptions, Program, ProgramOptions, Redis, Stack, TcpProxy, unique_prefix, wait_until};
use schemas::catalogue;
use streams::registry::Schemas;
use streams::{Event, Headers, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition};

use crate::traffic::Traffic;
use crate::watch::Watch;

/// The topics of states and alerts of which a partition's owner is the only writer.
pub(crate) const STATES: [&str; 5] = [
    "fanet.state.aircraft.v1",
    "fanet.state.ground.v1",
    "fanet.state.station.v1",
    "fanet.alert.v1",
    "fanet.private.state.v1",
];

pub(crate) struct Rig {
    pub(crate) processors: [Program; 2],
    pub(crate) traffic: Traffic,
    pub(crate) watch: Watch,
    pub(crate) line_to_redis: TcpProxy,
    pub(crate) redis: Redis,
    pub(crate) kafka: Kafka,
    pub(crate) log: KafkaLog,
    pub(crate) prefix: String,
    settings: Vec<(String, String)>,
}

/// What the tops of the state topics are.
#[derive(Debug)]
pub(crate) struct Tops {
    pub(crate) live: usize,
    pub(crate) ended: usize,
}

impl Rig {
    pub(crate) async fn start() -> Result<Self> {
        let registry = Stack::shared().registry().await?.url();
        let (kafka, redis) =
            tokio::try_join!(Kafka::start(KafkaOptions { nodes: 3, ..KafkaOptions::default() }), Redis::start())?;
        let line_to_redis = TcpProxy::start(redis.url().trim_start_matches("redis://")).await?;
        let prefix = unique_prefix("survive");
        let settings: Vec<(String, String)> = [
            ("UPDRAFT_KAFKA_BOOTSTRAP", kafka.bootstrap().to_owned()),
            ("UPDRAFT_SCHEMA_REGISTRY_URL", registry.to_owned()),
            ("UPDRAFT_REDIS_URL", format!("redis://{}", line_to_redis.address())),
            ("UPDRAFT_TOPIC_PREFIX", prefix.clone()),
            ("UPDRAFT_PROCESSOR_CHECKPOINT_INTERVAL", "1s".to_owned()),
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
        Ok(Self { processors, traffic, watch, line_to_redis, redis, kafka, log, prefix, settings })
    }

    /// Runs a command of the processor to its end.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String> {
        ProgramOptions::new("processor").args(arguments.to_vec()).envs(self.settings.clone()).run().await
    }

    /// Waits until every partition has observations of frames that were sent from now on; how long that took.
    pub(crate) async fn until_flowing(&self, patience: Duration) -> Result<Duration> {
        let began = tokio::time::Instant::now();
        let mark = self.traffic.mark();
        wait_until(patience, "observations of new frames in every partition", async || {
            self.watch.is_past(&mark).then_some(())
        })
        .await
        .with_context(|| self.logs())?;
        Ok(began.elapsed())
    }

    fn logs(&self) -> String {
        self.processors.iter().map(|processor| processor.service().log_tail(8)).collect::<Vec<_>>().join("\n--\n")
    }

    /// States that were written to Redis by those processors that answer.
    pub(crate) async fn written_to_redis(&self) -> Result<f64> {
        let mut sum = 0.0;
        for processor in &self.processors {
            sum += processor.metric("fanet_processor_redis_written_total", &[]).await.unwrap_or_default();
        }
        Ok(sum)
    }

    /// Waits until the last record of every key in the state topics is its newest version.
    pub(crate) async fn until_newest_on_top(&self, patience: Duration) -> Result<Tops> {
        let looked = async || {
            let mut tops = Tops { live: 0, ended: 0 };
            for topic in STATES {
                for (newest, top) in self.versions(topic).await.ok()?.into_values() {
                    if top.version < newest {
                        return None;
                    }
                    *(if top.lives { &mut tops.live } else { &mut tops.ended }) += 1;
                }
            }
            Some(tops)
        };
        wait_until(patience, "the newest versions on top", looked).await.with_context(|| self.logs())
    }

    /// The newest version of each key in a topic, and what lies on top.
    async fn versions(&self, topic: &str) -> Result<HashMap<Vec<u8>, (u64, Top)>> {
        let mut versions: HashMap<Vec<u8>, (u64, Top)> = HashMap::new();
        self.read(topic, |key, value, headers| {
            let top = Top { version: version(headers), lives: value.is_some() };
            let known = versions.entry(key).or_insert((top.version, top));
            *known = (known.0.max(top.version), top);
        })
        .await?;
        Ok(versions)
    }

    /// All live values of a state topic, by key: of each key the newest version counts.
    pub(crate) async fn fold(&self, topic: &str) -> Result<HashMap<String, (u64, Vec<u8>)>> {
        let mut fold: HashMap<String, (u64, Option<Vec<u8>>)> = HashMap::new();
        self.read(topic, |key, value, headers| {
            let (key, version) = (String::from_utf8_lossy(&key).into_owned(), version(headers));
            if fold.get(&key).is_none_or(|(known, _)| *known <= version) {
                fold.insert(key, (version, value.map(<[u8]>::to_vec)));
            }
        })
        .await?;
        Ok(fold.into_iter().filter_map(|(key, (version, value))| Some((key, (version, value?)))).collect())
    }

    async fn read(&self, topic: &str, mut take: impl FnMut(Vec<u8>, Option<&[u8]>, &Headers)) -> Result<()> {
        let topic = catalogue::find(topic).context("in the catalogue")?;
        let name: Arc<str> = topic.full_name(&self.prefix).into();
        let places = (0..topic.partitions).map(|at| (TopicPartition::new(name.clone(), at), SeekTo::Beginning));
        let mut source = self.log.read(places.collect()).await?;
        let mut unfinished = topic.partitions;
        while unfinished > 0 {
            match source.next().await? {
                Event::Records(records) => {
                    for record in records {
                        let key = record.key.as_deref().unwrap_or_default().to_vec();
                        take(key, record.value.as_deref(), &record.headers);
                    }
                }
                Event::CaughtUp(_) => unfinished -= 1,
                _ => {}
            }
        }
        ensure!(unfinished == 0, "a part of {name} is missing");
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Top {
    version: u64,
    lives: bool,
}

fn version(headers: &Headers) -> u64 {
    let told = headers.first("version").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    told.expect("states and tombstones carry their version")
}
