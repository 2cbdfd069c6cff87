//! A consumer group around pure cores: the one place where order, batching, checkpoints and commits are visible.
//!
//! ```text
//! source --records--> lane (one per partition: core, then the log's writer) --live states--> Redis task
//!    ^                   |
//!    +----- commit ------+ checkpoint: outputs acknowledged -> core state written, own part last -> acknowledged
//! ```
//!
//! - A lane restores its core before the partition's first record is read (the partition is paused until then).
//! - What a core gives out is handed to the writer at once, record by record; nothing waits for a batch to fill.
//! - An offset is committed after everything before it is in the log: outputs first, the core's state next. Records go
//!   on meanwhile, and lanes take turns.
//! - A revoked partition is flushed, checkpointed and committed before it goes.
//! - What a former owner wrote late, on top of something newer, is published again.
//! - When too much of the input cannot be used the group stops, with its offsets where they are.
//! - When anything of this fails, all lanes are dropped and the group joins anew: memory comes back from checkpoints.

mod checkpoint;
mod lane;
mod ledger;
mod limit;
mod machine;
mod paced;
mod repair;
mod restore;
mod turns;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::patience::with_causes;
use runtime::{Backoff, Context, Part, Shutdown, keep_trying};
use streams::{Event, GroupSettings, Incoming, Log, Revocation, Sink, Source, StreamError, TopicPartition};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::metrics::GroupMetrics;
use crate::pipeline::lane::{Lane, LaneEvent, Order, Report};
use crate::pipeline::limit::RejectGuard;
use crate::pipeline::paced::PacedSink;
use crate::pipeline::turns::Turns;
use crate::sinks::live::LiveFeeds;

pub use limit::{RejectLimits, TooManyRejects, Verdict};
pub(crate) use machine::version_of;
pub use machine::{Emission, Fit, Machine, MakeMachine, put_version};

/// Batches that wait for a lane. When it is full the group reads no further until the lane has room.
const LANE_QUEUE: usize = 4;
/// After so long a failure is not the same as the one before.
const LONG_SESSION: Duration = Duration::from_secs(60);
/// A revoked partition gets so long to flush and commit.
const REVOKE_DEADLINE: Duration = Duration::from_secs(5);

/// What a group is made of.
pub struct Pipeline<M: Machine> {
    /// The process.
    pub context: Context,
    /// The cluster.
    pub log: Arc<dyn Log>,
    /// The consumer group's name.
    pub group: String,
    /// The topic that it reads, with prefix.
    pub input: String,
    /// The topic of its checkpoints, with prefix, partitioned like the input.
    pub checkpoints: Arc<str>,
    /// Where inputs go that cannot be used, with prefix.
    pub dead_letters: Arc<str>,
    /// The group's name without prefix: who gave up on a dead letter.
    pub service: &'static str,
    /// How much may be unusable before the group stops.
    pub reject_limits: RejectLimits,
    /// How often checkpoints are written.
    pub checkpoint_interval: Duration,
    /// Most records in one batch.
    pub max_batch_records: usize,
    /// How long the cluster may gather input before it answers: zero where somebody waits for what comes of it.
    pub gather_time: Duration,
    /// Topics, with prefix, that nobody waits for: their records gather before they are sent.
    pub patient_topics: Vec<Arc<str>>,
    /// Makes the core of a partition, which knows nothing yet.
    pub machine: MakeMachine<M>,
    /// Where live states go beside the log. `None`: nowhere.
    pub live: Option<LiveFeeds>,
    /// Whether the log answers, for `/ready`.
    pub part: Part,
    /// Counters.
    pub metrics: GroupMetrics,
}

/// Why a session ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Log(#[from] StreamError),
    #[error("a partition stopped: {0:#}")]
    Lane(anyhow::Error),
}

/// The group's topic, as the log has it.
struct Input {
    /// Which data it is.
    epoch: Arc<str>,
    partitions: u32,
}

struct Running {
    source: Box<dyn Source>,
    sink: Arc<dyn Sink>,
    rejects: Arc<RejectGuard>,
    input: Input,
    lanes: HashMap<u32, Lane>,
    tasks: JoinSet<anyhow::Result<()>>,
    events: mpsc::Receiver<Report>,
    reports: mpsc::Sender<Report>,
    opened_lanes: u64,
}

impl<M: Machine> Pipeline<M> {
    /// Runs until stopped.
    ///
    /// # Errors
    /// What no retry can mend.
    pub async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        let mut backoff = Backoff::for_services();
        loop {
            let found = self.find_input();
            let Some(input) = stop.or(found).await.transpose()?.flatten() else { return Ok(()) };
            let began = self.context.clock.monotonic();
            let ended = self.session(input, &stop).await;
            if self.context.clock.monotonic() >= began + LONG_SESSION {
                backoff.reset();
            }
            match ended {
                Ok(()) => return Ok(()),
                Err(Interrupted::Log(error)) if error.reason() == "bad_settings" => return Err(error.into()),
                Err(Interrupted::Lane(error)) if error.is::<TooManyRejects>() => return Err(error),
                Err(error) => {
                    let reason = with_causes(&error);
                    tracing::warn!(group = self.group, reason, "joining anew");
                    self.part.not_ready(&reason);
                    self.metrics.restarts.inc();
                }
            }
            if stop.or(self.context.clock.sleep(backoff.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Waits for the log and for the topics that the group needs. `None`: asked to stop.
    async fn find_input(&self) -> anyhow::Result<Option<Input>> {
        let mut counts = [0; 2];
        for (count, topic) in counts.iter_mut().zip([self.input.as_str(), self.checkpoints.as_ref()]) {
            let found = self.keep_asking(&format!("topic {topic}"), || self.log.partitions(topic)).await?;
            let Some(partitions) = found else { return Ok(None) };
            *count = partitions;
        }
        let [partitions, checkpoints] = counts;
        anyhow::ensure!(
            partitions == checkpoints,
            "{} has {partitions} partitions and {} has {checkpoints}: they must have as many",
            self.input,
            self.checkpoints
        );
        let epoch = self.keep_asking("the log", || self.log.epoch()).await?;
        Ok(epoch.map(|epoch| Input { epoch: epoch.into(), partitions }))
    }

    async fn keep_asking<T, F>(&self, what: &str, ask: impl FnMut() -> F) -> anyhow::Result<Option<T>>
    where
        F: Future<Output = Result<T, StreamError>>,
    {
        let is_final = |error: &StreamError| !error.is_transient();
        let answer = keep_trying(&self.context, &self.part, what, is_final, ask).await;
        answer.with_context(|| what.to_owned())
    }

    async fn session(&self, input: Input, stop: &Shutdown) -> Result<(), Interrupted> {
        let sink = PacedSink::open(self.log.as_ref(), &self.group, self.patient_topics.clone())?;
        let settings = GroupSettings {
            max_batch_records: self.max_batch_records,
            gather_time: self.gather_time,
            revoke_deadline: REVOKE_DEADLINE,
            ..GroupSettings::new(self.group.clone(), [self.input.clone()])
        };
        let source = self.log.subscribe(settings).await?;
        // A lane has at most two reports under way, so that telling never waits.
        let (reports, events) = mpsc::channel(8192);
        let mut running = Running {
            source,
            sink,
            rejects: Arc::new(RejectGuard::new(self.reject_limits)),
            input,
            lanes: HashMap::new(),
            tasks: JoinSet::new(),
            events,
            reports,
            opened_lanes: 0,
        };
        self.part.ready();
        let interrupted = self.attend(&mut running, stop).await;
        running.tasks.shutdown().await;
        interrupted?;
        if let Err(error) = running.source.close().await {
            tracing::debug!(group = self.group, reason = error.reason(), "left the group without its answer");
        }
        Ok(())
    }

    async fn attend(&self, running: &mut Running, stop: &Shutdown) -> Result<(), Interrupted> {
        let mut next_commit = self.context.clock.monotonic() + self.checkpoint_interval;
        loop {
            let next = running.lanes.values().map(|lane| lane.turns.next()).fold(next_commit, Duration::min);
            let pause = self.context.clock.sleep(next.saturating_sub(self.context.clock.monotonic()));
            tokio::select! {
                () = stop.requested() => {
                    let all: Vec<u32> = running.lanes.keys().copied().collect();
                    return self.settle_in_time(running, &all).await;
                }
                Some(ended) = running.tasks.join_next() => lane_ended(ended)?,
                Some(report) = running.events.recv() => self.heed(running, report).await?,
                () = pause => {
                    let now = self.context.clock.monotonic();
                    running.lanes.values_mut().for_each(|lane| lane.order_due(now));
                    if next_commit <= now {
                        next_commit = now + self.checkpoint_interval;
                        self.commit(running, |_| true).await?;
                    }
                }
                event = running.source.next() => match event? {
                    Event::Assigned(partitions) => self.open_lanes(running, partitions)?,
                    Event::Revoked(revocation) => self.give_up(running, revocation).await?,
                    Event::Records(records) => self.dispatch(running, records, stop).await?,
                    Event::CaughtUp(_) => {}
                },
            }
        }
    }

    fn open_lanes(&self, running: &mut Running, partitions: Vec<TopicPartition>) -> Result<(), Interrupted> {
        running.source.pause(&partitions)?;
        let now = self.context.clock.monotonic();
        let count = partitions.len() as u32;
        for (index, partition) in (1..).zip(partitions) {
            let (orders, queue) = mpsc::channel(LANE_QUEUE);
            running.opened_lanes += 1;
            let generation = running.opened_lanes;
            let task = lane::Task {
                generation,
                partition: partition.clone(),
                log: self.log.clone(),
                sink: running.sink.clone(),
                checkpoints: self.checkpoints.clone(),
                dead_letters: self.dead_letters.clone(),
                service: self.service,
                rejects: running.rejects.clone(),
                epoch: running.input.epoch.clone(),
                machine: self.machine.clone(),
                live: self.live.as_ref().map(|live| live.open(partition.partition, running.input.partitions)),
                clock: self.context.clock.clone(),
                reports: running.reports.clone(),
                metrics: self.metrics.clone(),
            };
            running.tasks.spawn(task.run(queue));
            let turns = Turns::new(now, self.checkpoint_interval, index, count);
            running.lanes.insert(partition.partition, Lane::new(generation, partition, orders, turns));
        }
        self.metrics.partitions.set(running.lanes.len() as i64);
        Ok(())
    }

    /// Hands records to their lanes, in order.
    async fn dispatch(
        &self,
        running: &mut Running,
        records: Vec<Incoming>,
        stop: &Shutdown,
    ) -> Result<(), Interrupted> {
        self.metrics.records_in.inc_by(records.len() as u64);
        let mut batches: Vec<(u32, Vec<Incoming>)> = Vec::new();
        for record in records {
            match batches.iter_mut().rev().find(|(partition, _)| *partition == record.partition) {
                Some((_, batch)) => batch.push(record),
                None => batches.push((record.partition, vec![record])),
            }
        }
        for (partition, batch) in batches {
            let Some(lane) = running.lanes.get(&partition) else { continue };
            // A lane that is gone is found by its task's end; a log that stands still must not keep us from stopping.
            if stop.or(lane.orders.send(Order::Records(batch))).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn heed(&self, running: &mut Running, report: Report) -> Result<(), Interrupted> {
        let Report { partition, generation, event } = report;
        let lane = running.lanes.get_mut(&partition).filter(|lane| lane.generation == generation);
        let Some(lane) = lane else { return Ok(()) };
        match event {
            LaneEvent::Restored { next_offset } => {
                lane.is_restored = true;
                let place = lane.partition.clone();
                if let Some(next_offset) = next_offset {
                    match running.source.seek(&place, streams::SeekTo::Offset(next_offset)).await {
                        Ok(()) => {}
                        // It is being taken away: the source will say so.
                        Err(error) if error.reason() == "not_owned" => return Ok(()),
                        Err(error) => return Err(error.into()),
                    }
                }
                running.source.resume(&[place])?;
                Ok(())
            }
            LaneEvent::Checkpointed { next_offset } => {
                lane.ordered = lane.ordered.saturating_sub(1);
                lane.uncommitted = Some(next_offset);
                Ok(())
            }
        }
    }

    /// Commits what is checkpointed. A commit that fails is tried again with the next one.
    async fn commit(&self, running: &mut Running, is_wanted: impl Fn(u32) -> bool) -> Result<(), Interrupted> {
        let lanes = running.lanes.values().filter(|lane| is_wanted(lane.partition.partition));
        let offsets: Vec<_> =
            lanes.filter_map(|lane| lane.uncommitted.map(|offset| (lane.partition.clone(), offset))).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        match running.source.commit(&offsets).await {
            Ok(()) => {
                for (place, _) in &offsets {
                    if let Some(lane) = running.lanes.get_mut(&place.partition) {
                        lane.uncommitted = None;
                    }
                }
                self.metrics.commits.inc();
                Ok(())
            }
            Err(error) if error.is_transient() => {
                tracing::debug!(group = self.group, reason = error.reason(), "not committed yet");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn give_up(&self, running: &mut Running, revocation: Revocation) -> Result<(), Interrupted> {
        let partitions: Vec<u32> = revocation.partitions.iter().map(|place| place.partition).collect();
        if !revocation.lost {
            self.settle_in_time(running, &partitions).await?;
        }
        for partition in &partitions {
            running.lanes.remove(partition);
        }
        self.metrics.partitions.set(running.lanes.len() as i64);
        revocation.done();
        Ok(())
    }

    /// Finishes what the lanes have, or leaves it to the next owner when the log is too slow for that.
    async fn settle_in_time(&self, running: &mut Running, partitions: &[u32]) -> Result<(), Interrupted> {
        tokio::select! {
            settled = self.settle(running, partitions) => settled,
            () = self.context.clock.sleep(REVOKE_DEADLINE) => {
                tracing::warn!(group = self.group, "partitions go without a last commit: the log is too slow");
                Ok(())
            }
        }
    }

    /// Finishes what the lanes have, checkpoints and commits it.
    async fn settle(&self, running: &mut Running, partitions: &[u32]) -> Result<(), Interrupted> {
        let mut waiting = 0;
        for partition in partitions {
            let Some(lane) = running.lanes.get_mut(partition).filter(|lane| lane.is_restored) else { continue };
            if lane.orders.send(Order::Checkpoint).await.is_ok() {
                lane.ordered += 1;
                waiting += lane.ordered;
            }
        }
        while waiting > 0 {
            tokio::select! {
                Some(ended) = running.tasks.join_next() => lane_ended(ended)?,
                Some(report) = running.events.recv() => {
                    let lane = running.lanes.get(&report.partition);
                    let is_current = lane.is_some_and(|lane| lane.generation == report.generation);
                    if is_current && matches!(report.event, LaneEvent::Checkpointed { .. }) {
                        waiting -= usize::from(partitions.contains(&report.partition));
                    }
                    self.heed(running, report).await?;
                }
            }
        }
        self.commit(running, |partition| partitions.contains(&partition)).await
    }
}

/// A lane ends well when its orders end, which is when it was dropped.
fn lane_ended(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> Result<(), Interrupted> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Interrupted::Lane(error)),
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => Err(Interrupted::Lane(error.into())),
    }
}
