//! A reader without a group. It stores the next position of each partition, so that it can replace a stranded or
//! stalled consumer without a gap and without duplicates.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::brokers::STRANDED;
use super::client::SharedClient;
use super::query::Scope;
use super::source::KafkaSource;
use super::watchdog::{STALLED, WatchdogHandle};
use crate::{Event, Incoming, Lag, SeekTo, Source, StreamError, TopicPartition};

/// The time between two attempts to open the next consumer.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// When a watchdog starts to observe a reader; most readers end long before.
const WATCHDOG_AFTER: Duration = Duration::from_secs(10);

pub(super) struct KafkaReader {
    client: Arc<SharedClient>,
    source: KafkaSource,
    positions: BTreeMap<TopicPartition, Position>,
    /// Opens the next consumer, at most one. A task, since a call of `next` can be cancelled.
    opening: JoinSet<KafkaSource>,
    watchdog: Option<WatchdogHandle>,
    watchdog_at: Instant,
}

/// The position in a partition.
#[derive(Clone, Copy)]
struct Position {
    next: SeekTo,
    paused: bool,
    caught_up: bool,
}

impl KafkaReader {
    pub(super) async fn open(
        client: Arc<SharedClient>,
        from: Vec<(TopicPartition, SeekTo)>,
    ) -> Result<Self, StreamError> {
        let mut positions = BTreeMap::new();
        for (partition, to) in from {
            let next = fixed_position(&client, &partition, to).await?;
            positions.insert(partition, Position { next, paused: false, caught_up: false });
        }
        let source = read(&client, &positions).await?;
        let watchdog_at = Instant::now() + WATCHDOG_AFTER;
        Ok(Self { client, source, positions, opening: JoinSet::new(), watchdog: None, watchdog_at })
    }

    /// Opens the next consumer in the background, with retries.
    fn open_next(&mut self) {
        let (client, positions) = (self.client.clone(), self.positions.clone());
        self.opening.spawn(async move {
            loop {
                match read(&client, &positions).await {
                    Ok(source) => return source,
                    Err(error) => tracing::warn!(
                        reason = error.reason(),
                        "cannot open the next consumer of a reader yet: {error}"
                    ),
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        });
    }

    fn start_watchdog(&mut self) -> Result<(), StreamError> {
        let SharedClient { settings, health, .. } = &*self.client;
        let scope = Scope::Partitions(self.positions.keys().cloned().collect());
        let watchdog = self.watchdog.insert(WatchdogHandle::start(settings, health.clone(), scope)?);
        watchdog.set_member(self.source.hand_over());
        Ok(())
    }

    /// Replaces the consumer once the next one is open.
    async fn switch_to_next(&mut self) -> Result<(), StreamError> {
        let Some(opened) = self.opening.join_next().await else { return Ok(()) };
        self.source = opened.map_err(|cause| StreamError::transient("closed", "open a reader", cause))?;
        if let Some(watchdog) = &self.watchdog {
            watchdog.set_member(self.source.hand_over());
        }
        let paused = self.positions.iter().filter(|(_, position)| position.paused);
        let paused: Vec<_> = paused.map(|(partition, _)| partition.clone()).collect();
        self.source.pause(&paused)
    }

    fn store_positions(&mut self, records: &[Incoming]) {
        let same = |one: &Incoming, other: &Incoming| one.partition == other.partition && one.topic == other.topic;
        for last in records.chunk_by(same).filter_map(<[_]>::last) {
            if let Some(position) = self.positions.get_mut(&last.topic_partition()) {
                position.next = SeekTo::Offset(last.offset + 1);
            }
        }
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for partition in partitions {
            if let Some(position) = self.positions.get_mut(partition) {
                position.paused = paused;
            }
        }
    }
}

#[async_trait]
impl Source for KafkaReader {
    async fn next(&mut self) -> Result<Event, StreamError> {
        loop {
            self.switch_to_next().await?;
            let event = tokio::select! {
                event = self.source.next() => event,
                () = sleep_until(self.watchdog_at), if self.watchdog.is_none() => {
                    self.start_watchdog()?;
                    continue;
                }
            };
            match event {
                Err(error) if [STRANDED, STALLED].contains(&error.reason()) => self.open_next(),
                Ok(Event::CaughtUp(partition)) => {
                    let position = self.positions.get_mut(&partition);
                    if position.is_none_or(|position| !std::mem::replace(&mut position.caught_up, true)) {
                        return Ok(Event::CaughtUp(partition));
                    }
                }
                Ok(Event::Records(records)) => {
                    self.store_positions(&records);
                    return Ok(Event::Records(records));
                }
                other => return other,
            }
        }
    }

    async fn commit(&mut self, offsets: &[(TopicPartition, u64)]) -> Result<(), StreamError> {
        self.source.commit(offsets).await
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.set_paused(partitions, true);
        self.source.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), StreamError> {
        self.set_paused(partitions, false);
        self.source.resume(partitions)
    }

    async fn seek(&mut self, partition: &TopicPartition, to: SeekTo) -> Result<(), StreamError> {
        self.switch_to_next().await?;
        let Some(position) = self.positions.get_mut(partition) else {
            // It refuses the seek.
            return self.source.seek(partition, to).await;
        };
        let next = fixed_position(&self.client, partition, to).await?;
        self.source.seek(partition, next).await?;
        (position.next, position.caught_up) = (next, false);
        Ok(())
    }

    fn lag(&self) -> Option<Lag> {
        self.watchdog.as_ref().and_then(WatchdogHandle::lag)
    }

    async fn close(self: Box<Self>) -> Result<(), StreamError> {
        Box::new(self.source).close().await
    }
}

async fn read(
    client: &Arc<SharedClient>,
    positions: &BTreeMap<TopicPartition, Position>,
) -> Result<KafkaSource, StreamError> {
    let from: Vec<_> = positions.iter().map(|(partition, position)| (partition.clone(), position.next)).collect();
    let open = move |client: &SharedClient| KafkaSource::read(&client.settings, client.health.clone(), &from);
    client.run_blocking("open a reader", open).await
}

/// A position that does not move: the end as an offset.
async fn fixed_position(
    client: &Arc<SharedClient>,
    partition: &TopicPartition,
    to: SeekTo,
) -> Result<SeekTo, StreamError> {
    match to {
        SeekTo::End => Ok(SeekTo::Offset(client.watermarks(partition).await?.high)),
        to => Ok(to),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::kafka::brokers::tests::NONE;
    use crate::{Flush, Headers, KafkaLog, KafkaSettings, Log, Outgoing, SinkSettings};

    async fn write(log: &KafkaLog, numbers: std::ops::Range<u32>) {
        let (sink, flush) = (log.sink(SinkSettings::new("test")).expect("a sink"), Flush::new());
        for number in numbers {
            let value = Some(bytes::Bytes::from(number.to_string()));
            let record = Outgoing {
                topic: "topic".into(),
                partition: Some(number % 2),
                key: None,
                value,
                headers: Headers::new(),
                timestamp_ms: 0,
            };
            sink.send(record, flush.receipt()).await.expect("taken");
        }
        flush.wait().await.expect("written");
    }

    /// The numbers of the next records of all partitions, `count` in total; and how many partitions have caught up.
    async fn take(reader: &mut KafkaReader, count: usize) -> (Vec<String>, usize) {
        let (mut numbers, mut caught_up) = (Vec::new(), 0);
        while numbers.len() < count {
            match reader.next().await.expect("continues") {
                Event::Records(records) => {
                    let text = |record: &Incoming| String::from_utf8_lossy(record.value.as_deref().unwrap()).into();
                    numbers.extend(records.iter().map(text));
                }
                Event::CaughtUp(_) => caught_up += 1,
                other => panic!("{other:?}"),
            }
        }
        numbers.sort_by_key(|number: &String| number.parse::<u32>().expect("a number"));
        (numbers, caught_up)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stranded_consumer_is_replaced_without_a_gap() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("topic", 2, 1).expect("a topic");
        let log = KafkaLog::connect(KafkaSettings::new(cluster.bootstrap_servers(), "test")).expect("a log");
        write(&log, 0..10).await;
        let positions = [(0, SeekTo::Beginning), (1, SeekTo::End)];
        let from = positions.map(|(partition, to)| (TopicPartition::new("topic", partition), to));
        let mut reader = KafkaReader::open(log.client.clone(), from.to_vec()).await.expect("a reader");
        let (before, _) = take(&mut reader, 5).await;
        assert_eq!(before, ["0", "2", "4", "6", "8"]);

        reader.source.strand(NONE);
        write(&log, 10..14).await;
        let (after, caught_up) = take(&mut reader, 4).await;
        assert_eq!(after, ["10", "11", "12", "13"]);
        assert!(caught_up <= 2, "each partition once, before or after");

        reader.source.strand(NONE);
        reader.pause(&[TopicPartition::new("topic", 0)]).expect("paused");
        write(&log, 14..18).await;
        let (open, _) = take(&mut reader, 2).await;
        assert_eq!(open, ["15", "17"], "a paused partition stays paused");
        reader.resume(&[TopicPartition::new("topic", 0)]).expect("resumed");
        assert_eq!(take(&mut reader, 2).await.0, ["14", "16"]);
    }
}
