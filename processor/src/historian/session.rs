//! One membership in the group: the partitions that are ours, and the blocks on their way.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use runtime::Shutdown;
use streams::{Event, Incoming, Revocation, Source, TopicPartition};
use tokio::task::{JoinError, JoinSet};

use crate::historian::block::{BlockLimits, Pending};
use crate::historian::writing::Desk;
use crate::historian::{Historian, Interrupted, Topics};

/// How often old blocks are looked for.
const LOOK: Duration = Duration::from_millis(250);
/// What is not written by then is read again by the next owner; less than what a revoked partition gets.
const LAST_WRITES: Duration = Duration::from_secs(4);

/// A partition that is ours.
#[derive(Default)]
struct Lane {
    pending: Pending,
    /// The records of the block on its way.
    writing: Option<usize>,
    /// Another life of the same partition is another lane.
    life: u64,
}

/// What a write came to: the offset after the block.
struct Written {
    partition: TopicPartition,
    life: u64,
    next_offset: u64,
    outcome: anyhow::Result<()>,
}

/// The blocks on their way.
struct Writes<'a> {
    topics: &'a Topics,
    limits: BlockLimits,
    desk: Arc<Desk>,
    tasks: JoinSet<Written>,
}

impl Writes<'_> {
    /// Starts the next block of a lane, where there is one to cut (with `all` whatever there is) and none on its way.
    fn start(&mut self, partition: &TopicPartition, lane: &mut Lane, now: Duration, all: bool) {
        if lane.writing.is_some() {
            return;
        }
        let Some((name, topic)) = self.topics.get(&partition.topic) else { return };
        let Some(records) = lane.pending.cut(self.limits, now, all) else { return };
        lane.writing = Some(records.len());
        let (name, codec, desk) = (*name, topic.codec.clone(), self.desk.clone());
        let (partition, life) = (partition.clone(), lane.life);
        let next_offset = records.last().map_or(0, |record| record.offset + 1);
        self.tasks.spawn(async move {
            let outcome = desk.write(name, &codec, &records).await;
            Written { partition, life, next_offset, outcome }
        });
    }
}

/// One membership in the group.
pub(super) struct Session<'a> {
    historian: &'a Historian,
    source: Box<dyn Source>,
    lanes: HashMap<TopicPartition, Lane>,
    writes: Writes<'a>,
    /// Records that were read and are not written.
    waiting: usize,
    paused: bool,
    lives: u64,
}

impl<'a> Session<'a> {
    /// Nothing is ours yet.
    pub(super) fn new(historian: &'a Historian, source: Box<dyn Source>, desk: Arc<Desk>) -> Self {
        let options = &historian.options;
        let limits = BlockLimits { records: options.block_records, age: options.block_age };
        let writes = Writes { topics: &historian.topics, limits, desk, tasks: JoinSet::new() };
        Self { historian, source, lanes: HashMap::new(), writes, waiting: 0, paused: false, lives: 0 }
    }

    /// Reads and writes until stopped.
    pub(super) async fn attend(&mut self, stop: &Shutdown) -> Result<(), Interrupted> {
        let clock = &self.historian.outfit.context.clock;
        loop {
            tokio::select! {
                () = stop.requested() => {
                    let all: Vec<_> = self.lanes.keys().cloned().collect();
                    return self.finish(&all).await;
                }
                Some(written) = self.writes.tasks.join_next() => self.settle(written).await?,
                () = clock.sleep(LOOK) => {}
                event = self.source.next() => match event? {
                    Event::Assigned(partitions) => self.take(partitions)?,
                    Event::Revoked(revocation) => self.give_up(revocation).await?,
                    Event::Records(records) => self.gather(records),
                    Event::CaughtUp(_) => {}
                },
            }
            self.start_writes();
            self.brake()?;
        }
    }

    /// Drops what is on its way.
    pub(super) async fn drop_writes(&mut self) {
        self.writes.tasks.shutdown().await;
    }

    /// Leaves the group.
    pub(super) async fn leave(self) {
        if let Err(error) = self.source.close().await {
            tracing::debug!(reason = error.reason(), "left the group without its answer");
        }
    }

    fn take(&mut self, partitions: Vec<TopicPartition>) -> Result<(), Interrupted> {
        if self.paused {
            self.source.pause(&partitions)?;
        }
        for partition in partitions {
            self.lives += 1;
            self.lanes.insert(partition, Lane { life: self.lives, ..Lane::default() });
        }
        self.tell_lanes();
        Ok(())
    }

    fn gather(&mut self, records: Vec<Incoming>) {
        let now = self.now();
        self.historian.metrics.records.inc_by(records.len() as u64);
        for record in records {
            // What is not ours (any more) is another's to write.
            if let Some(lane) = self.lanes.get_mut(&record.topic_partition()) {
                lane.pending.push(record, now);
                self.waiting += 1;
            }
        }
    }

    /// Blocks that are due, one per partition at a time.
    fn start_writes(&mut self) {
        let (now, options) = (self.now(), &self.historian.options);
        // When too much waits in too many small heaps, whatever there is goes out: nothing comes to make them larger.
        let all = self.paused || self.waiting >= options.max_waiting_records;
        for (partition, lane) in &mut self.lanes {
            if self.writes.tasks.len() >= options.writers {
                break;
            }
            self.writes.start(partition, lane, now, all);
        }
        self.historian.metrics.waiting.set(self.waiting.cast_signed() as i64);
    }

    /// Pauses all partitions while too many records wait.
    fn brake(&mut self) -> Result<(), Interrupted> {
        let most = self.historian.options.max_waiting_records;
        let pause = if self.paused { self.waiting > most / 2 } else { self.waiting >= most };
        if pause == self.paused {
            return Ok(());
        }
        let all: Vec<_> = self.lanes.keys().cloned().collect();
        match pause {
            true => self.source.pause(&all)?,
            false => self.source.resume(&all)?,
        }
        self.paused = pause;
        let what = if pause { "paused: the history is behind" } else { "reading again" };
        tracing::info!(waiting = self.waiting, "{what}");
        Ok(())
    }

    /// A block is done: commits what is after it.
    async fn settle(&mut self, written: Result<Written, JoinError>) -> Result<(), Interrupted> {
        let written = written.map_err(|error| Interrupted::Block(error.into()))?;
        let Written { partition, life, next_offset, outcome } = written;
        let Some(lane) = self.lanes.get_mut(&partition).filter(|lane| lane.life == life) else { return Ok(()) };
        self.waiting -= lane.writing.take().unwrap_or_default();
        outcome.map_err(Interrupted::Block)?;
        self.historian.positions.lock().insert(partition.clone(), next_offset);
        match self.source.commit(&[(partition, next_offset)]).await {
            Err(error) if !error.is_transient() => Err(error.into()),
            Err(error) => {
                // The rows are there; reading them again changes nothing.
                tracing::debug!(reason = error.reason(), "not committed");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn give_up(&mut self, revocation: Revocation) -> Result<(), Interrupted> {
        if !revocation.lost {
            self.finish(&revocation.partitions).await?;
        }
        for partition in &revocation.partitions {
            if let Some(lane) = self.lanes.remove(partition) {
                self.waiting -= lane.pending.len() + lane.writing.unwrap_or_default();
            }
            self.historian.positions.lock().remove(partition);
        }
        self.tell_lanes();
        revocation.done();
        Ok(())
    }

    /// Writes and commits all that these partitions hold, as far as the time allows.
    async fn finish(&mut self, partitions: &[TopicPartition]) -> Result<(), Interrupted> {
        let mut deadline = pin!(self.historian.outfit.context.clock.sleep(LAST_WRITES));
        while self.write_out(partitions) {
            tokio::select! {
                () = &mut deadline => return Ok(()),
                Some(written) = self.writes.tasks.join_next() => self.settle(written).await?,
            }
        }
        Ok(())
    }

    /// Starts a block of whatever these partitions hold, each that has none on its way. Whether any has one.
    fn write_out(&mut self, partitions: &[TopicPartition]) -> bool {
        let (now, mut is_open) = (self.now(), false);
        for partition in partitions {
            let Some(lane) = self.lanes.get_mut(partition) else { continue };
            self.writes.start(partition, lane, now, true);
            is_open |= lane.writing.is_some();
        }
        is_open
    }

    fn tell_lanes(&self) {
        self.historian.metrics.partitions.set(self.lanes.len().cast_signed() as i64);
    }

    fn now(&self) -> Duration {
        self.historian.outfit.context.clock.monotonic()
    }
}
