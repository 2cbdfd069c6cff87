//! The task of one partition: its core, and the core's outputs on their way into the log.

mod look;
mod open;
mod restoring;

use std::sync::Arc;

use membership::{Command, Reports, TaskEvent};
use runtime::Clock;
use streams::trace::RecordTracer;
use streams::{DeadLetter, Incoming, Log, Outgoing, Receipt, Sink, TopicPartition};
use tokio::sync::mpsc;

use self::open::Open;
use crate::metrics::GroupMetrics;
use crate::pipeline::alarm::{RejectAlarm, Rejection, Tally};
use crate::pipeline::checkpoint::{Checkpoint, Stage};
use crate::pipeline::machine::{Emission, Machine, MakeMachine};
use crate::pipeline::restore;
use crate::pipeline::trace::{OutputTrace, RecordTrace};
use crate::sinks::live::LiveFeed;

/// A partition's task before it starts.
pub(crate) struct PartitionTask<M> {
    pub(crate) partition: TopicPartition,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) checkpoints: Arc<str>,
    pub(crate) dead_letters: Arc<str>,
    /// The group, as dead letters name who gave up.
    pub(crate) service: &'static str,
    pub(crate) alarm: Arc<RejectAlarm>,
    pub(crate) epoch: Arc<str>,
    pub(crate) machine: MakeMachine<M>,
    pub(crate) live: Option<Arc<LiveFeed>>,
    pub(crate) clock: Clock,
    pub(crate) traces: RecordTracer,
    pub(crate) reports: Reports,
    pub(crate) metrics: GroupMetrics,
}

impl<M: Machine> PartitionTask<M> {
    /// Restores, then carries out commands until there are no more.
    pub(crate) async fn run(self, mut commands: mpsc::Receiver<Command>) -> anyhow::Result<()> {
        let Some((mut open, next_offset)) = self.restore_patiently(&commands).await? else { return Ok(()) };
        self.reports.send(TaskEvent::Restored { next_offset }).await;
        let mut emission = Emission::default();
        self.pass_on(&open.machine, &mut emission);
        while let Some(command) = self.next_command(&mut open, &mut commands).await? {
            match command {
                Command::Records(records) => self.apply(&mut open, &records, &mut emission).await?,
                Command::Checkpoint => {
                    self.finish_checkpoint(&mut open).await?;
                    open.under_way = Some(open.take_checkpoint());
                }
                Command::FindLateWrites => {
                    self.finish_checkpoint(&mut open).await?;
                    self.look(&mut open).await?;
                }
            }
            self.pass_on(&open.machine, &mut emission);
        }
        Ok(())
    }

    /// Waits for the next command, and brings the checkpoint under way forward meanwhile. `None`: there are no more.
    async fn next_command(
        &self,
        open: &mut Open<M>,
        commands: &mut mpsc::Receiver<Command>,
    ) -> anyhow::Result<Option<Command>> {
        loop {
            tokio::select! {
                command = commands.recv() => return Ok(command),
                settled = open.settled() => {
                    settled?;
                    self.advance(open).await?;
                }
            }
        }
    }

    /// Waits until no checkpoint is under way.
    async fn finish_checkpoint(&self, open: &mut Open<M>) -> anyhow::Result<()> {
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
                self.reports.send(TaskEvent::Checkpointed { next_offset: Some(next_offset) }).await;
            }
        }
        Ok(())
    }

    async fn apply(&self, open: &mut Open<M>, records: &[Incoming], emission: &mut Emission) -> anyhow::Result<()> {
        let began = self.clock.monotonic();
        let mut tally = Tally::default();
        for record in records {
            emission.trace = RecordTrace::begin(&self.traces, record, &self.clock);
            open.machine.apply(record, emission);
            let verdict = std::mem::take(&mut emission.verdict);
            tally.note(verdict);
            if let Some(Rejection { reason, is_written }) = verdict.rejection() {
                self.metrics.rejected(reason, is_written);
                if is_written {
                    emission.records.push(self.dead_letter(record, reason));
                }
            }
            let outputs = OutputTrace::of(emission.trace.take(), verdict, record, &self.traces);
            for mut outgoing in emission.records.drain(..) {
                let receipt = open.page.receipt(open.account(&outgoing.topic));
                let receipt = outputs.trace(&self.traces, &mut outgoing, receipt);
                self.send(outgoing, receipt).await?;
            }
            outputs.end();
            if emission.urgent {
                self.pass_on(&open.machine, emission);
            }
        }
        self.metrics.batch_seconds.observe((self.clock.monotonic() - began).as_secs_f64());
        self.alarm.note(tally, &mut emission.health, self.clock.monotonic());
        Ok(())
    }

    fn dead_letter(&self, record: &Incoming, reason: &'static str) -> Outgoing {
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

    /// Hands live states to Redis' task, and does not wait for it.
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
