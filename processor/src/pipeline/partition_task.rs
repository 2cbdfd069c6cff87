//! The task of one partition: runs its core and writes the core's outputs into the log.

mod find_late_writes;
mod restoring;
mod state;

use std::sync::Arc;

use membership::{Command, Reports, TaskEvent};
use runtime::Clock;
use streams::trace::RecordTracer;
use streams::{DeadLetter, Incoming, Log, Outgoing, Receipt, Sink, TopicPartition};
use tokio::sync::mpsc;

use self::state::TaskState;
use crate::metrics::GroupMetrics;
use crate::pipeline::alarm::{RejectAlarm, Rejection, Tally};
use crate::pipeline::checkpoint::{Checkpoint, Stage};
use crate::pipeline::checkpoint_parts;
use crate::pipeline::machine::{Emission, Machine, MakeMachine};
use crate::pipeline::trace::{OutputTrace, RecordTrace};
use crate::sinks::live::LiveFeed;

/// A partition's task before it starts.
pub(crate) struct PartitionTask<M> {
    pub(crate) partition: TopicPartition,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) checkpoints: Arc<str>,
    pub(crate) dead_letters: Arc<str>,
    /// The group, for dead letters.
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
    /// Restores, then executes commands until the channel is closed.
    pub(crate) async fn run(self, mut commands: mpsc::Receiver<Command>) -> anyhow::Result<()> {
        let Some((mut state, next_offset)) = self.restore_with_retries(&commands).await? else { return Ok(()) };
        self.reports.send(TaskEvent::Restored { next_offset }).await;
        let mut emission = Emission::default();
        self.send_live(&state.machine, &mut emission);
        while let Some(command) = self.next_command(&mut state, &mut commands).await? {
            match command {
                Command::Records(records) => self.apply(&mut state, &records, &mut emission).await?,
                Command::Checkpoint => {
                    self.complete_checkpoint(&mut state).await?;
                    state.checkpoint = Some(state.take_checkpoint());
                }
                Command::FindLateWrites => {
                    self.complete_checkpoint(&mut state).await?;
                    self.find_late_writes(&mut state).await?;
                }
            }
            self.send_live(&state.machine, &mut emission);
        }
        Ok(())
    }

    /// Waits for the next command, and continues the checkpoint meanwhile. `None`: the channel is closed.
    async fn next_command(
        &self,
        state: &mut TaskState<M>,
        commands: &mut mpsc::Receiver<Command>,
    ) -> anyhow::Result<Option<Command>> {
        loop {
            tokio::select! {
                command = commands.recv() => return Ok(command),
                acknowledged = state.acknowledged() => {
                    acknowledged?;
                    self.advance_checkpoint(state).await?;
                }
            }
        }
    }

    /// Waits until the checkpoint, where there is one, is in the log.
    async fn complete_checkpoint(&self, state: &mut TaskState<M>) -> anyhow::Result<()> {
        while state.checkpoint.is_some() {
            state.acknowledged().await?;
            self.advance_checkpoint(state).await?;
        }
        Ok(())
    }

    /// Begins the next stage of the checkpoint.
    async fn advance_checkpoint(&self, state: &mut TaskState<M>) -> anyhow::Result<()> {
        let Some(Checkpoint { next_offset, clock_us, stage }) = state.checkpoint.take() else { return Ok(()) };
        match stage {
            Stage::Taken { parts, .. } => {
                let receipts = state.ledger.receipts();
                let headers = checkpoint_parts::headers(next_offset, &state.ledger.verified_offsets());
                for (key, value) in parts {
                    let record = Outgoing {
                        topic: self.checkpoints.clone(),
                        partition: Some(self.partition.partition),
                        key: Some(key),
                        value,
                        headers: headers.clone(),
                        timestamp_ms: (clock_us / 1_000).cast_signed(),
                    };
                    self.send(record, receipts.receipt(state.own_topic(&self.checkpoints))).await?;
                }
                state.checkpoint = Some(Checkpoint { next_offset, clock_us, stage: Stage::Written(receipts) });
            }
            Stage::Written(_) => {
                state.checkpointed_at = next_offset;
                self.reports.send(TaskEvent::Checkpointed { next_offset: Some(next_offset) }).await;
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        state: &mut TaskState<M>,
        records: &[Incoming],
        emission: &mut Emission,
    ) -> anyhow::Result<()> {
        let began = self.clock.monotonic();
        let mut tally = Tally::default();
        for record in records {
            emission.trace = RecordTrace::begin(&self.traces, record, &self.clock);
            state.machine.apply(record, emission);
            let verdict = std::mem::take(&mut emission.verdict);
            tally.add(verdict);
            if let Some(Rejection { reason, is_written }) = verdict.rejection() {
                self.metrics.rejected(reason, is_written);
                if is_written {
                    emission.records.push(self.dead_letter(record, reason));
                }
            }
            let outputs = OutputTrace::of(emission.trace.take(), verdict, record, &self.traces);
            for mut outgoing in emission.records.drain(..) {
                let receipt = state.receipts.receipt(state.own_topic(&outgoing.topic));
                let receipt = outputs.trace(&self.traces, &mut outgoing, receipt);
                self.send(outgoing, receipt).await?;
            }
            outputs.end();
            if emission.urgent {
                self.send_live(&state.machine, emission);
            }
        }
        self.metrics.batch_seconds.observe((self.clock.monotonic() - began).as_secs_f64());
        self.alarm.add(tally, &mut emission.health, self.clock.monotonic());
        Ok(())
    }

    fn dead_letter(&self, record: &Incoming, reason: &'static str) -> Outgoing {
        let now_us = self.clock.now_us();
        let letter = DeadLetter::of_record(record, reason, self.service, env!("CARGO_PKG_VERSION"), now_us);
        letter.into_record(self.dead_letters.clone())
    }

    async fn publish(&self, record: Outgoing, state: &TaskState<M>) -> anyhow::Result<()> {
        let receipt = state.receipts.receipt(state.own_topic(&record.topic));
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

    /// Queues live states for the task that writes to Redis; never waits.
    fn send_live(&self, machine: &M, emission: &mut Emission) {
        emission.urgent = false;
        let Some(live) = &self.live else {
            emission.live.clear();
            return;
        };
        if live.needs_all() {
            emission.live.clear();
            machine.live(&mut emission.live);
            let version = machine.next_offset().saturating_sub(1);
            live.push_all(&mut emission.live, machine.clock_us(), version);
        } else if !emission.live.is_empty() {
            live.push(&mut emission.live, machine.clock_us());
        }
    }
}

#[cfg(test)]
mod tests;
