//! Finds a former owner's late writes in the partition's own topics, and publishes the newer states again.

use std::time::Duration;

use futures::future::join_all;
use streams::{StreamError, TopicPartition, Watermarks};

use super::PartitionTask;
use super::state::TaskState;
use crate::pipeline::late_writes::{self, LateParts, NewestRecords};
use crate::pipeline::machine::Machine;

/// The time limit of one search; after it the search is tried again later.
const SEARCH_DEADLINE: Duration = Duration::from_secs(3);

/// The records of a topic that this owner did not write.
struct Found {
    high: u64,
    records: FoundRecords,
}

enum FoundRecords {
    States(NewestRecords),
    Checkpoints(LateParts),
}

impl<M: Machine> PartitionTask<M> {
    /// Finds a former owner's late writes and outranks them. Where the log does not answer, a later search does.
    pub(super) async fn find_late_writes(&self, state: &mut TaskState<M>) -> anyhow::Result<()> {
        // No own record may be in flight while the ends of the topics are compared.
        state.receipts.own_acknowledged().await;
        let partitions: Vec<_> =
            state.own_topics.iter().map(|topic| TopicPartition::new(topic.clone(), self.partition.partition)).collect();
        let deadline = self.clock.monotonic() + SEARCH_DEADLINE;
        let ends = join_all(partitions.iter().map(|partition| self.log.watermarks(partition)));
        let Some(ends) = self.before(deadline, ends).await else { return Ok(()) };
        for (number, (partition, end)) in partitions.iter().zip(ends).enumerate() {
            let found = match end {
                Ok(Watermarks { high, .. }) => {
                    self.before(deadline, self.read_unverified(state, number, partition, high)).await
                }
                Err(error) => Some(Err(error)),
            };
            match found {
                Some(Ok(Some(found))) => self.outrank(state, number, partition, found).await?,
                Some(Ok(None)) if partition.topic == self.checkpoints => state.complete_offset = state.checkpointed_at,
                Some(Ok(None)) => {}
                Some(Err(error)) => {
                    tracing::debug!(%partition, reason = error.reason(), "cannot search for late writes now");
                }
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// `None`: the deadline has passed.
    async fn before<T>(&self, deadline: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.clock.sleep(deadline.saturating_sub(self.clock.monotonic())) => None,
        }
    }

    /// The records of an own topic, which ends at `high`, that this owner did not write. `None`: there are none.
    async fn read_unverified(
        &self,
        state: &TaskState<M>,
        number: usize,
        partition: &TopicPartition,
        high: u64,
    ) -> Result<Option<Found>, StreamError> {
        let Some(from) = state.ledger.read_from(number, high) else { return Ok(None) };
        let records = if partition.topic == self.checkpoints {
            let mut late = LateParts::after(state.complete_offset);
            late_writes::read(&self.log, partition, from, |record| late.take(record)).await?;
            FoundRecords::Checkpoints(late)
        } else {
            let mut newest = NewestRecords::default();
            late_writes::read(&self.log, partition, from, |record| newest.take(record)).await?;
            FoundRecords::States(newest)
        };
        Ok(Some(Found { high, records }))
    }

    async fn outrank(
        &self,
        state: &mut TaskState<M>,
        number: usize,
        partition: &TopicPartition,
        found: Found,
    ) -> anyhow::Result<()> {
        // The records that are published again follow `high` and are this owner's.
        state.ledger.set_verified(number, found.high);
        let mut outranked = 0;
        match found.records {
            FoundRecords::States(newest) => {
                for (key, newest) in newest.0 {
                    if let Some(record) = late_writes::outranking(&state.machine, &partition.topic, &key, newest) {
                        self.publish(record, state).await?;
                        outranked += 1;
                    }
                }
            }
            FoundRecords::Checkpoints(late) => {
                state.complete_offset = late.complete_offset;
                state.late_parts.extend(late.keys());
                outranked = state.late_parts.len();
                if outranked > 0 {
                    state.machine.checkpoint_all();
                }
            }
        }
        if outranked > 0 {
            tracing::warn!(%partition, keys = outranked, "a former owner wrote late: published again");
            self.metrics.repairs.inc_by(outranked as u64);
        }
        Ok(())
    }
}
