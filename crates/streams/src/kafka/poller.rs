//! A consumer's thread: serves events, moves records from the partitions' queues into the hand-over, executes seeks. It
//! always polls, so that a slow caller stays a member of its group.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::brokers::stranded;
use super::context::{ConsumerEvents, Feed};
use super::errors::classify;
use super::hand_over::{Control, HandOver, SeekRequest};
use super::message::{HeaderNames, incoming};
use crate::{Incoming, StreamError, TopicPartition};

/// How long the thread sleeps when nothing wakes it.
const IDLE: Duration = Duration::from_millis(100);
/// How often every queue is read without a wake-up, so that a lost wake-up delays records by no more.
const READ_ALL_INTERVAL: Duration = Duration::from_secs(1);
/// How often a seek is retried while librdkafka is not ready for it (it looks up the partition's start).
const SEEK_RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// The maximum number of records of one partition per turn.
const TURN_RECORDS: usize = 512;
/// The maximum number of events per turn.
const TURN_EVENTS: usize = 16;

pub(super) struct Poller {
    consumer: Arc<BaseConsumer<ConsumerEvents>>,
    hand_over: Arc<HandOver>,
    names: HeaderNames,
    seeks: Vec<SeekRequest>,
    /// The last error, so that a repeated one is logged once.
    last_error: Option<KafkaError>,
    /// Whether the caller has received the error of a stranded consumer.
    is_stranded: bool,
    /// When all queues are read next.
    read_all_at: Instant,
}

impl Poller {
    pub(super) fn new(consumer: Arc<BaseConsumer<ConsumerEvents>>, hand_over: Arc<HandOver>) -> Self {
        let read_all_at = Instant::now() + READ_ALL_INTERVAL;
        Self {
            consumer,
            hand_over,
            names: HeaderNames::default(),
            seeks: Vec::new(),
            last_error: None,
            is_stranded: false,
            read_all_at,
        }
    }

    /// Runs until the caller closes; then leaves the group and reports that on `closed`.
    pub(super) fn run(mut self, closed: oneshot::Sender<()>) {
        while !self.hand_over.with(|queues| queues.is_closing()) {
            self.serve_events();
            self.report_stranded();
            self.serve_seeks();
            self.mark_all_ready();
            if !self.serve_records() {
                self.hand_over.wait_for_work(if self.seeks.is_empty() { IDLE } else { SEEK_RETRY_INTERVAL });
            }
        }
        // The queues hold the consumer: all of them must be dropped before it.
        let feeds = std::mem::take(&mut *self.consumer.context().feeds());
        drop(feeds);
        drop(self.consumer);
        // After a drop of the source there is no receiver.
        let _ = closed.send(());
    }

    fn serve_events(&mut self) {
        // At least once: polling also keeps the membership.
        let turns = if self.consumer.context().take_events_ready() { TURN_EVENTS } else { 1 };
        for _ in 0..turns {
            // The common queue has only events, no records: rebalances happen in here.
            match self.consumer.poll(Duration::ZERO) {
                Some(Err(error)) => self.report(error, None),
                Some(Ok(_)) => tracing::error!("a record arrived on the common queue and is lost"),
                None => {}
            }
        }
    }

    fn report_stranded(&mut self) {
        if !self.is_stranded && self.consumer.context().brokers.is_stranded() {
            self.is_stranded = true;
            tracing::warn!("a consumer has lost all brokers and must be replaced");
            self.hand_over.with(|queues| queues.control(Control::Failed(stranded("consume"))));
        }
    }

    /// Marks every queue as ready, at intervals.
    fn mark_all_ready(&mut self) {
        let now = Instant::now();
        if now < self.read_all_at {
            return;
        }
        self.read_all_at = now + READ_ALL_INTERVAL;
        for feed in self.consumer.context().feeds().values() {
            feed.ready.store(true, Ordering::Release);
        }
    }

    /// Moves records into the hand-over; returns whether there were any.
    fn serve_records(&mut self) -> bool {
        let mut moved = false;
        let consumer = self.consumer.clone();
        let mut errors = Vec::new();
        for (partition, feed) in consumer.context().feeds().iter() {
            if !feed.ready.load(Ordering::Acquire) {
                continue;
            }
            let (wanted, room) = self.hand_over.with(|queues| (queues.wants(partition), queues.room()));
            if !wanted || self.seeks.iter().any(|seek| seek.partition == *partition) {
                continue;
            }
            if room == 0 {
                break;
            }
            let turn = take_turn(partition, feed, room.min(TURN_RECORDS), &mut self.names);
            errors.extend(turn.error);
            if !turn.records.is_empty() || turn.at_end.is_some() {
                moved = true;
                self.hand_over.with(|queues| queues.deliver(partition, turn.records, turn.at_end));
            }
        }
        errors.into_iter().for_each(|(partition, error)| self.report(error, Some(&partition)));
        moved
    }

    fn serve_seeks(&mut self) {
        let requests = self.hand_over.with(|queues| queues.take_seeks());
        self.seeks.extend(requests);
        let seeks = std::mem::take(&mut self.seeks);
        self.seeks = seeks.into_iter().filter_map(|seek| self.serve_seek(seek)).collect();
    }

    /// Returns the request when it should be retried.
    fn serve_seek(&self, seek: SeekRequest) -> Option<SeekRequest> {
        use RDKafkaErrorCode as Code;
        let outcome = self.seek(&seek);
        // The partition is not open yet, its last seek is under way, or its queue was replaced while this one was under way.
        if let Err(KafkaError::OffsetFetch(Code::State | Code::PreviousInProgress | Code::Outdated)) = outcome
            && Instant::now() < seek.give_up_at
        {
            return Some(seek);
        }
        let outcome = outcome.map_err(|error| classify(error, format!("seek in {}", seek.partition)));
        if outcome.is_ok() {
            self.hand_over.with(|queues| queues.restart(&seek.partition));
            if let Some(feed) = self.consumer.context().feeds().get(&seek.partition) {
                feed.ready.store(true, Ordering::Release);
            }
        }
        // A caller that stopped waiting has dropped the receiver; the seek has happened nevertheless.
        let _ = seek.reply.send(outcome);
        None
    }

    fn seek(&self, seek: &SeekRequest) -> Result<(), KafkaError> {
        let TopicPartition { topic, partition } = &seek.partition;
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(topic, partition.cast_signed(), seek.to)?;
        // librdkafka's own thread answers, not the cluster: the timeout only guards against a bug.
        let list = self.consumer.seek_partitions(list, Duration::from_secs(1))?;
        list.elements().iter().try_for_each(|element| element.error())
    }

    fn report(&mut self, error: KafkaError, partition: Option<&TopicPartition>) {
        use RDKafkaErrorCode as Code;
        let code = error.rdkafka_error_code();
        let refused = matches!(code, Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed));
        if refused || matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            let reason = if refused { "unauthorised" } else { "fenced" };
            let attempted = partition.map_or_else(|| "consume".to_owned(), |partition| format!("consume {partition}"));
            let failure = StreamError::fatal(reason, attempted, error);
            self.hand_over.with(|queues| queues.control(Control::Failed(failure)));
            return;
        }
        // Health reports unavailable brokers.
        let is_new = self.last_error.as_ref() != Some(&error);
        if is_new && !matches!(code, Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve)) {
            tracing::warn!(partition = partition.map(tracing::field::display), %error, "kafka consumer");
        }
        self.last_error = Some(error);
    }
}

struct Turn {
    records: Vec<(Incoming, usize)>,
    at_end: Option<usize>,
    error: Option<(TopicPartition, KafkaError)>,
}

fn take_turn(partition: &TopicPartition, feed: &Feed, max: usize, names: &mut HeaderNames) -> Turn {
    let mut turn = Turn { records: Vec::new(), at_end: None, error: None };
    // Cleared before the queue is read: a record that arrives meanwhile sets it again.
    feed.ready.store(false, Ordering::Release);
    while turn.records.len() < max {
        match feed.queue.poll(Duration::ZERO) {
            Some(Ok(message)) => turn.records.push(incoming(&message, partition, names)),
            Some(Err(KafkaError::PartitionEOF(_))) => turn.at_end = turn.at_end.or(Some(turn.records.len())),
            Some(Err(error)) => turn.error = Some((partition.clone(), error)),
            None => return turn,
        }
    }
    feed.ready.store(true, Ordering::Release);
    turn
}
