//! One partition at work: its core, and what the core gives out on its way into the log.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use runtime::{Backoff, Clock};
use streams::{
    DeadLetter, Event, Incoming, Log, Outgoing, Receipt, SeekTo, Sink, StreamError, TopicPartition, Watermarks,
};
use tokio::sync::mpsc;

use crate::metrics::GroupMetrics;
use crate::pipeline::checkpoint::{Checkpoint, Part, Stage};
use crate::pipeline::ledger::{Ledger, Page};
use crate::pipeline::limit::{RejectGuard, Tally, Verdict};
use crate::pipeline::machine::{Emission, Fit, Machine, MakeMachine};
use crate::pipeline::repair::{self, LateParts, Tops};
use crate::pipeline::restore::{self, Parts};
use crate::pipeline::turns::Turns;
use crate::sinks::live::LiveFeed;

/// Looking after the partition's own topics may take so long; then it is tried again later.
const LOOK_DEADLINE: Duration = Duration::from_secs(3);

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

/// A lane that has its memory back.
struct Open<M> {
    machine: M,
    ledger: Ledger,
    /// What was given out since the newest checkpoint was taken.
    page: Page,
    /// Taken and not yet in the log. One at a time.
    under_way: Option<Checkpoint>,
    /// The topics that nobody else is to write, the checkpoints last; the ledger numbers them so.
    own_topics: Vec<Arc<str>>,
    /// Up to where the newest checkpoint knew its input when the topic of checkpoints was last looked at.
    sealed_at: u64,
    /// Up to where this owner's newest checkpoint knows its input. 0: it has written none.
    checkpointed_at: u64,
    /// Keys of checkpoints that the next one has to outrank.
    late_parts: Vec<Bytes>,
}

/// A lane, and from where on it needs records.
type Restored<M> = (Open<M>, Option<u64>);

/// What was found in a topic that this owner did not write.
struct Found {
    high: u64,
    content: Content,
}

enum Content {
    States(Tops),
    Parts(LateParts),
}

impl<M: Machine> Open<M> {
    fn new(machine: M, checkpoints: &Arc<str>, verified: &[u64]) -> Self {
        let mut own_topics = machine.own_topics();
        own_topics.push(checkpoints.clone());
        let ledger = Ledger::new(own_topics.len(), verified);
        let page = ledger.page();
        Self {
            machine,
            ledger,
            page,
            under_way: None,
            own_topics,
            sealed_at: 0,
            checkpointed_at: 0,
            late_parts: vec![],
        }
    }

    /// The number of a record's topic among the partition's own.
    fn account(&self, topic: &Arc<str>) -> Option<usize> {
        self.own_topics.iter().position(|own| Arc::ptr_eq(own, topic))
    }

    /// The checkpoint under way may go on. Never, when there is none. Cancel-safe.
    async fn settled(&self) -> anyhow::Result<()> {
        match &self.under_way {
            Some(checkpoint) => checkpoint.settled().await,
            None => std::future::pending().await,
        }
    }

    /// What the core knows now.
    fn take_checkpoint(&mut self) -> Checkpoint {
        let (next_offset, clock_us) = (self.machine.next_offset(), self.machine.clock_us());
        let changed = self.machine.checkpoint();
        let late = std::mem::take(&mut self.late_parts);
        // What a former owner wrote of and this one knows nothing of.
        let ended = late.into_iter().filter(|late| !changed.iter().any(|(key, _)| key.as_bytes() == late));
        let mut parts: Vec<Part> = ended.map(|key| (key, None)).collect();
        parts.extend(changed.into_iter().map(|(key, value)| (key.into(), value)));
        let outputs = std::mem::replace(&mut self.page, self.ledger.page());
        Checkpoint { next_offset, clock_us, stage: Stage::Taken { outputs, parts } }
    }
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

    /// Looks for what a former owner wrote late, and outranks it. A log that does not answer is asked another time.
    async fn look(&self, open: &mut Open<M>) -> anyhow::Result<()> {
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

    async fn restore_patiently(&self, orders: &mpsc::Receiver<Order>) -> anyhow::Result<Option<Restored<M>>> {
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

#[cfg(test)]
mod tests;
