//! One session in the group, from joining to leaving: only this module handles order, commits and revocations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use streams::{Event, Incoming, Revocation, SeekTo, Source, TopicPartition};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use crate::group::{Interrupted, Membership};
use crate::member::Member;
use crate::schedule::Schedule;
use crate::task::{Command, Report, Reports, TaskEvent, TaskStart};

/// Batches that wait for a task. When it is full the member reads no further until the task has room.
const TASK_QUEUE: usize = 4;
/// The capacity of the report queue. A task has at most a few open reports, so that reporting never waits.
const REPORTS: usize = 8192;
/// How often commits are retried if the member has no commit interval.
const COMMIT_RETRY: Duration = Duration::from_secs(5);

/// What the session knows of a partition's task.
struct PartitionTask {
    /// Distinguishes the task from an earlier one of the same partition, which may still report.
    generation: u64,
    partition: TopicPartition,
    commands: mpsc::Sender<Command>,
    is_restored: bool,
    /// The times of its next commands, in the process's monotonic time.
    schedule: Option<Schedule>,
    /// Checkpoints commanded and not yet reported.
    pending_checkpoints: usize,
    /// Done and not yet committed.
    uncommitted: Option<u64>,
}

impl PartitionTask {
    /// Sends the commands that are due. A task with a full queue is busy and gets the next command at the next time.
    fn send_due_commands(&mut self, now: Duration) {
        let Some(schedule) = &mut self.schedule else { return };
        let (is_checkpoint, is_late_write_search) = schedule.due(now);
        if is_checkpoint && self.is_restored && self.pending_checkpoints == 0 {
            self.pending_checkpoints += usize::from(self.commands.try_send(Command::Checkpoint).is_ok());
        }
        if is_late_write_search && self.is_restored {
            let _ = self.commands.try_send(Command::FindLateWrites);
        }
    }
}

pub(crate) struct Session<'a, M> {
    member: &'a Member,
    membership: &'a M,
    source: Box<dyn Source>,
    partitions: HashMap<TopicPartition, PartitionTask>,
    tasks: JoinSet<anyhow::Result<()>>,
    events: mpsc::Receiver<Report>,
    reports: mpsc::Sender<Report>,
    /// Reports that arrived during a drain and need a seek, which the source cannot do before the partitions are
    /// released.
    deferred: Vec<Report>,
    generations: u64,
    paused: bool,
}

impl<'a, M: Membership> Session<'a, M> {
    pub(crate) fn new(member: &'a Member, membership: &'a M, source: Box<dyn Source>) -> Self {
        let (reports, events) = mpsc::channel(REPORTS);
        Self {
            member,
            membership,
            source,
            partitions: HashMap::new(),
            tasks: JoinSet::new(),
            events,
            reports,
            deferred: Vec::new(),
            generations: 0,
            paused: false,
        }
    }

    /// Runs until it is stopped. Then the restored tasks are drained and their offsets committed, within the drain deadline.
    pub(crate) async fn run(&mut self, stop: &Shutdown) -> Result<(), Interrupted> {
        let clock = &self.member.context.clock;
        let commit_interval = self.member.commit_interval.unwrap_or(COMMIT_RETRY);
        let mut next_commit = clock.monotonic() + commit_interval;
        loop {
            for report in std::mem::take(&mut self.deferred) {
                self.apply_report(report).await?;
            }
            self.apply_backpressure()?;
            let schedule = self.partitions.values().filter_map(|task| task.schedule.as_ref());
            let next = schedule.map(Schedule::next).fold(next_commit, Duration::min);
            let pause = clock.sleep(next.saturating_sub(clock.monotonic()));
            tokio::select! {
                () = stop.requested() => {
                    let all: Vec<_> = self.partitions.keys().cloned().collect();
                    return self.drain_in_time(&all).await;
                }
                Some(ended) = self.tasks.join_next() => task_ended(ended)?,
                Some(report) = self.events.recv() => self.apply_report(report).await?,
                () = pause => {
                    let now = clock.monotonic();
                    self.partitions.values_mut().for_each(|task| task.send_due_commands(now));
                    if next_commit <= now {
                        next_commit = now + commit_interval;
                        self.commit(|_| true).await?;
                    }
                }
                event = self.source.next() => match event? {
                    Event::Assigned(partitions) => self.start_tasks(partitions)?,
                    Event::Revoked(revocation) => self.revoke(revocation).await?,
                    Event::Records(records) => self.dispatch(records, stop).await?,
                    Event::CaughtUp(_) => {}
                },
            }
        }
    }

    /// Aborts all tasks.
    pub(crate) async fn end_tasks(&mut self) {
        self.tasks.shutdown().await;
        self.partitions.clear();
        self.update_metrics();
    }

    /// Leaves the group.
    pub(crate) async fn leave(self) {
        if let Err(error) = self.source.close().await {
            let group = &self.member.settings.group;
            tracing::debug!(group, reason = error.reason(), "left the group, which did not confirm it");
        }
    }

    fn start_tasks(&mut self, partitions: Vec<TopicPartition>) -> Result<(), Interrupted> {
        let restores = self.membership.restores();
        if restores || self.paused {
            self.source.pause(&partitions)?;
        }
        let now = self.member.context.clock.monotonic();
        let count = partitions.len() as u32;
        for (index, partition) in (1..).zip(partitions) {
            let (commands, queue) = mpsc::channel(TASK_QUEUE);
            self.generations += 1;
            let generation = self.generations;
            let reports = Reports::new(partition.clone(), generation, self.reports.clone());
            let start = TaskStart { partition: partition.clone(), commands: queue, reports };
            self.tasks.spawn(self.membership.open(start));
            let schedule = self.member.checkpoint_interval.map(|interval| Schedule::new(now, interval, index, count));
            let task = PartitionTask {
                generation,
                partition: partition.clone(),
                commands,
                is_restored: !restores,
                schedule,
                pending_checkpoints: 0,
                uncommitted: None,
            };
            self.partitions.insert(partition, task);
        }
        self.update_metrics();
        Ok(())
    }

    /// Passes records to their tasks, in order.
    async fn dispatch(&mut self, records: Vec<Incoming>, stop: &Shutdown) -> Result<(), Interrupted> {
        self.member.metrics.records.inc_by(records.len() as u64);
        let mut batches: Vec<Vec<Incoming>> = Vec::new();
        for record in records {
            match batches.iter_mut().rev().find(|batch| are_of_one_partition(&batch[0], &record)) {
                Some(batch) => batch.push(record),
                None => batches.push(vec![record]),
            }
        }
        for batch in batches {
            // Records of partitions that are not owned (any more) are left to their owner.
            let Some(task) = self.partitions.get(&batch[0].topic_partition()) else { continue };
            // A send that fails means that the task has ended: `join_next` says why. A blocked task must not prevent the stop.
            if stop.or(task.commands.send(Command::Records(batch))).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn apply_report(&mut self, report: Report) -> Result<(), Interrupted> {
        let Report { partition, generation, event } = report;
        let task = self.partitions.get_mut(&partition).filter(|task| task.generation == generation);
        let Some(task) = task else { return Ok(()) };
        match event {
            TaskEvent::Restored { next_offset } => {
                task.is_restored = true;
                if let Some(next_offset) = next_offset {
                    match self.source.seek(&partition, SeekTo::Offset(next_offset)).await {
                        Ok(()) => {}
                        // It is being revoked: the source reports that next.
                        Err(error) if error.reason() == "not_owned" => return Ok(()),
                        Err(error) => return Err(error.into()),
                    }
                }
                if !self.paused {
                    self.source.resume(&[partition])?;
                }
                Ok(())
            }
            TaskEvent::Done { next_offset } => {
                task.uncommitted = Some(next_offset);
                match self.member.commit_interval {
                    Some(_) => Ok(()),
                    None => self.commit(|of| *of == partition).await,
                }
            }
            TaskEvent::Checkpointed { next_offset } => {
                task.pending_checkpoints = task.pending_checkpoints.saturating_sub(1);
                task.uncommitted = next_offset.or(task.uncommitted);
                Ok(())
            }
        }
    }

    /// Commits finished offsets. A failed commit is retried with the next one.
    async fn commit(&mut self, is_wanted: impl Fn(&TopicPartition) -> bool) -> Result<(), Interrupted> {
        let tasks = self.partitions.values().filter(|task| is_wanted(&task.partition));
        let offsets: Vec<_> =
            tasks.filter_map(|task| task.uncommitted.map(|offset| (task.partition.clone(), offset))).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        match self.source.commit(&offsets).await {
            Ok(()) => {
                for (partition, _) in &offsets {
                    if let Some(task) = self.partitions.get_mut(partition) {
                        task.uncommitted = None;
                    }
                }
                self.member.metrics.commits.inc();
                Ok(())
            }
            Err(error) if error.is_transient() => {
                tracing::debug!(group = self.member.settings.group, reason = error.reason(), "not committed yet");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn revoke(&mut self, revocation: Revocation) -> Result<(), Interrupted> {
        if !revocation.lost {
            self.drain_in_time(&revocation.partitions).await?;
        }
        for partition in &revocation.partitions {
            self.partitions.remove(partition);
        }
        self.update_metrics();
        revocation.done();
        Ok(())
    }

    /// Drains the tasks up to the deadline; after it, the next owner repeats the uncommitted records.
    async fn drain_in_time(&mut self, partitions: &[TopicPartition]) -> Result<(), Interrupted> {
        let member = self.member;
        tokio::select! {
            drained = self.drain(partitions) => drained,
            () = member.context.clock.sleep(member.drain_deadline) => {
                let (group, deadline, count) = (&member.settings.group, member.drain_deadline, partitions.len());
                tracing::warn!(
                    group,
                    ?deadline,
                    partitions = count,
                    "draining took too long: the next owner of the partitions processes their uncommitted records again"
                );
                Ok(())
            }
        }
    }

    /// Drains the tasks and commits.
    async fn drain(&mut self, partitions: &[TopicPartition]) -> Result<(), Interrupted> {
        let mut waiting = 0;
        for partition in partitions {
            let Some(task) = self.partitions.get_mut(partition).filter(|task| task.is_restored) else { continue };
            if task.commands.send(Command::Checkpoint).await.is_ok() {
                task.pending_checkpoints += 1;
                waiting += task.pending_checkpoints;
            }
        }
        while waiting > 0 {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => task_ended(ended)?,
                Some(report) = self.events.recv() => {
                    if matches!(report.event, TaskEvent::Restored { .. }) {
                        self.deferred.push(report);
                        continue;
                    }
                    let task = self.partitions.get(&report.partition);
                    let is_current = task.is_some_and(|task| task.generation == report.generation);
                    if is_current && matches!(report.event, TaskEvent::Checkpointed { .. }) {
                        waiting -= usize::from(partitions.contains(&report.partition));
                    }
                    self.apply_report(report).await?;
                }
            }
        }
        self.commit(|partition| partitions.contains(partition)).await
    }

    /// Pauses all partitions while the membership is full.
    fn apply_backpressure(&mut self) -> Result<(), Interrupted> {
        let is_full = self.membership.is_full();
        if is_full == self.paused {
            return Ok(());
        }
        let restored = self.partitions.values().filter(|task| task.is_restored);
        let restored: Vec<_> = restored.map(|task| task.partition.clone()).collect();
        match is_full {
            true => self.source.pause(&restored)?,
            false => self.source.resume(&restored)?,
        }
        self.paused = is_full;
        let what = if is_full {
            "paused: too many records wait for their tasks"
        } else {
            "resumed: the tasks have room again"
        };
        tracing::info!(group = self.member.settings.group, "{what}");
        Ok(())
    }

    fn update_metrics(&self) {
        self.member.metrics.partitions.set(self.partitions.len() as i64);
    }
}

fn are_of_one_partition(one: &Incoming, other: &Incoming) -> bool {
    one.partition == other.partition && (Arc::ptr_eq(&one.topic, &other.topic) || one.topic == other.topic)
}

/// A task ends without an error when its commands end, after its partition was revoked.
fn task_ended(ended: Result<anyhow::Result<()>, JoinError>) -> Result<(), Interrupted> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Interrupted::Task(error)),
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => Err(Interrupted::Task(error.into())),
    }
}
