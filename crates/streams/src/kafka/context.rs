//! librdkafka's callbacks: log lines of every client, rebalances of consumers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, TopicPartitionList};

use super::brokers::BrokerMonitor;
use super::hand_over::HandOver;
use crate::{Revocation, TopicPartition};

/// librdkafka's log lines are details: health and the errors of calls report what matters.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Debug => tracing::trace!(facility, "librdkafka: {line}"),
        _ => tracing::debug!(facility, "librdkafka: {line}"),
    }
}

/// The callbacks of a client for queries, whose errors are in the answers. Without it `rdkafka` logs each unavailable
/// broker as an error.
pub(super) struct QueryContext;

impl ClientContext for QueryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, text: &str) {
        tracing::debug!(%error, "librdkafka: {text}");
    }
}

impl ConsumerContext for QueryContext {}

/// One assigned partition: its own queue in librdkafka, and whether the queue may contain something.
pub(super) struct Feed {
    pub(super) queue: PartitionQueue<ConsumerEvents>,
    pub(super) ready: Arc<AtomicBool>,
}

/// A consumer's callbacks. They run on its thread, while it polls.
pub(super) struct ConsumerEvents {
    pub(super) brokers: BrokerMonitor,
    hand_over: Arc<HandOver>,
    revoke_deadline: Duration,
    /// Whether the common queue may contain events.
    events_ready: Arc<AtomicBool>,
    consumer: OnceLock<Weak<BaseConsumer<Self>>>,
    feeds: Mutex<BTreeMap<TopicPartition, Feed>>,
}

impl ConsumerEvents {
    pub(super) fn new(brokers: BrokerMonitor, hand_over: Arc<HandOver>, revoke_deadline: Duration) -> Self {
        let events_ready = Arc::new(AtomicBool::new(true));
        Self { brokers, hand_over, revoke_deadline, events_ready, consumer: OnceLock::new(), feeds: Mutex::default() }
    }

    /// The callback for a common queue that is no longer empty.
    pub(super) fn on_events(&self) -> impl Fn() + Send + Sync + 'static {
        waker(self.events_ready.clone(), self.hand_over.clone())
    }

    /// Cleared before the queue is read: an event that arrives meanwhile sets it again.
    pub(super) fn take_events_ready(&self) -> bool {
        self.events_ready.swap(false, Ordering::AcqRel)
    }

    /// Call it before the first poll.
    pub(super) fn bind(&self, consumer: &Arc<BaseConsumer<Self>>) {
        // Set once, right after the consumer is created.
        let _ = self.consumer.set(Arc::downgrade(consumer));
    }

    /// Do not hold the lock while the consumer is polled: a rebalance changes the feeds.
    pub(super) fn feeds(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Feed>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a queue for each partition. Call it before the assignment, otherwise records would go to the common
    /// queue.
    pub(super) fn split(&self, partitions: &[TopicPartition]) {
        let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) else { return };
        for partition in partitions {
            let queue = consumer.split_partition_queue(&partition.topic, partition.partition.cast_signed());
            let Some(mut queue) = queue else {
                // Only for a name with a zero byte, which no cluster sends.
                tracing::error!(%partition, "partition has no queue");
                continue;
            };
            let ready = Arc::new(AtomicBool::new(true));
            queue.set_nonempty_callback(waker(ready.clone(), self.hand_over.clone()));
            self.feeds().insert(partition.clone(), Feed { queue, ready });
        }
    }

    /// Passes the revocation to the caller and waits until the caller has flushed and committed.
    fn revoke(&self, partitions: Vec<TopicPartition>, lost: bool) {
        let dropped: Vec<_> = partitions.iter().map(|partition| self.feeds().remove(partition)).collect();
        drop(dropped);
        let (done, is_done) = sync_channel(1);
        let revocation = Revocation::new(partitions.clone(), lost, move || {
            // After the deadline the receiver is closed.
            let _ = done.send(());
        });
        let closing = self.hand_over.with(|queues| {
            let closing = queues.is_closing();
            if !closing {
                queues.revoke(revocation);
            }
            closing
        });
        if closing || lost {
            return;
        }
        if is_done.recv_timeout(self.revoke_deadline).is_err() {
            tracing::warn!(?partitions, deadline = ?self.revoke_deadline, "revoked partitions were not flushed in time");
        }
        self.hand_over.with(|queues| queues.release(&partitions));
    }
}

impl ClientContext for ConsumerEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.statistics(statistics);
    }

    fn error(&self, error: KafkaError, text: &str) {
        self.brokers.error(&error, text);
    }
}

impl ConsumerContext for ConsumerEvents {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = partitions(list);
                tracing::debug!(?partitions, "assigned");
                if !partitions.is_empty() {
                    self.split(&partitions);
                    self.hand_over.with(|queues| queues.assign(partitions));
                }
            }
            Rebalance::Revoke(list) => {
                let (partitions, lost) = (partitions(list), consumer.assignment_lost());
                tracing::debug!(?partitions, lost, "revoked");
                if !partitions.is_empty() {
                    self.revoke(partitions, lost);
                }
            }
            Rebalance::Error(error) => self.brokers.error(error, &error.to_string()),
        }
    }
}

fn waker(ready: Arc<AtomicBool>, hand_over: Arc<HandOver>) -> impl Fn() + Send + Sync + 'static {
    move || {
        ready.store(true, Ordering::Release);
        hand_over.wake_thread();
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = list.elements();
    elements.iter().map(|element| TopicPartition::new(element.topic(), element.partition().unsigned_abs())).collect()
}
