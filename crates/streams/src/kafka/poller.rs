//! A consumer's thread: serves events, empties the partitions' queues into the hand-over, carries out seeks. It goes on
//! polling whatever the caller does, so that a slow caller stays a member of its group.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::context::{ConsumerEvents, Feed};
use super::errors::classify;
use super::lanes::{Control, HandOver, SeekRequest};
use super::lookout::stranded;
use super::message::{Names, incoming};
use crate::{Incoming, StreamError, TopicPartition};

/// How long it may take to notice what nobody wakes us for.
const IDLE: Duration = Duration::from_millis(100);
/// Every queue is looked at this often, whether it woke us or not: a wake-up that was lost costs this much and no more.
const LOOK_UNASKED: Duration = Duration::from_secs(1);
/// A seek that librdkafka is not ready for (the partition's start is being looked up) is tried again this often.
const SEEK_AGAIN: Duration = Duration::from_millis(10);
/// Records of one partition before the next has its turn.
const TURN_RECORDS: usize = 512;
/// Events served before records have their turn.
const TURN_EVENTS: usize = 16;

pub(super) struct Poller {
    consumer: Arc<BaseConsumer<ConsumerEvents>>,
    hand_over: Arc<HandOver>,
    names: Names,
    seeks: Vec<SeekRequest>,
    /// The last complaint, so that one that repeats is logged once.
    complaint: Option<KafkaError>,
    /// Whether the caller was told that this consumer finds no broker any more.
    gave_up: bool,
    /// When all queues are looked at next.
    look_at: Instant,
}

impl Poller {
    pub(super) fn new(consumer: Arc<BaseConsumer<ConsumerEvents>>, hand_over: Arc<HandOver>) -> Self {
        let look_at = Instant::now() + LOOK_UNASKED;
        Self {
            consumer,
            hand_over,
            names: Names::default(),
            seeks: Vec::new(),
            complaint: None,
            gave_up: false,
            look_at,
        }
    }

    /// Until the caller closes; then leaves the group and says so.
    pub(super) fn run(mut self, closed: oneshot::Sender<()>) {
        while !self.hand_over.with(|lanes| lanes.is_closing()) {
            self.serve_events();
            self.give_up_stranded();
            self.serve_seeks();
            self.look_unasked();
            if !self.serve_records() {
                self.hand_over.wait_for_work(if self.seeks.is_empty() { IDLE } else { SEEK_AGAIN });
            }
        }
        // The queues hold the consumer; all of them must go before it can.
        let feeds = std::mem::take(&mut *self.consumer.context().feeds());
        drop(feeds);
        drop(self.consumer);
        // Nobody waits where the source was merely dropped.
        let _ = closed.send(());
    }

    fn serve_events(&mut self) {
        // Once in any case: it is also what tells librdkafka that we live.
        let turns = if self.consumer.context().take_events_ready() { TURN_EVENTS } else { 1 };
        for _ in 0..turns {
            // The common queue has no records, only events: rebalances happen in here.
            match self.consumer.poll(Duration::ZERO) {
                Some(Err(error)) => self.complain(error, None),
                Some(Ok(_)) => tracing::error!("a record came on the common queue and is lost"),
                None => {}
            }
        }
    }

    fn give_up_stranded(&mut self) {
        if !self.gave_up && self.consumer.context().lookout.is_stranded() {
            self.gave_up = true;
            tracing::warn!("a consumer knows no broker any more, and is given up");
            self.hand_over.with(|lanes| lanes.control(Control::Failed(stranded("consume"))));
        }
    }

    /// Every queue counts as one that may hold something, now and then.
    fn look_unasked(&mut self) {
        let now = Instant::now();
        if now < self.look_at {
            return;
        }
        self.look_at = now + LOOK_UNASKED;
        for feed in self.consumer.context().feeds().values() {
            feed.ready.store(true, Ordering::Release);
        }
    }

    /// Whether anything was moved.
    fn serve_records(&mut self) -> bool {
        let mut moved = false;
        let consumer = self.consumer.clone();
        let mut complaints = Vec::new();
        for (partition, feed) in consumer.context().feeds().iter() {
            if !feed.ready.load(Ordering::Acquire) {
                continue;
            }
            let (wanted, room) = self.hand_over.with(|lanes| (lanes.wants(partition), lanes.room()));
            if !wanted || self.seeks.iter().any(|seek| seek.partition == *partition) {
                continue;
            }
            if room == 0 {
                break;
            }
            let turn = take_turn(partition, feed, room.min(TURN_RECORDS), &mut self.names);
            complaints.extend(turn.complaint);
            if !turn.records.is_empty() || turn.at_end.is_some() {
                moved = true;
                self.hand_over.with(|lanes| lanes.deliver(partition, turn.records, turn.at_end));
            }
        }
        complaints.into_iter().for_each(|(partition, error)| self.complain(error, Some(&partition)));
        moved
    }

    fn serve_seeks(&mut self) {
        let requests = self.hand_over.with(|lanes| lanes.take_seeks());
        self.seeks.extend(requests);
        let seeks = std::mem::take(&mut self.seeks);
        self.seeks = seeks.into_iter().filter_map(|seek| self.serve_seek(seek)).collect();
    }

    /// Gives the request back when it should be tried again.
    fn serve_seek(&self, seek: SeekRequest) -> Option<SeekRequest> {
        let outcome = self.seek(&seek);
        if let Err(KafkaError::OffsetFetch(RDKafkaErrorCode::State | RDKafkaErrorCode::PreviousInProgress)) = outcome
            && Instant::now() < seek.give_up_at
        {
            return Some(seek);
        }
        let outcome = outcome.map_err(|error| classify(error, format!("seek in {}", seek.partition)));
        if outcome.is_ok() {
            self.hand_over.with(|lanes| lanes.restart(&seek.partition));
            if let Some(feed) = self.consumer.context().feeds().get(&seek.partition) {
                feed.ready.store(true, Ordering::Release);
            }
        }
        // A caller that gave up waiting does not hear it; the seek has happened all the same.
        let _ = seek.reply.send(outcome);
        None
    }

    fn seek(&self, seek: &SeekRequest) -> Result<(), KafkaError> {
        let TopicPartition { topic, partition } = &seek.partition;
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(topic, partition.cast_signed(), seek.to)?;
        // Answered by librdkafka's own thread, not by the cluster: the time-out only guards against a bug.
        let list = self.consumer.seek_partitions(list, Duration::from_secs(1))?;
        list.elements().iter().try_for_each(|element| element.error())
    }

    fn complain(&mut self, error: KafkaError, partition: Option<&TopicPartition>) {
        use RDKafkaErrorCode as Code;
        let code = error.rdkafka_error_code();
        let refused = matches!(code, Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed));
        if refused || matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            let reason = if refused { "unauthorised" } else { "fenced" };
            let attempted = partition.map_or_else(|| "consume".to_owned(), |partition| format!("consume {partition}"));
            let failure = StreamError::fatal(reason, attempted, error);
            self.hand_over.with(|lanes| lanes.control(Control::Failed(failure)));
            return;
        }
        // That brokers are away is health's to tell.
        let is_new = self.complaint.as_ref() != Some(&error);
        if is_new && !matches!(code, Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve)) {
            tracing::warn!(partition = partition.map(tracing::field::display), %error, "kafka consumer");
        }
        self.complaint = Some(error);
    }
}

struct Turn {
    records: Vec<(Incoming, usize)>,
    at_end: Option<usize>,
    complaint: Option<(TopicPartition, KafkaError)>,
}

fn take_turn(partition: &TopicPartition, feed: &Feed, max: usize, names: &mut Names) -> Turn {
    let mut turn = Turn { records: Vec::new(), at_end: None, complaint: None };
    // Cleared before the queue is looked at: what arrives meanwhile sets it again.
    feed.ready.store(false, Ordering::Release);
    while turn.records.len() < max {
        match feed.queue.poll(Duration::ZERO) {
            Some(Ok(message)) => turn.records.push(incoming(&message, partition, names)),
            Some(Err(KafkaError::PartitionEOF(_))) => turn.at_end = turn.at_end.or(Some(turn.records.len())),
            Some(Err(error)) => turn.complaint = Some((partition.clone(), error)),
            None => return turn,
        }
    }
    feed.ready.store(true, Ordering::Release);
    turn
}
