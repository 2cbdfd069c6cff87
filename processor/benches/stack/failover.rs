//! 100,000 devices whose owner ends: the time until they are restored, and until new frames are observed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use harness::{Program, ProgramOptions, unique_prefix, wait_until};
use processor::{CoreOptions, GroupOptions, RedisOptions};
use prost::Message as _;
use runtime::{Clock, Context};
use schemas::RecordId;
use schemas::v1::Observation;
use streams::registry::Schemas;
use streams::{Cluster, Event, KafkaLog, KafkaSettings, Log, SeekTo, TopicPartition, framing};
use tokio::task::JoinHandle;

use crate::traffic::Plan;
use crate::{counter, fill, now, report};

const DEVICES: u32 = 100_000;
const PARTITIONS: u32 = 24;
const TIME_LIMIT: Duration = Duration::from_secs(180);

pub(crate) async fn measure(bootstrap: &str, registry: &str, redis_url: &str) -> anyhow::Result<()> {
    let log = KafkaLog::connect(KafkaSettings::new(bootstrap, "bench"))?;
    let (prefix, schemas) = (unique_prefix("failover"), Schemas::registry(registry)?);
    processor::topics::create(&prefix, &log).await?;
    let start_us = Clock::system().now_us() - 30_000_000;
    let plan = Plan { devices: DEVICES, seconds: 15, receivers: 1, seed: 4, start_us };
    let frames = fill(&log, &schemas, &prefix, plan).await?;

    let serve = |context: &Context| -> JoinHandle<anyhow::Result<()>> {
        let (log, schemas) = (Arc::new(log.clone()), schemas.clone());
        let cluster = Cluster::new(log, schemas, prefix.clone());
        let redis = RedisOptions { redis_url: redis_url.to_owned().into() };
        tokio::spawn(processor::serve(CoreOptions::default(), GroupOptions::default(), redis, cluster, context.clone()))
    };
    let is_at = async |context: &Context, name: &str, least: f64| {
        let wanted = async || counter(context, name).filter(|value| *value >= least).map(drop);
        wait_until(TIME_LIMIT, name, wanted).await
    };
    let first = Context::new(Clock::system());
    let work = serve(&first);
    is_at(&first, "fanet_processor_records_in_total", frames as f64).await?;
    first.shutdown.request();
    work.await??;

    let second = Context::new(Clock::system());
    let work = serve(&second);
    is_at(&second, "fanet_processor_partitions", f64::from(PARTITIONS)).await?;
    let assigned = now();
    is_at(&second, "fanet_processor_restore_seconds_count", f64::from(PARTITIONS)).await?;
    report("restore_100k_devices_s", assigned.elapsed().as_secs_f64(), "s");
    second.shutdown.request();
    work.await??;
    killed(&log, &schemas, &prefix, [bootstrap, registry, redis_url]).await
}

/// Two processes, one of which is killed while frames arrive.
async fn killed(log: &KafkaLog, schemas: &Schemas, prefix: &str, services: [&str; 3]) -> anyhow::Result<()> {
    let names = ["UPDRAFT_KAFKA_BOOTSTRAP", "UPDRAFT_SCHEMA_REGISTRY_URL", "UPDRAFT_REDIS_URL"];
    let settings = names.into_iter().zip(services).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = ProgramOptions::new("processor").args(["run"]).envs(settings).env("UPDRAFT_TOPIC_PREFIX", prefix);
    let owners = [Program::start(options.clone()).await?, Program::start(options).await?];
    let share = async || {
        let owned = owners[0].metric("fanet_processor_partitions", &[]).await.ok()?;
        (owned == f64::from(PARTITIONS / 2)).then_some(())
    };
    wait_until(TIME_LIMIT, "each to own half of the partitions", share).await?;

    let mut observed = Observed::open(log, prefix).await?;
    let now_us = Clock::system().now_us();
    let plan = Plan { devices: 2_000, seconds: 10, receivers: 1, seed: 5, start_us: now_us };
    fill(log, schemas, prefix, plan).await?;
    observed.until_past(&BTreeMap::new()).await?;
    owners[0].service().kill().await?;
    let killed = now();
    let mut mark = BTreeMap::new();
    let raw: Arc<str> = format!("{prefix}fanet.raw.v1").into();
    for partition in 0..PARTITIONS {
        mark.insert(partition, log.watermarks(&TopicPartition::new(raw.clone(), partition)).await?.high);
    }
    fill(log, schemas, prefix, Plan { seed: 6, start_us: now_us + 15_000_000, ..plan }).await?;
    observed.until_past(&mark).await?;
    report("failover_s", killed.elapsed().as_secs_f64(), "s");
    Ok(())
}

/// The highest observed offset of each raw partition.
struct Observed {
    source: Box<dyn streams::Source>,
    highest: BTreeMap<u32, u64>,
}

impl Observed {
    async fn open(log: &KafkaLog, prefix: &str) -> anyhow::Result<Self> {
        let name: Arc<str> = format!("{prefix}fanet.observation.v1").into();
        let ends = (0..PARTITIONS).map(|at| (TopicPartition::new(name.clone(), at), SeekTo::End));
        Ok(Self { source: log.read(ends.collect()).await?, highest: BTreeMap::new() })
    }

    async fn until_past(&mut self, mark: &BTreeMap<u32, u64>) -> anyhow::Result<()> {
        let past = async {
            while !(0..PARTITIONS).all(|at| self.highest.get(&at) > mark.get(&at)) {
                let Event::Records(records) = self.source.next().await? else { continue };
                for value in records.into_iter().filter_map(|record| record.value) {
                    let observation = Observation::decode(framing::decode(&value)?.payload)?;
                    let id = RecordId(observation.observation_id);
                    let highest = self.highest.entry(id.partition().into()).or_default();
                    *highest = (*highest).max(id.offset());
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(TIME_LIMIT, past).await.context("observations in every partition")?
    }
}
