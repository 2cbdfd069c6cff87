//! The groups on any log, until stopped.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::{Context, Tasks, keep_trying};
use schemas::catalogue::topic;
use streams::registry::Schemas;
use streams::{Log, StreamError};

use crate::config::{CoreOptions, GroupOptions, Privacy, ReceiverOptions, RedisOptions};
use crate::metrics::{GroupMetrics, RawMetrics, RedisMetrics};
use crate::pipeline::{Machine, Pipeline};
use crate::raw::RawMachine;
use crate::receivers::{Hearing, Places, ReceiverMachine, ReceiverTopics};
use crate::sinks::live::{LiveFeeds, LiveKind};
use crate::sinks::rebuild::{States, rebuild};
use crate::sinks::redis::{LiveLifetimes, RedisSink};
use crate::sinks::topics::{RawTopics, unless_stopped};
use crate::thermals::{Aggregator, ThermalMachine, ThermalTopics};

/// What a task gets to finish with.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// Who makes statistics of what came before needs no record by itself.
const STATISTICS_GATHER_TIME: Duration = Duration::from_millis(100);
/// A thermal is told of anew, or ended, long before.
const THERMAL_LIFETIME_S: u64 = 6 * 3_600;

/// What every group stands on.
#[derive(Clone)]
pub struct Outfit {
    /// The process.
    pub context: Context,
    /// The cluster.
    pub log: Arc<dyn Log>,
    /// Where schemas are registered.
    pub schemas: Schemas,
    /// Put before every topic name.
    pub topic_prefix: String,
}

impl Outfit {
    fn pipeline<M: Machine>(
        &self,
        group: &'static str,
        input: Arc<str>,
        checkpoints: Arc<str>,
        options: &GroupOptions,
        live: Option<LiveFeeds>,
        machine: impl Fn(u32, &str) -> M + Send + Sync + 'static,
    ) -> Pipeline<M> {
        Pipeline {
            context: self.context.clone(),
            log: self.log.clone(),
            group: format!("{}{group}", self.topic_prefix),
            input: input.to_string(),
            checkpoints,
            dead_letters: format!("{}{}", self.topic_prefix, topic::DEAD_LETTER).into(),
            service: group,
            reject_limits: options.reject_limits(),
            checkpoint_interval: options.checkpoint_interval,
            max_batch_records: options.max_batch_records,
            gather_time: Duration::ZERO,
            patient_topics: Vec::new(),
            machine: Arc::new(machine),
            live,
            part: self.context.readiness.part(group),
            metrics: GroupMetrics::register(&self.context.metrics, group),
        }
    }

    /// How many partitions the raw topic has, once it is there. `None`: asked to stop.
    async fn raw_partitions(&self, group: &'static str) -> anyhow::Result<Option<u32>> {
        let name = format!("{}{}", self.topic_prefix, topic::RAW);
        let (what, part) = (format!("topic {name}"), self.context.readiness.part(group));
        let is_final = |error: &StreamError| !error.is_transient();
        let count = keep_trying(&self.context, &part, &what, is_final, || self.log.partitions(&name)).await;
        count.with_context(|| what.clone())
    }

    fn redis(
        &self,
        options: &RedisOptions,
        group: &str,
        kinds: &'static [LiveKind],
        lifetimes: LiveLifetimes,
    ) -> anyhow::Result<Option<(LiveFeeds, RedisSink)>> {
        let Some(url) = options.url() else { return Ok(None) };
        let feeds = LiveFeeds::default();
        let metrics = RedisMetrics::register(&self.context.metrics, group);
        let sink = RedisSink::new(url, feeds.clone(), kinds, lifetimes, &self.context, metrics)?;
        Ok(Some((feeds, sink)))
    }

    /// Redis first, so that it ends last.
    async fn run<M: Machine>(
        &self,
        name: &'static str,
        redis: Option<RedisSink>,
        pipeline: Pipeline<M>,
    ) -> anyhow::Result<()> {
        let mut tasks = Tasks::new(self.context.clock.clone(), self.context.shutdown.clone());
        if let Some(redis) = redis {
            tasks.spawn("redis", |stop| redis.run(stop));
        }
        tasks.spawn(name, |stop| pipeline.run(stop));
        tasks.run(STOP_DEADLINE).await
    }
}

fn live_lifetimes(core: &CoreOptions) -> LiveLifetimes {
    LiveLifetimes {
        aircraft_s: core.aircraft_lifetime.as_secs(),
        ground_s: core.ground_lifetime.as_secs(),
        station_s: core.station_lifetime.as_secs(),
        thermal_s: THERMAL_LIFETIME_S,
        validation_s: core.device_lifetime.as_secs(),
    }
}

/// Writes Redis anew from the log; prints what it does.
///
/// # Errors
/// The log, the registry or Redis cannot be reached.
pub async fn rebuild_redis(core: CoreOptions, redis: RedisOptions, outfit: Outfit) -> anyhow::Result<()> {
    let url = redis.url().context("a Redis is needed")?;
    let client = redis::Client::open(url.reveal()).context("the Redis URL")?;
    let Outfit { context, log, schemas, topic_prefix } = &outfit;
    let states = States { log: log.as_ref(), schemas, topic_prefix };
    let (lifetimes, settings) = (live_lifetimes(&core), core.settings());
    let work = rebuild(states, &client, lifetimes, &settings);
    context.shutdown.or(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("stopped in the middle: run it again")))
}

const RAW_KINDS: &[LiveKind] = &[LiveKind::Aircraft, LiveKind::Ground, LiveKind::Station, LiveKind::Validation];

/// Runs the stream core until stopped.
///
/// # Errors
/// What no retry can mend.
pub async fn serve(core: CoreOptions, group: GroupOptions, redis: RedisOptions, outfit: Outfit) -> anyhow::Result<()> {
    if core.privacy == Privacy::Off {
        tracing::warn!("privacy is off: everybody is shown, consent or not");
    }
    let lifetimes = live_lifetimes(&core);
    let redis = outfit.redis(&redis, "processor", RAW_KINDS, lifetimes)?;
    let (live, redis) = redis.unzip();
    let Some(topics) = unless_stopped(RawTopics::prepare(&outfit).await)? else { return Ok(()) };
    let (topics, metrics) = (Arc::new(topics), RawMetrics::register(&outfit.context.metrics));
    let patient_topics = topics.patient();
    let (settings, clock) = (core.settings(), outfit.context.clock.clone());
    let (input, checkpoints) = (topics.raw.name.clone(), topics.checkpoints.name.clone());
    let machine = move |partition, epoch: &str| {
        RawMachine::new(partition, epoch, settings.clone(), topics.clone(), clock.clone(), metrics.clone())
    };
    let pipeline = outfit.pipeline("processor", input, checkpoints, &group, live, machine);
    outfit.run("core", redis, Pipeline { patient_topics, ..pipeline }).await
}

/// Runs the thermal aggregator until stopped.
///
/// # Errors
/// What no retry can mend.
pub async fn serve_thermals(group: GroupOptions, redis: RedisOptions, outfit: Outfit) -> anyhow::Result<()> {
    let lifetimes =
        LiveLifetimes { aircraft_s: 0, ground_s: 0, station_s: 0, thermal_s: THERMAL_LIFETIME_S, validation_s: 0 };
    let (live, redis) = outfit.redis(&redis, "thermals", &[LiveKind::Thermal], lifetimes)?.unzip();
    let Some(topics) = unless_stopped(ThermalTopics::prepare(&outfit).await)? else { return Ok(()) };
    let Some(raw_partitions) = outfit.raw_partitions("thermals").await? else { return Ok(()) };
    let topics = Arc::new(topics);
    let (input, checkpoints) = (topics.reports.name.clone(), topics.checkpoints.name.clone());
    let machine = move |partition, epoch: &str| {
        ThermalMachine::new(partition, epoch, Aggregator::new(raw_partitions), topics.clone())
    };
    let pipeline = outfit.pipeline("thermals", input, checkpoints, &group, live, machine);
    outfit.run("thermals", redis, Pipeline { gather_time: STATISTICS_GATHER_TIME, ..pipeline }).await
}

/// Runs the receivers' group until stopped.
///
/// # Errors
/// The file of places cannot be used; what no retry can mend.
pub async fn serve_receivers(receivers: ReceiverOptions, group: GroupOptions, outfit: Outfit) -> anyhow::Result<()> {
    let places = match &receivers.receivers_file {
        Some(file) => Places::open(file)?,
        None => Places::default(),
    };
    let Some(topics) = unless_stopped(ReceiverTopics::prepare(&outfit).await)? else { return Ok(()) };
    let (topics, places) = (Arc::new(topics), Arc::new(places));
    let lifetime_us = u64::try_from(receivers.receiver_lifetime.as_micros()).unwrap_or(u64::MAX / 4);
    let (input, checkpoints) = (topics.receptions.name.clone(), topics.checkpoints.name.clone());
    let machine = move |partition, epoch: &str| {
        ReceiverMachine::new(partition, epoch, Hearing::new(places.clone(), lifetime_us), topics.clone())
    };
    let pipeline = outfit.pipeline("receivers", input, checkpoints, &group, None, machine);
    outfit.run("receivers", None, Pipeline { gather_time: STATISTICS_GATHER_TIME, ..pipeline }).await
}
