//! Runs the groups on any log until stopped.

use std::sync::Arc;
use std::time::Duration;

use air::receivers::{ReceiverCore, ReceiverPositions};
use air::thermals::Aggregator;
use anyhow::Context as _;
use membership::{GroupProgress, part_of};
use redis_servers::Servers;
use runtime::{Context, Tasks};
use schemas::catalogue::topic;
use schemas::object::Kind;
use streams::{Cluster, unless_stopped};

use crate::clock_readiness::ClockReadiness;
use crate::config::{CoreOptions, GroupOptions, Privacy, ReceiverOptions, RedisOptions};
use crate::metrics::{GroupMetrics, RawMetrics, RedisMetrics};
use crate::pipeline::{Machine, Pipeline};
use crate::raw::RawMachine;
use crate::receivers::{ReceiverMachine, ReceiverTopics, read_positions};
use crate::sinks::live::{LiveFeeds, LiveKind};
use crate::sinks::rebuild::{States, rebuild};
use crate::sinks::redis::{LiveLifetimes, RedisSink, TIMEOUTS};
use crate::sinks::scores::{ScoreSink, Scores};
use crate::sinks::topics::RawTopics;
use crate::thermals::{ThermalMachine, ThermalTopics};

/// The time limit for tasks to end after a stop request.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// How long the cluster may gather the input of groups without a latency requirement.
const STATISTICS_GATHER_TIME: Duration = Duration::from_millis(100);
/// Longer than any thermal stays without a new state or its end.
const THERMAL_LIFETIME_S: u64 = 6 * 3_600;

/// The task that takes live states beside the log.
enum LiveSink {
    Redis(Box<RedisSink>),
    Scores(ScoreSink),
}

/// One group on a cluster.
struct Group {
    name: &'static str,
    cluster: Cluster,
    context: Context,
}

impl Group {
    fn pipeline<M: Machine>(
        &self,
        input: Arc<str>,
        checkpoints: Arc<str>,
        options: &GroupOptions,
        live: Option<LiveFeeds>,
        machine: impl Fn(u32, &str) -> M + Send + Sync + 'static,
    ) -> Pipeline<M> {
        Pipeline {
            context: self.context.clone(),
            log: self.cluster.log.clone(),
            group: self.cluster.full_name(self.name).to_string(),
            input: input.to_string(),
            checkpoints,
            dead_letters: self.cluster.full_name(topic::DEAD_LETTER),
            service: self.name,
            checkpoint_interval: options.checkpoint_interval,
            max_batch_records: options.max_batch_records,
            gather_time: Duration::ZERO,
            batched_topics: Vec::new(),
            machine: Arc::new(machine),
            live,
            part: self.context.readiness.part(self.name),
            inputs: self.context.readiness.part(inputs_part(self.name)),
            metrics: GroupMetrics::register(&self.context.metrics, self.name),
        }
    }

    /// The number of partitions of a topic; waits until it exists. `None`: the process stops.
    async fn find_topic(&self, topic: &str) -> anyhow::Result<Option<u32>> {
        let part = self.context.readiness.part(self.name);
        Ok(self.cluster.find_topic(&self.context, &part, topic).await?)
    }

    fn redis(
        &self,
        options: &RedisOptions,
        kinds: &'static [LiveKind],
        lifetimes: LiveLifetimes,
    ) -> anyhow::Result<Option<(LiveFeeds, LiveSink)>> {
        let Some(url) = options.url() else { return Ok(None) };
        let feeds = LiveFeeds::default();
        let metrics = RedisMetrics::register(&self.context.metrics, self.name);
        let sink = RedisSink::new(url, feeds.clone(), kinds, lifetimes, &self.context, metrics)?;
        Ok(Some((feeds, LiveSink::Redis(Box::new(sink)))))
    }

    /// Runs the tasks of the group. The first one that is started ends last: it takes live states until the end.
    async fn run<M: Machine>(
        &self,
        name: &'static str,
        live: Option<LiveSink>,
        pipeline: Pipeline<M>,
    ) -> anyhow::Result<()> {
        let mut tasks = Tasks::new(self.context.clock.clone(), self.context.shutdown.clone());
        match live {
            Some(LiveSink::Redis(redis)) => tasks.spawn("redis", |stop| redis.run(stop)),
            Some(LiveSink::Scores(scores)) => tasks.spawn("scores", |stop| scores.run(stop)),
            None => {}
        }
        let progress = GroupProgress {
            context: self.context.clone(),
            log: self.cluster.log.clone(),
            group: pipeline.group.clone(),
            part: part_of(pipeline.service),
            stalls: pipeline.metrics.stalls.clone(),
            lag: pipeline.metrics.lag.clone(),
            lag_seconds: pipeline.metrics.lag_seconds.clone(),
        };
        tasks.spawn("progress", |stop| progress.run(stop));
        tasks.spawn(name, |stop| pipeline.run(stop));
        tasks.run(STOP_DEADLINE).await
    }
}

/// The part of `/ready` for the usability of a group's inputs.
fn inputs_part(group: &str) -> &'static str {
    match group {
        "thermals" => "thermals-inputs",
        "receivers" => "receivers-inputs",
        _ => "processor-inputs",
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

/// Rebuilds Redis from the log; prints a line for each step.
///
/// # Errors
/// The log, the registry or Redis cannot be reached.
pub async fn rebuild_redis(
    core: CoreOptions,
    redis: RedisOptions,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let url = redis.url().context("--redis-url is none: expected the URL of the Redis to rebuild")?;
    let servers = Servers::parse(url, TIMEOUTS).context("the Redis URL")?;
    let Cluster { log, schemas, topic_prefix, .. } = &cluster;
    let states = States { log: log.as_ref(), schemas, topic_prefix };
    let (lifetimes, settings) = (live_lifetimes(&core), core.settings());
    let work = rebuild(states, &servers, lifetimes, &settings);
    context.shutdown.or(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("stopped before the end: run it again")))
}

const RAW_KINDS: &[LiveKind] = &[
    LiveKind::Object(Kind::Aircraft),
    LiveKind::Object(Kind::Ground),
    LiveKind::Object(Kind::Station),
    LiveKind::Validation,
];

/// Runs the stream core until stopped.
///
/// # Errors
/// Fatal errors: refused credentials, a refused schema, topics whose partitions do not match.
pub async fn serve(
    core: CoreOptions,
    options: GroupOptions,
    redis: RedisOptions,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let group = Group { name: "processor", cluster, context };
    let live = group.redis(&redis, RAW_KINDS, live_lifetimes(&core))?;
    serve_core(core, options, live, group).await
}

/// Runs the stream core until stopped, without Redis: the scores of devices are kept in `scores`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with_scores(
    core: CoreOptions,
    options: GroupOptions,
    scores: Scores,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let group = Group { name: "processor", cluster, context };
    let feeds = LiveFeeds::default();
    let lifetime_us = u64::try_from(core.device_lifetime.as_micros()).unwrap_or(u64::MAX);
    let sink = ScoreSink { feeds: feeds.clone(), scores, context: group.context.clone(), lifetime_us };
    serve_core(core, options, Some((feeds, LiveSink::Scores(sink))), group).await
}

async fn serve_core(
    core: CoreOptions,
    options: GroupOptions,
    live: Option<(LiveFeeds, LiveSink)>,
    group: Group,
) -> anyhow::Result<()> {
    if core.privacy == Privacy::Off {
        tracing::warn!("privacy is off: all devices are public, with or without consent");
    }
    let (live, sink) = live.unzip();
    if group.find_topic(topic::RAW).await?.is_none() {
        return Ok(());
    }
    let Some(topics) = unless_stopped(RawTopics::prepare(&group.cluster, &group.context).await)? else { return Ok(()) };
    let (topics, metrics) = (Arc::new(topics), RawMetrics::register(&group.context.metrics));
    let batched_topics = topics.without_latency_requirement();
    let clock_readiness = ClockReadiness::new(group.context.readiness.part("clock"));
    let (settings, clock) = (core.settings(), group.context.clock.clone());
    let (input, checkpoints) = (topics.raw.name.clone(), topics.checkpoints.name.clone());
    let machine = move |partition, epoch: &str| {
        let (topics, metrics) = (topics.clone(), metrics.clone());
        RawMachine::new(partition, epoch, settings.clone(), topics, clock.clone(), metrics, clock_readiness.clone())
    };
    let pipeline = group.pipeline(input, checkpoints, &options, live, machine);
    group.run("core", sink, Pipeline { batched_topics, ..pipeline }).await
}

/// Runs the thermal aggregator until stopped.
///
/// # Errors
/// As [`serve`].
pub async fn serve_thermals(
    options: GroupOptions,
    redis: RedisOptions,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let group = Group { name: "thermals", cluster, context };
    let lifetimes =
        LiveLifetimes { aircraft_s: 0, ground_s: 0, station_s: 0, thermal_s: THERMAL_LIFETIME_S, validation_s: 0 };
    let (live, redis) = group.redis(&redis, &[LiveKind::Object(Kind::Thermal)], lifetimes)?.unzip();
    let Some(raw_partitions) = group.find_topic(topic::RAW).await? else { return Ok(()) };
    let Some(topics) = unless_stopped(ThermalTopics::prepare(&group.cluster, &group.context).await)? else {
        return Ok(());
    };
    let topics = Arc::new(topics);
    let (input, checkpoints) = (topics.reports.name.clone(), topics.checkpoints.name.clone());
    let machine = move |partition, epoch: &str| {
        ThermalMachine::new(partition, epoch, Aggregator::new(raw_partitions), topics.clone())
    };
    let pipeline = group.pipeline(input, checkpoints, &options, live, machine);
    group.run("thermals", redis, Pipeline { gather_time: STATISTICS_GATHER_TIME, ..pipeline }).await
}

/// Runs the receivers' group until stopped.
///
/// # Errors
/// The receivers file cannot be read or has a mistake; otherwise as [`serve`].
pub async fn serve_receivers(
    receivers: ReceiverOptions,
    options: GroupOptions,
    cluster: Cluster,
    context: Context,
) -> anyhow::Result<()> {
    let group = Group { name: "receivers", cluster, context };
    let positions = match &receivers.receivers_file {
        Some(file) => read_positions(file)?,
        None => ReceiverPositions::default(),
    };
    if group.find_topic(topic::RECEPTION).await?.is_none() {
        return Ok(());
    }
    let Some(topics) = unless_stopped(ReceiverTopics::prepare(&group.cluster, &group.context).await)? else {
        return Ok(());
    };
    let (topics, positions) = (Arc::new(topics), Arc::new(positions));
    let lifetime_us = u64::try_from(receivers.receiver_lifetime.as_micros()).unwrap_or(u64::MAX / 4);
    let (input, checkpoints) = (topics.receptions.name.clone(), topics.checkpoints.name.clone());
    let max_receivers = receivers.max_receivers;
    let machine = move |partition, epoch: &str| {
        let receiver_core = ReceiverCore::new(positions.clone(), lifetime_us).with_bound(max_receivers);
        ReceiverMachine::new(partition, epoch, receiver_core, topics.clone())
    };
    let pipeline = group.pipeline(input, checkpoints, &options, None, machine);
    group.run("receivers", None, Pipeline { gather_time: STATISTICS_GATHER_TIME, ..pipeline }).await
}
