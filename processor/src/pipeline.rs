//! A consumer group around pure cores: [`membership`] with a core in each partition's task.
//!
//! ```text
//! source --records--> task (one per partition: core, then the producer) --live states--> Redis task
//!    ^                   |
//!    +----- commit ------+ checkpoint: outputs acknowledged -> core state written, own part last -> acknowledged
//! ```
//!
//! - A task restores its core before the partition's first record is read (the partition is paused until then).
//! - Each output of a core is passed to the producer at once; none waits for a batch to fill.
//! - An offset is committed after everything before it is in the log: first the outputs, then the core's state. Meanwhile
//!   records are applied, and the tasks' checkpoints take turns.
//! - A revoked partition is drained (flushed, checkpointed and committed) before it is released.
//! - Where a former owner's late write hides a newer state, the newer state is published again.
//! - When much of the input is unusable an alarm is raised; the group continues.
//! - When a step fails, all tasks end and the member joins again: the cores are restored from checkpoints.

mod alarm;
mod batching_sink;
mod checkpoint;
pub(crate) mod checkpoint_parts;
mod late_writes;
mod ledger;
mod machine;
mod partition_task;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use futures::future::BoxFuture;
use membership::{Group, Interrupted, Member, MemberMetrics, Membership, TaskStart};
use runtime::{Clock, Context, Part, Shutdown, keep_trying};
use streams::trace::RecordTracer;
use streams::{GroupSettings, Log, Sink, StreamError};

use crate::metrics::GroupMetrics;
use crate::pipeline::alarm::RejectAlarm;
use crate::pipeline::batching_sink::BatchingSink;
use crate::pipeline::partition_task::PartitionTask;
use crate::sinks::live::LiveFeeds;

pub use alarm::{Rejection, Verdict};
pub use machine::{CheckpointOrigin, Emission, Machine, MakeMachine};
pub use trace::RecordTrace;

/// The time limit for draining revoked partitions.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// The parts and settings of a group.
pub struct Pipeline<M: Machine> {
    /// Clock, readiness, metrics and shutdown of the process.
    pub context: Context,
    /// The log of the cluster.
    pub log: Arc<dyn Log>,
    /// The consumer group's name.
    pub group: String,
    /// The topic that the group reads, with prefix.
    pub input: String,
    /// The topic of its checkpoints, with prefix, partitioned like the input.
    pub checkpoints: Arc<str>,
    /// The topic of unusable inputs, with prefix.
    pub dead_letters: Arc<str>,
    /// The group's name without prefix, for dead letters and traces.
    pub service: &'static str,
    /// Time between two checkpoints of a partition.
    pub checkpoint_interval: Duration,
    /// The largest number of records in one batch.
    pub max_batch_records: usize,
    /// How long the cluster may gather input before it answers; zero where the outputs have a latency requirement.
    pub gather_time: Duration,
    /// Topics without a latency requirement, with prefix: their records are batched before they are sent.
    pub batched_topics: Vec<Arc<str>>,
    /// Makes the empty core of a partition.
    pub machine: MakeMachine<M>,
    /// The queues of live states beside the log. `None`: live states go into the log only.
    pub live: Option<LiveFeeds>,
    /// Whether the log answers, for `/ready`.
    pub part: Part,
    /// Whether the inputs are usable, for `/ready`.
    pub inputs: Part,
    /// Counters.
    pub metrics: GroupMetrics,
}

/// The group's input topic.
struct Input {
    /// The epoch of the log.
    epoch: Arc<str>,
    partitions: u32,
}

impl<M: Machine> Pipeline<M> {
    /// Runs until stopped.
    ///
    /// # Errors
    /// Errors that joining again cannot fix: a refused credential, partition counts that do not match.
    pub async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let member = Member {
            context: self.context.clone(),
            log: self.log.clone(),
            settings: GroupSettings {
                max_batch_records: self.max_batch_records,
                gather_time: self.gather_time,
                revoke_deadline: DRAIN_DEADLINE,
                ..GroupSettings::new(self.group.clone(), [self.input.clone()])
            },
            checkpoint_interval: Some(self.checkpoint_interval),
            commit_interval: Some(self.checkpoint_interval),
            drain_deadline: DRAIN_DEADLINE,
            part: self.part.clone(),
            metrics: MemberMetrics {
                records: self.metrics.records_in.clone(),
                commits: self.metrics.commits.clone(),
                restarts: self.metrics.restarts.clone(),
                partitions: self.metrics.partitions.clone(),
            },
        };
        let alarm = Arc::new(RejectAlarm::new(self.inputs.clone(), self.metrics.reject_alarm.clone()));
        member.run(&CoreGroup { pipeline: self, alarm }, stop).await
    }

    /// Waits for the log and for the topics that the group needs. `None`: the process stops.
    async fn find_input(&self) -> anyhow::Result<Option<Input>> {
        let mut counts = [0; 2];
        for (count, topic) in counts.iter_mut().zip([self.input.as_str(), self.checkpoints.as_ref()]) {
            let found = self.wait_for(&format!("topic {topic}"), || self.log.partitions(topic)).await?;
            let Some(partitions) = found else { return Ok(None) };
            *count = partitions;
        }
        let [partitions, checkpoints] = counts;
        anyhow::ensure!(
            partitions == checkpoints,
            "{} has {partitions} partitions and {} has {checkpoints}: expected equal numbers: `processor topics check` \
             lists the differences",
            self.input,
            self.checkpoints
        );
        let epoch = self.wait_for("the log", || self.log.epoch()).await?;
        Ok(epoch.map(|epoch| Input { epoch: epoch.into(), partitions }))
    }

    async fn wait_for<T, F>(&self, what: &str, ask: impl FnMut() -> F) -> anyhow::Result<Option<T>>
    where
        F: Future<Output = Result<T, StreamError>>,
    {
        let is_final = |error: &StreamError| !error.is_transient();
        let answer = keep_trying(&self.context, &self.part, what, is_final, ask).await;
        answer.with_context(|| what.to_owned())
    }
}

/// The group: what stays when the member joins again.
struct CoreGroup<M: Machine> {
    pipeline: Pipeline<M>,
    alarm: Arc<RejectAlarm>,
}

#[async_trait]
impl<M: Machine> Group for CoreGroup<M> {
    type Membership = CoreTasks<M>;

    async fn prepare(&self) -> Result<Option<CoreTasks<M>>, Interrupted> {
        let pipeline = &self.pipeline;
        let Some(input) = pipeline.find_input().await? else { return Ok(None) };
        Ok(Some(CoreTasks {
            log: pipeline.log.clone(),
            sink: BatchingSink::open(pipeline.log.as_ref(), &pipeline.group, pipeline.batched_topics.clone())?,
            checkpoints: pipeline.checkpoints.clone(),
            dead_letters: pipeline.dead_letters.clone(),
            service: pipeline.service,
            alarm: self.alarm.clone(),
            input,
            machine: pipeline.machine.clone(),
            live: pipeline.live.clone(),
            clock: pipeline.context.clock.clone(),
            traces: RecordTracer::new(pipeline.context.tracer.named(pipeline.service), pipeline.log.as_ref()),
            metrics: pipeline.metrics.clone(),
        }))
    }
}

/// One session in the group, with a core for each partition.
struct CoreTasks<M: Machine> {
    log: Arc<dyn Log>,
    sink: Arc<dyn Sink>,
    checkpoints: Arc<str>,
    dead_letters: Arc<str>,
    service: &'static str,
    alarm: Arc<RejectAlarm>,
    input: Input,
    machine: MakeMachine<M>,
    live: Option<LiveFeeds>,
    clock: Clock,
    traces: RecordTracer,
    metrics: GroupMetrics,
}

impl<M: Machine> Membership for CoreTasks<M> {
    fn open(&self, start: TaskStart) -> BoxFuture<'static, anyhow::Result<()>> {
        let TaskStart { partition, commands, reports } = start;
        let task = PartitionTask {
            log: self.log.clone(),
            sink: self.sink.clone(),
            checkpoints: self.checkpoints.clone(),
            dead_letters: self.dead_letters.clone(),
            service: self.service,
            alarm: self.alarm.clone(),
            epoch: self.input.epoch.clone(),
            machine: self.machine.clone(),
            live: self.live.as_ref().map(|live| live.open(partition.partition, self.input.partitions)),
            clock: self.clock.clone(),
            traces: self.traces.clone(),
            reports,
            metrics: self.metrics.clone(),
            partition,
        };
        Box::pin(task.run(commands))
    }

    fn restores(&self) -> bool {
        true
    }
}
