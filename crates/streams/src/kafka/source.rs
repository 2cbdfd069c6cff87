//! The caller's side of a consumer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::brokers::BrokerMonitor;
use super::context::ConsumerEvents;
use super::errors::classify;
use super::hand_over::{HandOver, SeekRequest};
use super::health::HealthMonitor;
use super::poller::Poller;
use super::settings::{KafkaSettings, REQUEST_TIMEOUT};
use crate::{Event, GroupSettings, SeekTo, Source, StreamError, TopicPartition};

/// A reader without a group has no settings; these are the defaults of a group.
const READER_BATCH_RECORDS: usize = 1_000;
const READER_QUEUE_RECORDS: usize = 10_000;

pub(super) struct KafkaSource {
    /// `None` only while it is dropped.
    consumer: Option<Arc<BaseConsumer<ConsumerEvents>>>,
    hand_over: Arc<HandOver>,
    group: Option<String>,
    max_batch_records: usize,
    /// The partitions that the last event assigned: the next call of `next` starts them.
    to_start: Vec<TopicPartition>,
    closed: Option<oneshot::Receiver<()>>,
}

impl KafkaSource {
    pub(super) fn subscribe(
        settings: &KafkaSettings,
        health: Arc<HealthMonitor>,
        group: &GroupSettings,
    ) -> Result<Self, StreamError> {
        let attempted = format!("join group {}", group.group);
        if group.max_batch_records == 0 || group.queue_records == 0 {
            let cause = "max_batch_records and queue_records must be at least 1";
            return Err(StreamError::fatal("bad_settings", attempted, cause));
        }
        let hand_over = Arc::new(HandOver::new(group.queue_records));
        let events = ConsumerEvents::new(BrokerMonitor::new(health), hand_over.clone(), group.revoke_deadline);
        let consumer = open(&settings.for_group(group), events, &attempted)?;
        let topics: Vec<_> = group.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(|error| classify(error, attempted.as_str()))?;
        Self::start(consumer, hand_over, Some(group.group.clone()), group.max_batch_records)
    }

    /// Reads partitions without a group. Blocks on the cluster.
    pub(super) fn read(
        settings: &KafkaSettings,
        health: Arc<HealthMonitor>,
        from: &[(TopicPartition, SeekTo)],
    ) -> Result<Self, StreamError> {
        let hand_over = Arc::new(HandOver::new(READER_QUEUE_RECORDS));
        let events = ConsumerEvents::new(BrokerMonitor::new(health), hand_over.clone(), Duration::ZERO);
        let consumer = open(&settings.for_reader(), events, "open a reader")?;
        check_existence(&consumer, from)?;
        let mut list = TopicPartitionList::with_capacity(from.len());
        for (partition, to) in from {
            let offset = resolve(&consumer, partition, *to)?;
            list.add_partition_offset(&partition.topic, partition.partition.cast_signed(), offset)
                .map_err(|error| classify(error, format!("read {partition}")))?;
        }
        let partitions: Vec<_> = from.iter().map(|(partition, _)| partition.clone()).collect();
        consumer.context().split(&partitions);
        hand_over.with(|queues| {
            queues.open(&partitions);
            queues.start(partitions);
        });
        consumer.assign(&list).map_err(|error| classify(error, "assign partitions"))?;
        Self::start(consumer, hand_over, None, READER_BATCH_RECORDS)
    }

    fn start(
        consumer: Arc<BaseConsumer<ConsumerEvents>>,
        hand_over: Arc<HandOver>,
        group: Option<String>,
        max_batch_records: usize,
    ) -> Result<Self, StreamError> {
        let (closed, is_closed) = oneshot::channel();
        let poller = Poller::new(consumer.clone(), hand_over.clone());
        // Joined through `closed`: it ends when the source is closed or dropped.
        std::thread::Builder::new()
            .name("kafka-consumer".into())
            .spawn(move || poller.run(closed))
            .map_err(|cause| StreamError::fatal("closed", "start a consumer's thread", cause))?;
        Ok(Self {
            consumer: Some(consumer),
            hand_over,
            group,
            max_batch_records,
            to_start: Vec::new(),
            closed: Some(is_closed),
        })
    }

    /// Simulates these statistics of librdkafka.
    #[cfg(test)]
    pub(super) fn strand(&self, statistics: &[u8]) {
        for _ in 0..2 {
            self.consumer().context().brokers.statistics(statistics);
        }
    }

    fn consumer(&self) -> &Arc<BaseConsumer<ConsumerEvents>> {
        self.consumer.as_ref().expect("present until it is dropped")
    }

    /// For the watchdog.
    pub(super) fn hand_over(&self) -> Arc<HandOver> {
        self.hand_over.clone()
    }

    fn not_owned(&self, attempted: &str, partition: &TopicPartition) -> StreamError {
        StreamError::transient("not_owned", format!("{attempted} {partition}"), "it is not assigned to this source")
    }

    /// Runs a request that blocks on the cluster, off the async threads. It works while the consumer's thread waits for
    /// a revocation: librdkafka answers from another thread.
    async fn run_blocking<T: Send + 'static>(
        &self,
        attempted: String,
        request: impl FnOnce(&Arc<BaseConsumer<ConsumerEvents>>) -> Result<T, StreamError> + Send + 'static,
    ) -> Result<T, StreamError> {
        let consumer = self.consumer().clone();
        let answer = tokio::task::spawn_blocking(move || request(&consumer));
        match timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(cause)) => Err(StreamError::transient("closed", attempted, cause)),
            Err(cause) => Err(StreamError::transient("timeout", attempted, cause)),
        }
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Event, StreamError> {
        tokio::task::consume_budget().await;
        if !self.to_start.is_empty() {
            let starting = std::mem::take(&mut self.to_start);
            self.hand_over.with(|queues| queues.start(starting));
        }
        loop {
            if let Some(event) = self.hand_over.with(|queues| queues.take(self.max_batch_records)) {
                if let Ok(Event::Assigned(partitions)) = &event {
                    self.to_start.clone_from(partitions);
                }
                return event;
            }
            self.hand_over.changed().await;
        }
    }

    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError> {
        let Some(group) = &self.group else {
            return Err(StreamError::fatal("no_group", "commit offsets", "this source reads without a group"));
        };
        let attempted = format!("commit for group {group}");
        let unowned = self.hand_over.with(|queues| offsets.iter().find(|(partition, _)| !queues.owns(partition)));
        if let Some((partition, _)) = unowned {
            return Err(self.not_owned("commit", partition));
        }
        if offsets.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            list.add_partition_offset(
                &partition.topic,
                partition.partition.cast_signed(),
                Offset::Offset(offset.cast_signed()),
            )
            .map_err(|error| classify(error, attempted.as_str()))?;
        }
        self.run_blocking(attempted.clone(), move |consumer| {
            consumer.commit(&list, CommitMode::Sync).map_err(|error| classify(error, attempted))
        })
        .await
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.hand_over.with(|queues| queues.set_paused(partitions, true));
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.hand_over.with(|queues| queues.set_paused(partitions, false));
        Ok(())
    }

    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError> {
        if !self.hand_over.with(|queues| queues.is_open(partition)) {
            return Err(self.not_owned("seek in", partition));
        }
        let attempted = format!("seek in {partition}");
        let of = partition.clone();
        let to = self.run_blocking(attempted.clone(), move |consumer| resolve(consumer, &of, to)).await?;
        let (reply, answer) = oneshot::channel();
        let give_up_at = Instant::now() + REQUEST_TIMEOUT;
        let request = SeekRequest { partition: partition.clone(), to, give_up_at, reply };
        self.hand_over.with(|queues| queues.seek(request));
        answer.await.map_err(|cause| StreamError::transient("closed", attempted, cause))?
    }

    async fn close(mut self: Box<Self>) -> Result<(), StreamError> {
        let closed = self.closed.take().expect("taken only here");
        self.hand_over.with(|queues| queues.leave());
        drop(self);
        match timeout(REQUEST_TIMEOUT, closed).await {
            Ok(_) => Ok(()),
            Err(cause) => Err(StreamError::transient("timeout", "leave the group", cause)),
        }
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        // Dropped first, so that the consumer, whose closing takes a while, closes on its own thread.
        self.consumer = None;
        self.hand_over.with(|queues| queues.close());
    }
}

fn open(
    config: &ClientConfig,
    events: ConsumerEvents,
    attempted: &str,
) -> Result<Arc<BaseConsumer<ConsumerEvents>>, StreamError> {
    let on_events = events.on_events();
    let mut consumer: BaseConsumer<ConsumerEvents> =
        config.create_with_context(events).map_err(|error| classify(error, attempted))?;
    consumer.set_nonempty_callback(on_events);
    let consumer = Arc::new(consumer);
    consumer.context().bind(&consumer);
    Ok(consumer)
}

/// Fails for a missing partition, for which librdkafka would wait for ever.
fn check_existence(
    consumer: &BaseConsumer<ConsumerEvents>,
    partitions: &[(TopicPartition, SeekTo)],
) -> Result<(), StreamError> {
    let metadata =
        consumer.fetch_metadata(None, REQUEST_TIMEOUT).map_err(|error| classify(error, "request the topics"))?;
    let exists = |of: &TopicPartition| {
        let topic = metadata.topics().iter().find(|topic| topic.name() == &*of.topic);
        topic.is_some_and(|topic| (of.partition as usize) < topic.partitions().len())
    };
    match partitions.iter().find(|(partition, _)| !exists(partition)) {
        None => Ok(()),
        Some((partition, _)) => {
            Err(StreamError::transient("unknown_topic", format!("read {partition}"), "there is no such partition"))
        }
    }
}

/// Blocks on the cluster to find the offset of a time.
fn resolve(
    consumer: &BaseConsumer<ConsumerEvents>,
    partition: &TopicPartition,
    to: SeekTo,
) -> Result<Offset, StreamError> {
    let timestamp_ms = match to {
        SeekTo::Offset(offset) => return Ok(Offset::Offset(offset.cast_signed())),
        SeekTo::Beginning => return Ok(Offset::Beginning),
        SeekTo::End => return Ok(Offset::End),
        SeekTo::Time { timestamp_ms } => timestamp_ms,
    };
    let look_up = || {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&partition.topic, partition.partition.cast_signed(), Offset::Offset(timestamp_ms))?;
        let found = consumer.offsets_for_times(list, REQUEST_TIMEOUT)?;
        let element = found.elements().into_iter().next().expect("one was requested");
        element.error()?;
        Ok(element.offset())
    };
    look_up().map_err(|error| classify(error, format!("look up a time in {partition}")))
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::kafka::brokers::STRANDED;
    use crate::kafka::brokers::tests::NONE;

    async fn assigned(member: &mut KafkaSource) -> Vec<TopicPartition> {
        loop {
            if let Event::Assigned(partitions) = member.next().await.expect("a member") {
                return partitions;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stranded_member_is_replaced() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("topic", 2, 1).expect("a topic");
        let settings = KafkaSettings::new(cluster.bootstrap_servers(), "test");
        let health = Arc::new(HealthMonitor::new("test"));
        let group = GroupSettings::new("group", ["topic"]);
        let mut member = KafkaSource::subscribe(&settings, health.clone(), &group).expect("a member");
        assert_eq!(assigned(&mut member).await.len(), 2);
        member.strand(NONE);
        let error = member.next().await.expect_err("stranded");
        assert_eq!((error.reason(), error.is_transient()), (STRANDED, false));
        Box::new(member).close().await.expect("closed in time");
        let mut next = KafkaSource::subscribe(&settings, health, &group).expect("another member");
        assert_eq!(assigned(&mut next).await.len(), 2);
    }
}
