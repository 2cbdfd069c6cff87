//! One partition at work: its core, and what the core gives out on its way into the log.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use runtime::{Backoff, Clock};
use streams::{
    DeliveryError, Event, Flush, Incoming, Log, Outgoing, SeekTo, Sink, StreamError, TopicPartition, Watermarks,
};
use tokio::sync::mpsc;

use crate::metrics::GroupMetrics;
use crate::pipeline::machine::{Emission, Fit, Machine, MakeMachine};
use crate::pipeline::restore::{self, Parts};
use crate::sinks::live::LiveFeed;

/// What the pipeline knows of a lane.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Tells it from an earlier lane of the same partition, which may still report.
    pub(crate) generation: u64,
    pub(crate) partition: TopicPartition,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) is_restored: bool,
    /// Checkpoints ordered and not yet reported.
    pub(crate) ordered: usize,
    /// Checkpointed and not yet committed.
    pub(crate) uncommitted: Option<u64>,
}

impl Lane {
    pub(crate) fn new(generation: u64, partition: TopicPartition, orders: mpsc::Sender<Order>) -> Self {
        Self { generation, partition, orders, is_restored: false, ordered: 0, uncommitted: None }
    }
}

/// What a lane is told to do, in order. It ends when there is nobody left to tell it anything.
#[derive(Debug)]
pub(crate) enum Order {
    Records(Vec<Incoming>),
    Checkpoint,
}

/// What a lane tells.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) partition: u32,
    pub(crate) generation: u64,
    pub(crate) event: LaneEvent,
}

/// What happened in a lane.
#[derive(Debug)]
pub(crate) enum LaneEvent {
    /// Its memory is back. `next_offset`: from there on it needs records; `None`: from where the group left off.
    Restored { next_offset: Option<u64> },
    /// All before this offset is in the log.
    Checkpointed { next_offset: u64 },
}

/// A lane before it starts.
pub(crate) struct Task<M> {
    pub(crate) generation: u64,
    pub(crate) partition: TopicPartition,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) checkpoints: Arc<str>,
    pub(crate) epoch: Arc<str>,
    pub(crate) machine: MakeMachine<M>,
    pub(crate) live: Option<Arc<LiveFeed>>,
    pub(crate) clock: Clock,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) metrics: GroupMetrics,
}

impl<M: Machine> Task<M> {
    /// Restores, then follows orders until there are no more.
    pub(crate) async fn run(self, mut orders: mpsc::Receiver<Order>) -> anyhow::Result<()> {
        let Some((mut machine, next_offset)) = self.restore_patiently(&orders).await? else { return Ok(()) };
        self.report(LaneEvent::Restored { next_offset }).await;
        let (flush, mut emission) = (Flush::new(), Emission::default());
        self.pass_on(&machine, &mut emission);
        while let Some(order) = orders.recv().await {
            match order {
                Order::Records(records) => self.apply(&mut machine, &records, &flush, &mut emission).await?,
                Order::Checkpoint => {
                    let next_offset = self.checkpoint(&mut machine, &flush).await?;
                    self.report(LaneEvent::Checkpointed { next_offset }).await;
                }
            }
            self.pass_on(&machine, &mut emission);
        }
        Ok(())
    }

    async fn report(&self, event: LaneEvent) {
        let report = Report { partition: self.partition.partition, generation: self.generation, event };
        // Nobody listens any more: then the orders end too.
        let _ = self.reports.send(report).await;
    }

    async fn apply(
        &self,
        machine: &mut M,
        records: &[Incoming],
        flush: &Flush,
        emission: &mut Emission,
    ) -> anyhow::Result<()> {
        let began = self.clock.monotonic();
        for record in records {
            machine.apply(record, emission);
            for outgoing in emission.records.drain(..) {
                self.send(outgoing, flush).await?;
            }
            if emission.urgent {
                self.pass_on(machine, emission);
            }
        }
        self.metrics.batch_seconds.observe((self.clock.monotonic() - began).as_secs_f64());
        Ok(())
    }

    async fn send(&self, record: Outgoing, flush: &Flush) -> anyhow::Result<()> {
        self.metrics.records_out.inc();
        match self.sink.try_send(record, flush.receipt()) {
            Ok(()) => Ok(()),
            Err(refused) if refused.is_full() => Ok(self.sink.send(refused.record, refused.receipt).await?),
            Err(refused) => Err(refused.error.into()),
        }
    }

    async fn checkpoint(&self, machine: &mut M, flush: &Flush) -> anyhow::Result<u64> {
        wait(flush).await.context("outputs")?;
        let next_offset = machine.next_offset();
        let timestamp_ms = (machine.clock_us() / 1_000).cast_signed();
        for (key, value) in machine.checkpoint() {
            let record = Outgoing {
                topic: self.checkpoints.clone(),
                partition: Some(self.partition.partition),
                key: Some(key.into()),
                value,
                headers: restore::headers(next_offset),
                timestamp_ms,
            };
            self.send(record, flush).await?;
        }
        wait(flush).await.context("checkpoint")?;
        Ok(next_offset)
    }

    /// Hands live states to Redis' task, which is never waited for.
    fn pass_on(&self, machine: &M, emission: &mut Emission) {
        emission.urgent = false;
        let Some(live) = &self.live else {
            emission.live.clear();
            return;
        };
        if live.wants_all() {
            emission.live.clear();
            machine.live(&mut emission.live);
            let version = machine.next_offset().saturating_sub(1);
            live.offer_all(&mut emission.live, machine.clock_us(), version);
        } else if !emission.live.is_empty() {
            live.offer(&mut emission.live, machine.clock_us());
        }
    }

    async fn restore_patiently(&self, orders: &mpsc::Receiver<Order>) -> anyhow::Result<Option<(M, Option<u64>)>> {
        let mut backoff = Backoff::for_services();
        loop {
            match self.restore().await {
                Ok(restored) => return Ok(Some(restored)),
                Err(error) if !error.is_transient() => return Err(error.into()),
                Err(error) => {
                    let reason = error.reason();
                    tracing::warn!(partition = %self.partition, reason, "cannot restore yet: {error}");
                }
            }
            if orders.is_closed() {
                return Ok(None);
            }
            self.clock.sleep(backoff.next_delay()).await;
        }
    }

    /// Reads the checkpoints of the partition up to where they end now.
    async fn restore(&self) -> Result<(M, Option<u64>), StreamError> {
        let began = self.clock.monotonic();
        let place = TopicPartition::new(self.checkpoints.clone(), self.partition.partition);
        let mut source = self.log.read(vec![(place, SeekTo::Beginning)]).await?;
        let mut parts = Parts::default();
        loop {
            match source.next().await? {
                Event::Records(records) => records.into_iter().for_each(|record| parts.take(record)),
                Event::CaughtUp(_) => break,
                _ => {}
            }
        }
        let input = self.log.watermarks(&self.partition).await?;
        let new = || (self.machine)(self.partition.partition, &self.epoch);
        let (with_ahead, mut count) = (new().takes_parts_ahead(), 0_u64);
        let Some(machine) = self.rebuild(new(), parts.into_values(with_ahead), input, &mut count) else {
            tracing::warn!(partition = %self.partition, "checkpoints are those of another log: starting with nothing");
            return Ok((new(), None));
        };
        let seconds = (self.clock.monotonic() - began).as_secs_f64();
        self.metrics.restore_seconds.observe(seconds);
        let next_offset = machine.next_offset();
        tracing::info!(partition = %self.partition, records = count, next_offset, seconds, "restored");
        Ok((machine, (next_offset > 0).then_some(next_offset)))
    }

    /// `None`: the checkpoints do not belong to this log.
    fn rebuild(
        &self,
        mut machine: M,
        values: impl Iterator<Item = bytes::Bytes>,
        input: Watermarks,
        count: &mut u64,
    ) -> Option<M> {
        for value in values {
            *count += 1;
            match machine.restore(&value) {
                Ok(Fit::Ours) => {}
                Ok(Fit::OtherLog) => return None,
                Err(error) => {
                    let reason = error.reason();
                    tracing::error!(partition = %self.partition, reason, "a checkpoint record is left out: {error}");
                }
            }
        }
        (machine.next_offset() <= input.high).then_some(machine)
    }
}

/// Waits for all acknowledgements. A record that the log refuses for what it is would be refused again: it is counted
/// out, everything else is a reason to start anew.
async fn wait(flush: &Flush) -> anyhow::Result<()> {
    match flush.wait().await {
        Ok(()) => Ok(()),
        Err(DeliveryError::Refused { reason, detail }) => {
            tracing::error!(reason, detail = %detail, "the log refuses a record: it is lost");
            Ok(())
        }
        Err(error) => bail!(error),
    }
}
