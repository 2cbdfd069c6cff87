//! Restores a partition's core from its checkpoints.

use membership::Command;
use runtime::Backoff;
use streams::{Event, SeekTo, StreamError, TopicPartition, Watermarks};
use tokio::sync::mpsc;

use super::PartitionTask;
use super::open::Open;
use crate::pipeline::machine::{Fit, Machine};
use crate::pipeline::restore::Parts;

/// A restored task, and the first offset that it needs.
type Restored<M> = (Open<M>, Option<u64>);

impl<M: Machine> PartitionTask<M> {
    /// Tries until it works. `None`: the partition is no longer owned.
    pub(super) async fn restore_patiently(
        &self,
        commands: &mpsc::Receiver<Command>,
    ) -> anyhow::Result<Option<Restored<M>>> {
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
            if commands.is_closed() {
                return Ok(None);
            }
            self.clock.sleep(backoff.next_delay()).await;
        }
    }

    /// Reads the checkpoints of the partition up to where they end now.
    async fn restore(&self) -> Result<Restored<M>, StreamError> {
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
        let (was_interrupted, verified) = (parts.has_ahead(), parts.verified().to_vec());
        let Some(mut machine) = self.rebuild(new(), parts.into_values(with_ahead), input, &mut count) else {
            tracing::warn!(partition = %self.partition, "checkpoints are those of another log: starting with nothing");
            return Ok((Open::new(new(), &self.checkpoints, &[]), None));
        };
        if was_interrupted && !with_ahead {
            // Compaction keeps the newest of a key, and that is not what the sealed checkpoint holds.
            machine.checkpoint_all();
        }
        let seconds = (self.clock.monotonic() - began).as_secs_f64();
        self.metrics.restore_seconds.observe(seconds);
        let next_offset = machine.next_offset();
        tracing::info!(partition = %self.partition, records = count, next_offset, seconds, "restored");
        Ok((Open::new(machine, &self.checkpoints, &verified), (next_offset > 0).then_some(next_offset)))
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
