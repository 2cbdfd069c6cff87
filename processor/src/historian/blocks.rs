//! A partition's task: its records cut into blocks, one of them at a time on its way into the history.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use membership::{Command, Membership, Reports, TaskEvent, TaskStart};
use parking_lot::Mutex;
use runtime::Clock;
use streams::registry::TopicCodec;
use streams::{Incoming, Topic, TopicPartition};
use tokio::sync::{Semaphore, mpsc};

use crate::historian::block::{BlockLimits, Pending};
use crate::historian::waiting::Waiting;
use crate::historian::writing::BlockWriter;

/// The next offset to write of each partition owned.
pub(super) type NextOffsets = Arc<Mutex<HashMap<TopicPartition, u64>>>;

/// By full name: the name in the catalogue, and the topic.
pub(super) type Topics = HashMap<Arc<str>, (&'static str, Topic)>;

/// One session in the group.
pub(super) struct Blocks {
    pub(super) limits: BlockLimits,
    pub(super) topics: Arc<Topics>,
    pub(super) writer: Arc<BlockWriter>,
    /// So many blocks are on their way at once.
    pub(super) writers: Arc<Semaphore>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) next_offsets: NextOffsets,
    pub(super) clock: Clock,
}

impl Membership for Blocks {
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

    fn done(&self, partition: &TopicPartition, next_offset: u64) {
        self.next_offsets.lock().insert(partition.clone(), next_offset);
    }

    fn closed(&self, partition: &TopicPartition) {
        self.next_offsets.lock().remove(partition);
    }
}

/// A task's records among those that wait. They do not wait any more when the task ends.
struct Held {
    waiting: Arc<Waiting>,
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

/// Whether a task goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoesOn,
    /// The partition is no longer ours: what is not written is its next owner's.
    Ends,
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
    /// Checkpoints commanded and not answered: everything is written first.
    checkpoints: usize,
}

impl BlockTask {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> anyhow::Result<()> {
        let mut fullness = self.held.waiting.watch();
        loop {
            fullness.mark_unchanged();
            if self.pending.is_due(self.limits, self.clock.monotonic(), self.is_all_due()) {
                match self.write_block(&mut commands).await? {
                    Next::GoesOn => continue,
                    Next::Ends => return Ok(()),
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
                command = commands.recv() => if self.apply_command(command) == Next::Ends { return Ok(()) },
                // Its sender lives as long as this task.
                _ = fullness.changed() => {}
                () = due => {}
            }
        }
    }

    /// Whether all that is pending is written, and blocks do not wait to grow: nothing more is read, or they are the last.
    fn is_all_due(&self) -> bool {
        self.checkpoints > 0 || self.held.waiting.is_full()
    }

    fn apply_command(&mut self, command: Option<Command>) -> Next {
        match command {
            None => return Next::Ends,
            Some(Command::Records(records)) => {
                self.held.add(records.len());
                let now = self.clock.monotonic();
                records.into_iter().for_each(|record| self.pending.push(record, now));
            }
            Some(Command::Checkpoint) => self.checkpoints += 1,
            // The history accepts blocks in any order: late writes of a former owner do no harm.
            Some(Command::FindLateWrites) => {}
        }
        Next::GoesOn
    }

    /// Writes the next block, and accepts commands meanwhile.
    async fn write_block(&mut self, commands: &mut mpsc::Receiver<Command>) -> anyhow::Result<Next> {
        let turn = self.writers.clone().acquire_owned();
        tokio::pin!(turn);
        let turn = loop {
            // The last blocks of a partition have no time to wait.
            if self.checkpoints > 0 {
                break None;
            }
            tokio::select! {
                turn = &mut turn => break turn.ok(),
                command = commands.recv() => if self.apply_command(command) == Next::Ends { return Ok(Next::Ends) },
            }
        };
        let (now, all) = (self.clock.monotonic(), self.is_all_due());
        let Some(records) = self.pending.cut(self.limits, now, all) else { return Ok(Next::GoesOn) };
        let count = records.len();
        let next_offset = records.last().map_or(0, |record| record.offset + 1);
        let outcome = {
            let write = write(self.writer.clone(), self.topic, self.codec.clone(), records);
            tokio::pin!(write);
            loop {
                tokio::select! {
                    outcome = &mut write => break outcome,
                    command = commands.recv() => if self.apply_command(command) == Next::Ends { return Ok(Next::Ends) },
                }
            }
        };
        drop(turn);
        self.held.remove(count);
        outcome?;
        self.reports.send(TaskEvent::Done { next_offset }).await;
        Ok(Next::GoesOn)
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
