//! Restores a partition's core from its checkpoints.

use membership::Command;
use runtime::Backoff;
use streams::{Event, SeekTo, StreamError, TopicPartition, Watermarks};
use tokio::sync::mpsc;

use super::PartitionTask;
use super::state::TaskState;
use crate::pipeline::checkpoint_parts::Parts;
use crate::pipeline::machine::{CheckpointOrigin, Machine};

/// The state of a restored task, and the first offset that it needs.
type Restored<M> = (TaskState<M>, Option<u64>);

impl<M: Machine> PartitionTask<M> {
    /// Restores, with retries while the log is unreachable. `None`: the partition is no longer owned.
    pub(super) async fn restore_with_retries(
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

    /// Reads the checkpoints of the partition up to their end at the time of the call.
    async fn restore(&self) -> Result<Restored<M>, StreamError> {
        let began = self.clock.monotonic();
        let checkpoints = TopicPartition::new(self.checkpoints.clone(), self.partition.partition);
        let mut source = self.log.read(vec![(checkpoints, SeekTo::Beginning)]).await?;
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
        let (with_newer, mut count) = (new().accepts_newer_parts(), 0_u64);
        let (was_interrupted, verified) = (parts.has_newer(), parts.verified().to_vec());
        let Some(mut machine) = self.rebuild(new(), parts.into_values(with_newer), input, &mut count) else {
            tracing::warn!(
                partition = %self.partition,
                "the checkpoints belong to another log: starting without them"
            );
            return Ok((TaskState::new(new(), &self.checkpoints, &[]), None));
        };
        if was_interrupted && !with_newer {
            // Compaction keeps the newest record of a key, which is not part of the complete checkpoint.
            machine.checkpoint_all();
        }
        let seconds = (self.clock.monotonic() - began).as_secs_f64();
        self.metrics.restore_seconds.observe(seconds);
        let next_offset = machine.next_offset();
        tracing::info!(partition = %self.partition, records = count, next_offset, seconds, "restored");
        Ok((TaskState::new(machine, &self.checkpoints, &verified), (next_offset > 0).then_some(next_offset)))
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
                Ok(CheckpointOrigin::ThisLog) => {}
                Ok(CheckpointOrigin::OtherLog) => return None,
                Err(error) => {
                    let reason = error.reason();
                    tracing::error!(partition = %self.partition, reason, "a checkpoint record is ignored: {error}");
                }
            }
        }
        (machine.next_offset() <= input.high).then_some(machine)
    }
}
