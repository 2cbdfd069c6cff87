//! A member of a consumer group.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::assignor::MemberId;
use super::super::group::RebalanceEvent;
use super::super::state::{Shared, State};
use super::cursor::Cursors;
use crate::{Event, GroupSettings, Revocation, SeekTo, Source, Start, StreamError, TopicPartition};

pub(crate) struct GroupSource {
    log: Arc<Shared>,
    settings: GroupSettings,
    cursors: Cursors,
    wake: Arc<Notify>,
    member: MemberId,
    reader: u64,
}

impl GroupSource {
    pub(crate) fn join(log: Arc<Shared>, settings: GroupSettings) -> Result<Self, StreamError> {
        if settings.max_batch_records == 0 {
            let attempted = format!("join group {}", settings.group);
            return Err(StreamError::fatal("bad_settings", attempted, "max_batch_records must be at least 1"));
        }
        let wake = Arc::new(Notify::new());
        let topics: Vec<Arc<str>> = settings.topics.iter().map(|topic| topic.as_str().into()).collect();
        let (member, reader) = {
            let mut state = log.lock();
            topics.iter().for_each(|topic| state.ensure_topic(topic));
            let reader = state.watch(topics.iter(), &wake);
            let (group, counts) = state.group(&settings.group);
            let deadline = settings.revoke_deadline;
            (group.join(topics, deadline, wake.clone(), &counts, Instant::now()), reader)
        };
        let cursors = Cursors::new(settings.start);
        Ok(Self { log, settings, cursors, wake, member, reader })
    }

    /// The next event; without one, the deadline at which to try again.
    fn step(&mut self, state: &mut State) -> Result<Event, Option<Instant>> {
        let (group, counts) = state.group(&self.settings.group);
        group.expire(&counts, Instant::now());
        match group.take_event(self.member) {
            Some(RebalanceEvent::Assigned(partitions)) => {
                let committed: Vec<_> = partitions.iter().map(|partition| group.committed(partition)).collect();
                self.assign(state, &partitions, &committed);
                Ok(Event::Assigned(partitions))
            }
            Some(RebalanceEvent::Revoked { revocation, partitions, lost }) => {
                partitions.iter().for_each(|partition| self.cursors.remove(partition));
                Ok(Event::Revoked(self.revocation(revocation, partitions, lost)))
            }
            None => {
                let deadline = group.next_deadline();
                let event = self.cursors.next(state, self.settings.max_batch_records).ok_or(deadline)?;
                state.store_next_offsets(&self.settings.group, self.cursors.next_offsets());
                Ok(event)
            }
        }
    }

    fn assign(&mut self, state: &mut State, partitions: &[TopicPartition], committed: &[Option<u64>]) {
        // The topic may have been created after the group.
        state.watch_more(self.reader, partitions.iter().map(|partition| &partition.topic), &self.wake);
        let start = match self.settings.start {
            Start::Earliest => SeekTo::Beginning,
            Start::Latest => SeekTo::End,
        };
        for (partition, committed) in partitions.iter().zip(committed) {
            let to = committed.map_or(start, SeekTo::Offset);
            self.cursors.set(state, partition, to).expect("only existing partitions are assigned");
        }
        state.store_next_offsets(&self.settings.group, self.cursors.next_offsets());
    }

    fn revocation(&self, revocation: u64, partitions: Vec<TopicPartition>, lost: bool) -> Revocation {
        let log = self.log.clone();
        let group = self.settings.group.clone();
        Revocation::new(partitions, lost, move || {
            let mut state = log.lock();
            let (group, counts) = state.group(&group);
            group.release(revocation, &counts, Instant::now());
        })
    }

    fn not_owned(&self, attempted: &str, partition: &TopicPartition) -> StreamError {
        let cause = format!("it is not assigned to this member of {}", self.settings.group);
        StreamError::transient("not_owned", format!("{attempted} {partition}"), cause)
    }
}

#[async_trait]
impl Source for GroupSource {
    async fn next(&mut self) -> Result<Event, StreamError> {
        tokio::task::consume_budget().await;
        loop {
            let log = self.log.clone();
            let outcome = self.step(&mut log.lock());
            let deadline = match outcome {
                Ok(event) => return Ok(event),
                Err(deadline) => deadline,
            };
            match deadline {
                Some(deadline) => {
                    // In both cases the next step checks everything.
                    let _ = tokio::time::timeout_at(deadline, self.wake.notified()).await;
                }
                None => self.wake.notified().await,
            }
        }
    }

    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError> {
        let mut state = self.log.lock();
        let (group, _) = state.group(&self.settings.group);
        if let Some((partition, _)) = offsets.iter().find(|(partition, _)| !group.owns(self.member, partition)) {
            return Err(self.not_owned("commit", partition));
        }
        offsets.iter().for_each(|(partition, offset)| state.commit(&self.settings.group, partition, *offset));
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.cursors.set_paused(partitions, true);
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.cursors.set_paused(partitions, false);
        Ok(())
    }

    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError> {
        if !self.cursors.contains(partition) {
            return Err(self.not_owned("seek in", partition));
        }
        self.cursors.set(&self.log.lock(), partition, to)
    }

    async fn close(self: Box<Self>) -> Result<(), StreamError> {
        Ok(())
    }
}

impl Drop for GroupSource {
    fn drop(&mut self) {
        let mut state = self.log.lock();
        state.unwatch(self.reader);
        let (group, counts) = state.group(&self.settings.group);
        group.leave(self.member, &counts, Instant::now());
    }
}
