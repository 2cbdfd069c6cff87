//! A reader without a group. It knows where each of its partitions goes on, and so outlives a consumer that finds no broker
//! any more: another one takes over there, without a gap and without a copy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::ask::Scope;
use super::client::SharedClient;
use super::lookout::STRANDED;
use super::source::KafkaSource;
use super::watch::{STALLED, Watch};
use crate::{Event, Incoming, SeekTo, Source, StreamError, TopicPartition};

/// How soon the next consumer is tried where one cannot be opened.
const AGAIN: Duration = Duration::from_secs(1);
/// Who reads for so long is watched over; most readers are done long before.
const LONG_READING: Duration = Duration::from_secs(10);

pub(super) struct KafkaReader {
    client: Arc<SharedClient>,
    source: KafkaSource,
    places: BTreeMap<TopicPartition, Place>,
    /// The next consumer, at most one. A task of its own, since callers of `next` come and go.
    opening: JoinSet<KafkaSource>,
    watch: Option<Watch>,
    watch_at: Instant,
}

/// How it stands with a partition.
#[derive(Clone, Copy)]
struct Place {
    next: SeekTo,
    paused: bool,
    caught_up: bool,
}

impl KafkaReader {
    pub(super) async fn open(
        client: Arc<SharedClient>,
        from: Vec<(TopicPartition, SeekTo)>,
    ) -> Result<Self, StreamError> {
        let mut places = BTreeMap::new();
        for (partition, to) in from {
            let next = lasting(&client, &partition, to).await?;
            places.insert(partition, Place { next, paused: false, caught_up: false });
        }
        let source = read(&client, &places).await?;
        let watch_at = Instant::now() + LONG_READING;
        Ok(Self { client, source, places, opening: JoinSet::new(), watch: None, watch_at })
    }

    /// Opens the next consumer, however often it takes.
    fn take_over(&mut self) {
        let (client, places) = (self.client.clone(), self.places.clone());
        self.opening.spawn(async move {
            loop {
                match read(&client, &places).await {
                    Ok(source) => return source,
                    Err(error) => tracing::warn!(reason = error.reason(), "a reader cannot go on yet: {error}"),
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
    }

    fn watch_over(&mut self) -> Result<(), StreamError> {
        let SharedClient { settings, health, .. } = &*self.client;
        let scope = Scope::Partitions(self.places.keys().cloned().collect());
        let watch = self.watch.insert(Watch::start(settings, health.clone(), scope)?);
        watch.attend(self.source.hand_over());
        Ok(())
    }

    /// Replaces the consumer once the next one is open.
    async fn taken_over(&mut self) -> Result<(), StreamError> {
        let Some(opened) = self.opening.join_next().await else { return Ok(()) };
        self.source = opened.map_err(|cause| StreamError::transient("closed", "open a reader", cause))?;
        if let Some(watch) = &self.watch {
            watch.attend(self.source.hand_over());
        }
        let paused = self.places.iter().filter(|(_, place)| place.paused);
        let paused: Vec<_> = paused.map(|(partition, _)| partition.clone()).collect();
        self.source.pause(&paused)
    }

    fn note(&mut self, records: &[Incoming]) {
        let same = |one: &Incoming, other: &Incoming| one.partition == other.partition && one.topic == other.topic;
        for last in records.chunk_by(same).filter_map(<[_]>::last) {
            if let Some(place) = self.places.get_mut(&last.topic_partition()) {
                place.next = SeekTo::Offset(last.offset + 1);
            }
        }
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) {
        for partition in partitions {
            if let Some(place) = self.places.get_mut(partition) {
                place.paused = paused;
            }
        }
    }
}

#[async_trait]
impl Source for KafkaReader {
    async fn next(&mut self) -> Result<Event, StreamError> {
        loop {
            self.taken_over().await?;
            let event = tokio::select! {
                event = self.source.next() => event,
                () = sleep_until(self.watch_at), if self.watch.is_none() => {
                    self.watch_over()?;
                    continue;
                }
            };
            match event {
                Err(error) if [STRANDED, STALLED].contains(&error.reason()) => self.take_over(),
                Ok(Event::CaughtUp(partition)) => {
                    let place = self.places.get_mut(&partition);
                    if place.is_none_or(|place| !std::mem::replace(&mut place.caught_up, true)) {
                        return Ok(Event::CaughtUp(partition));
                    }
                }
                Ok(Event::Records(records)) => {
                    self.note(&records);
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
        self.taken_over().await?;
        let Some(place) = self.places.get_mut(partition) else {
            // Which refuses it.
            return self.source.seek(partition, to).await;
        };
        let next = lasting(&self.client, partition, to).await?;
        self.source.seek(partition, next).await?;
        (place.next, place.caught_up) = (next, false);
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), StreamError> {
        Box::new(self.source).close().await
    }
}

async fn read(
    client: &Arc<SharedClient>,
    places: &BTreeMap<TopicPartition, Place>,
) -> Result<KafkaSource, StreamError> {
    let from: Vec<_> = places.iter().map(|(partition, place)| (partition.clone(), place.next)).collect();
    let open = move |client: &SharedClient| KafkaSource::read(&client.settings, client.health.clone(), &from);
    client.ask("open a reader", open).await
}

/// The same place in a while: the end moves on.
async fn lasting(client: &Arc<SharedClient>, partition: &TopicPartition, to: SeekTo) -> Result<SeekTo, StreamError> {
    match to {
        SeekTo::End => Ok(SeekTo::Offset(client.watermarks(partition).await?.high)),
        to => Ok(to),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::kafka::lookout::tests::NONE;
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

    /// The numbers of each partition's next records, `count` in all; and how many partitions were caught up with.
    async fn take(reader: &mut KafkaReader, count: usize) -> (Vec<String>, usize) {
        let (mut numbers, mut caught_up) = (Vec::new(), 0);
        while numbers.len() < count {
            match reader.next().await.expect("goes on") {
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
    async fn another_consumer_goes_on_where_a_stranded_one_ended() {
        let cluster = MockCluster::new(1).expect("a cluster");
        cluster.create_topic("topic", 2, 1).expect("a topic");
        let log = KafkaLog::connect(KafkaSettings::new(cluster.bootstrap_servers(), "test")).expect("a log");
        write(&log, 0..10).await;
        let places = [(0, SeekTo::Beginning), (1, SeekTo::End)];
        let from = places.map(|(partition, to)| (TopicPartition::new("topic", partition), to));
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
        assert_eq!(open, ["15", "17"], "what was paused stays so");
        reader.resume(&[TopicPartition::new("topic", 0)]).expect("resumed");
        assert_eq!(take(&mut reader, 2).await.0, ["14", "16"]);
    }
}
