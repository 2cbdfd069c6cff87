//! A partition's task: cuts its records into blocks and writes one block at a time.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use membership::{Command, Membership, Reports, TaskEvent, TaskStart};
use runtime::Clock;
use streams::registry::TopicCodec;
use streams::{Incoming, Topic};
use tokio::sync::{Semaphore, mpsc};

use crate::historian::block::{BlockLimits, Pending};
use crate::historian::block_writer::BlockWriter;
use crate::historian::waiting_records::WaitingRecords;

/// By full name of a topic: its name in the catalogue, and the topic.
pub(super) type Topics = HashMap<Arc<str>, (&'static str, Topic)>;

/// One session in the group, with a task for each partition.
pub(super) struct BlockTasks {
    pub(super) limits: BlockLimits,
    pub(super) topics: Arc<Topics>,
    pub(super) writer: Arc<BlockWriter>,
    /// Limits the number of blocks that are written at the same time.
    pub(super) writers: Arc<Semaphore>,
    pub(super) waiting: Arc<WaitingRecords>,
    pub(super) clock: Clock,
}

impl Membership for BlockTasks {
    fn open(&self, start: TaskStart) -> BoxFuture<'static, anyhow::Result<()>> {
        let TaskStart { partition, commands, reports } = start;
        let Some((topic, Topic { codec, .. })) = self.topics.get(&partition.topic) else {
            // The group reads no other topics.
            return Box::pin(std::future::ready(Ok(())));
        };
        let task = BlockTask {
            topic,
            codec: codec.clone(),
            limits: self.limits,
            writer: self.writer.clone(),
            writers: self.writers.clone(),
            clock: self.clock.clone(),
            pending: Pending::default(),
            held: Held { waiting: self.waiting.clone(), records: 0 },
            checkpoints: 0,
            reports,
        };
        Box::pin(task.run(commands))
    }

    fn restores(&self) -> bool {
        false
    }

    fn is_full(&self) -> bool {
        self.waiting.is_full()
    }
}

/// A task's share of the waiting records; it is removed when the task ends.
struct Held {
    waiting: Arc<WaitingRecords>,
    records: usize,
}

impl Held {
    fn add(&mut self, records: usize) {
        self.records += records;
        self.waiting.add(records);
    }

    fn remove(&mut self, records: usize) {
        self.records -= records;
        self.waiting.remove(records);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.waiting.remove(self.records);
    }
}

/// Whether a task continues.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    /// The partition is no longer owned: its next owner reads the unwritten records again.
    End,
}

struct BlockTask {
    /// The topic's name in the catalogue.
    topic: &'static str,
    codec: TopicCodec,
    limits: BlockLimits,
    writer: Arc<BlockWriter>,
    writers: Arc<Semaphore>,
    clock: Clock,
    reports: Reports,
    pending: Pending,
    held: Held,
    /// Checkpoints that are commanded and not reported: all pending records are written first.
    checkpoints: usize,
}

impl BlockTask {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> anyhow::Result<()> {
        let mut fullness = self.held.waiting.watch();
        loop {
            fullness.mark_unchanged();
            if self.pending.is_due(self.limits, self.clock.monotonic(), self.is_all_due()) {
                match self.write_block(&mut commands).await? {
                    Next::Continue => continue,
                    Next::End => return Ok(()),
                }
            }
            if self.checkpoints > 0 {
                self.checkpoints -= 1;
                self.reports.send(TaskEvent::Checkpointed { next_offset: None }).await;
                continue;
            }
            let due_at = self.pending.due_at(self.limits);
            let clock = self.clock.clone();
            let due = async {
                match due_at {
                    Some(due_at) => clock.sleep(due_at.saturating_sub(clock.monotonic())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = commands.recv() => if self.apply_command(command) == Next::End { return Ok(()) },
                // `held` keeps the sender.
                _ = fullness.changed() => {}
                () = due => {}
            }
        }
    }

    /// Whether all pending records are written without waiting for a full block: no more are read, or they are the last.
    fn is_all_due(&self) -> bool {
        self.checkpoints > 0 || self.held.waiting.is_full()
    }

    fn apply_command(&mut self, command: Option<Command>) -> Next {
        match command {
            None => return Next::End,
            Some(Command::Records(records)) => {
                self.held.add(records.len());
                let now = self.clock.monotonic();
                records.into_iter().for_each(|record| self.pending.push(record, now));
            }
            Some(Command::Checkpoint) => self.checkpoints += 1,
            // The history accepts blocks in any order: late writes of a former owner hide nothing.
            Some(Command::FindLateWrites) => {}
        }
        Next::Continue
    }

    /// Writes the next block; accepts commands meanwhile.
    async fn write_block(&mut self, commands: &mut mpsc::Receiver<Command>) -> anyhow::Result<Next> {
        let permit = self.writers.clone().acquire_owned();
        tokio::pin!(permit);
        let permit = loop {
            // The last blocks of a revoked partition do not wait for a permit.
            if self.checkpoints > 0 {
                break None;
            }
            tokio::select! {
                permit = &mut permit => break permit.ok(),
                command = commands.recv() => if self.apply_command(command) == Next::End { return Ok(Next::End) },
            }
        };
        let (now, all) = (self.clock.monotonic(), self.is_all_due());
        let Some(records) = self.pending.cut(self.limits, now, all) else { return Ok(Next::Continue) };
        let count = records.len();
        let next_offset = records.last().map_or(0, |record| record.offset + 1);
        let outcome = {
            let write = write(self.writer.clone(), self.topic, self.codec.clone(), records);
            tokio::pin!(write);
            loop {
                tokio::select! {
                    outcome = &mut write => break outcome,
                    command = commands.recv() => if self.apply_command(command) == Next::End { return Ok(Next::End) },
                }
            }
        };
        drop(permit);
        self.held.remove(count);
        outcome?;
        self.reports.send(TaskEvent::Done { next_offset }).await;
        Ok(Next::Continue)
    }
}

async fn write(
    writer: Arc<BlockWriter>,
    topic: &'static str,
    codec: TopicCodec,
    records: Vec<Incoming>,
) -> anyhow::Result<()> {
    writer.write(topic, &codec, &records).await
}
