//! A reader without a group.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::super::state::Shared;
use super::cursor::Cursors;
use crate::{Event, Lag, SeekTo, Source, Start, StreamError, TopicPartition};

/// The maximum number of records in one event: a plain reader has no settings.
const BATCH_RECORDS: usize = 1_000;

pub(crate) struct PlainSource {
    log: Arc<Shared>,
    cursors: Cursors,
    wake: Arc<Notify>,
    reader: u64,
}

impl PlainSource {
    pub(crate) fn open(log: Arc<Shared>, from: &[(TopicPartition, SeekTo)]) -> Result<Self, StreamError> {
        let mut cursors = Cursors::new(Start::Earliest);
        let wake = Arc::new(Notify::new());
        let reader = {
            let mut state = log.lock();
            for (partition, to) in from {
                state.ensure_topic(&partition.topic);
                cursors.set(&state, partition, *to)?;
            }
            state.watch(cursors.partitions().map(|partition| &partition.topic), &wake)
        };
        Ok(Self { log, cursors, wake, reader })
    }
}

#[async_trait]
impl Source for PlainSource {
    async fn next(&mut self) -> Result<Event, StreamError> {
        tokio::task::consume_budget().await;
        loop {
            if let Some(event) = self.cursors.next(&self.log.lock(), BATCH_RECORDS) {
                return Ok(event);
            }
            self.wake.notified().await;
        }
    }

    async fn commit(&mut self, _offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError> {
        Err(StreamError::fatal("no_group", "commit offsets", "this source reads without a group"))
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
            let cause = "this source does not read it";
            return Err(StreamError::transient("not_owned", format!("seek in {partition}"), cause));
        }
        self.cursors.set(&self.log.lock(), partition, to)
    }

    fn lag(&self) -> Option<Lag> {
        Some(self.cursors.lag(&self.log.lock()))
    }

    async fn close(self: Box<Self>) -> Result<(), StreamError> {
        Ok(())
    }
}

impl Drop for PlainSource {
    fn drop(&mut self) {
        self.log.lock().unwatch(self.reader);
    }
}
