//! Looking after the partition's own topics: what a former owner wrote late is outranked.

use std::time::Duration;

use futures::future::join_all;
use streams::{StreamError, TopicPartition, Watermarks};

use super::PartitionTask;
use super::open::Open;
use crate::pipeline::machine::Machine;
use crate::pipeline::repair::{self, LateParts, Tops};

/// Looking after the partition's own topics may take so long; then it is tried again later.
const LOOK_DEADLINE: Duration = Duration::from_secs(3);

/// What was found in a topic that this owner did not write.
struct Found {
    high: u64,
    content: Content,
}

enum Content {
    States(Tops),
    Parts(LateParts),
}

impl<M: Machine> PartitionTask<M> {
    /// Looks for what a former owner wrote late, and outranks it. A log that does not answer is asked another time.
    pub(super) async fn look(&self, open: &mut Open<M>) -> anyhow::Result<()> {
        // No record of them may be under way while the ends of the topics are compared.
        open.page.own_settled().await;
        let places: Vec<_> =
            open.own_topics.iter().map(|topic| TopicPartition::new(topic.clone(), self.partition.partition)).collect();
        let deadline = self.clock.monotonic() + LOOK_DEADLINE;
        let ends = join_all(places.iter().map(|place| self.log.watermarks(place)));
        let Some(ends) = self.before(deadline, ends).await else { return Ok(()) };
        for (account, (place, end)) in places.iter().zip(ends).enumerate() {
            let found = match end {
                Ok(Watermarks { high, .. }) => self.before(deadline, self.unverified(open, account, place, high)).await,
                Err(error) => Some(Err(error)),
            };
            match found {
                Some(Ok(Some(found))) => self.repair(open, account, place, found).await?,
                Some(Ok(None)) if place.topic == self.checkpoints => open.sealed_at = open.checkpointed_at,
                Some(Ok(None)) => {}
                Some(Err(error)) => tracing::debug!(%place, reason = error.reason(), "cannot look after it now"),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// `None`: it takes too long.
    async fn before<T>(&self, deadline: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.clock.sleep(deadline.saturating_sub(self.clock.monotonic())) => None,
        }
    }

    /// What lies in one of the own topics, which ends at `high`, that this owner did not write. `None`: nothing.
    async fn unverified(
        &self,
        open: &Open<M>,
        account: usize,
        place: &TopicPartition,
        high: u64,
    ) -> Result<Option<Found>, StreamError> {
        let Some(from) = open.ledger.unverified(account, high) else { return Ok(None) };
        let content = if place.topic == self.checkpoints {
            let mut late = LateParts::after(open.sealed_at);
            repair::read(&self.log, place, from, |record| late.take(record)).await?;
            Content::Parts(late)
        } else {
            let mut tops = Tops::default();
            repair::read(&self.log, place, from, |record| tops.take(record)).await?;
            Content::States(tops)
        };
        Ok(Some(Found { high, content }))
    }

    async fn repair(
        &self,
        open: &mut Open<M>,
        account: usize,
        place: &TopicPartition,
        found: Found,
    ) -> anyhow::Result<()> {
        // What is published again comes behind that and is this owner's.
        open.ledger.verified(account, found.high);
        let mut repaired = 0;
        match found.content {
            Content::States(tops) => {
                for (key, top) in tops.0 {
                    if let Some(record) = repair::repair(&open.machine, &place.topic, &key, top) {
                        self.give_out(record, open).await?;
                        repaired += 1;
                    }
                }
            }
            Content::Parts(late) => {
                open.sealed_at = late.sealed_at;
                open.late_parts.extend(late.keys());
                repaired = open.late_parts.len();
                if repaired > 0 {
                    open.machine.checkpoint_all();
                }
            }
        }
        if repaired > 0 {
            tracing::warn!(%place, keys = repaired, "a former owner wrote late: published again");
            self.metrics.repairs.inc_by(repaired as u64);
        }
        Ok(())
    }
}
