//! One partition at work: its core, and what the core gives out on its way into the log.

mod look;
mod open;
mod restoring;

use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;
use streams::{DeadLetter, Incoming, Log, Outgoing, Receipt, Sink, TopicPartition};
use tokio::sync::mpsc;

use self::open::Open;
use crate::metrics::GroupMetrics;
use crate::pipeline::checkpoint::{Checkpoint, Stage};
use crate::pipeline::limit::{RejectGuard, Tally, Verdict};
use crate::pipeline::machine::{Emission, Machine, MakeMachine};
use crate::pipeline::restore;
use crate::pipeline::turns::Turns;
use crate::sinks::live::LiveFeed;

/// What the pipeline knows of a lane.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Tells it from an earlier lane of the same partition, which may still report.
    pub(crate) generation: u64,
    pub(crate) partition: TopicPartition,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) is_restored: bool,
    /// When its next turns are, in the process's monotonic time.
    pub(crate) turns: Turns,
    /// Checkpoints ordered and not yet reported.
    pub(crate) ordered: usize,
    /// Checkpointed and not yet committed.
    pub(crate) uncommitted: Option<u64>,
}

impl Lane {
    pub(crate) fn new(generation: u64, partition: TopicPartition, orders: mpsc::Sender<Order>, turns: Turns) -> Self {
        Self { generation, partition, orders, is_restored: false, turns, ordered: 0, uncommitted: None }
    }

    /// Orders what is due. A lane without room is busy: it is asked again at its next turn.
    pub(crate) fn order_due(&mut self, now: Duration) {
        let (is_checkpoint, is_look) = self.turns.due(now);
        if is_checkpoint && self.is_restored && self.ordered == 0 {
            self.ordered += usize::from(self.orders.try_send(Order::Checkpoint).is_ok());
        }
        if is_look && self.is_restored {
            let _ = self.orders.try_send(Order::Look);
        }
    }
}

/// What a lane is told to do, in order. It ends when there is nobody left to tell it anything.
#[derive(Debug)]
pub(crate) enum Order {
    Records(Vec<Incoming>),
    Checkpoint,
    /// Looks for late writes of a former owner.
    Look,
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
    pub(crate) dead_letters: Arc<str>,
    /// The group, as dead letters name who gave up.
    pub(crate) service: &'static str,
    pub(crate) rejects: Arc<RejectGuard>,
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
        let Some((mut open, next_offset)) = self.restore_patiently(&orders).await? else { return Ok(()) };
        self.report(LaneEvent::Restored { next_offset }).await;
        let mut emission = Emission::default();
        self.pass_on(&open.machine, &mut emission);
        while let Some(order) = self.next_order(&mut open, &mut orders).await? {
            match order {
                Order::Records(records) => self.apply(&mut open, &records, &mut emission).await?,
                Order::Checkpoint => {
                    self.finish(&mut open).await?;
                    open.under_way = Some(open.take_checkpoint());
                }
                Order::Look => {
                    self.finish(&mut open).await?;
                    self.look(&mut open).await?;
                }
            }
            self.pass_on(&open.machine, &mut emission);
        }
        Ok(())
    }

    /// Waits for it, and sees to the checkpoint under way meanwhile. `None`: there are no more.
    async fn next_order(
        &self,
        open: &mut Open<M>,
        orders: &mut mpsc::Receiver<Order>,
    ) -> anyhow::Result<Option<Order>> {
        loop {
            tokio::select! {
                order = orders.recv() => return Ok(order),
                settled = open.settled() => {
                    settled?;
                    self.advance(open).await?;
                }
            }
        }
    }

    /// Waits until no checkpoint is under way.
    async fn finish(&self, open: &mut Open<M>) -> anyhow::Result<()> {
        while open.under_way.is_some() {
            open.settled().await?;
            self.advance(open).await?;
        }
        Ok(())
    }

    /// Brings the checkpoint under way to its next stage.
    async fn advance(&self, open: &mut Open<M>) -> anyhow::Result<()> {
        let Some(Checkpoint { next_offset, clock_us, stage }) = open.under_way.take() else { return Ok(()) };
        match stage {
            Stage::Taken { parts, .. } => {
                let page = open.ledger.page();
                let headers = restore::headers(next_offset, &open.ledger.verified_offsets());
                for (key, value) in parts {
                    let record = Outgoing {
                        topic: self.checkpoints.clone(),
                        partition: Some(self.partition.partition),
                        key: Some(key),
                        value,
                        headers: headers.clone(),
                        timestamp_ms: (clock_us / 1_000).cast_signed(),
                    };
                    self.send(record, page.receipt(open.account(&self.checkpoints))).await?;
                }
                open.under_way = Some(Checkpoint { next_offset, clock_us, stage: Stage::Written(page) });
            }
            Stage::Written(_) => {
                open.checkpointed_at = next_offset;
                self.report(LaneEvent::Checkpointed { next_offset }).await;
            }
        }
        Ok(())
    }

    async fn report(&self, event: LaneEvent) {
        let report = Report { partition: self.partition.partition, generation: self.generation, event };
        // Nobody listens any more: then the orders end too.
        let _ = self.reports.send(report).await;
    }

    async fn apply(&self, open: &mut Open<M>, records: &[Incoming], emission: &mut Emission) -> anyhow::Result<()> {
        let began = self.clock.monotonic();
        let mut tally = Tally::default();
        for record in records {
            open.machine.apply(record, emission);
            let verdict = std::mem::take(&mut emission.verdict);
            tally.note(verdict);
            if let Verdict::Rejected(reason) = verdict {
                emission.records.push(self.dead_letter(record, reason));
            }
            for outgoing in emission.records.drain(..) {
                self.give_out(outgoing, open).await?;
            }
            if emission.urgent {
                self.pass_on(&open.machine, emission);
            }
        }
        self.metrics.batch_seconds.observe((self.clock.monotonic() - began).as_secs_f64());
        Ok(self.rejects.judge(tally)?)
    }

    fn dead_letter(&self, record: &Incoming, reason: &'static str) -> Outgoing {
        self.metrics.rejected(reason);
        let now_us = self.clock.now_us();
        let letter = DeadLetter::of_record(record, reason, self.service, env!("CARGO_PKG_VERSION"), now_us);
        letter.into_record(self.dead_letters.clone())
    }

    async fn give_out(&self, record: Outgoing, open: &Open<M>) -> anyhow::Result<()> {
        let receipt = open.page.receipt(open.account(&record.topic));
        self.send(record, receipt).await
    }

    async fn send(&self, record: Outgoing, receipt: Receipt) -> anyhow::Result<()> {
        self.metrics.records_out.inc();
        match self.sink.try_send(record, receipt) {
            Ok(()) => Ok(()),
            Err(refused) if refused.is_full() => Ok(self.sink.send(refused.record, refused.receipt).await?),
            Err(refused) => Err(refused.error.into()),
        }
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
}

#[cfg(test)]
mod tests;
