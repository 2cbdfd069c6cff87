//! Records per second through the port, on the embedded log and on Kafka, compared with plain librdkafka in the same
//! run. Prints `bench: NAME VALUE UNIT` lines.

#![allow(clippy::print_stdout, reason = "prints the results")]
#![allow(missing_docs, reason = "a program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use harness::{Kafka, KafkaOptions};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList};
use streams::{
    EmbeddedLog, EmbeddedSettings, Event, Flush, Headers, KafkaLog, KafkaSettings, Log, NewTopic, Outgoing, Receipt,
    SeekTo, SinkSettings, Source, TopicPartition,
};
use tokio::time::Instant;

const PARTITIONS: u32 = 24;
const RECORDS: u64 = 300_000;
/// The size of a frame with its wrapper in the raw topic.
const VALUE_BYTES: usize = 60;
const LATENCY_RECORDS: usize = 2_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let settings = EmbeddedSettings { max_bytes_per_partition: 256 << 20, ..EmbeddedSettings::new(0) };
        measure("embedded", &EmbeddedLog::new(settings)).await;

        let kafka = Kafka::start(KafkaOptions { fast: true, ..KafkaOptions::default() }).await.expect("Kafka");
        let log = KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "bench")).expect("good settings");
        // The first round warms up the broker.
        warm_up(&log).await;
        measure("kafka", &log).await;
        plain_librdkafka(&log, kafka.bootstrap()).await;
    });
}

async fn measure(name: &str, log: &dyn Log) {
    let topic = topic(log, name).await;
    let produced = produce(log, &topic).await;
    let consumed = consume(log, &topic).await;
    let (p50, p95) = latency(log, &format!("{name}-latency")).await;
    println!("bench: streams_{name}_produce_records_per_s {produced:.0} records/s");
    println!("bench: streams_{name}_consume_records_per_s {consumed:.0} records/s");
    println!("bench: streams_{name}_send_to_next_p50_us {p50:.0} us");
    println!("bench: streams_{name}_send_to_next_p95_us {p95:.0} us");
}

async fn warm_up(log: &dyn Log) {
    let topic = topic(log, "warm-up").await;
    produce(log, &topic).await;
    consume(log, &topic).await;
}

async fn topic(log: &dyn Log, name: &str) -> Arc<str> {
    log.create_topics(&[NewTopic::new(name, PARTITIONS)]).await.expect("created");
    name.into()
}

fn key(number: u64) -> Bytes {
    format!("{:06X}", number % 5_000).into()
}

/// Waits for all receipts, as the bridge does.
async fn produce(log: &dyn Log, topic: &Arc<str>) -> f64 {
    let sink = log.sink(SinkSettings::new("bench")).expect("sink");
    let value = Bytes::from(vec![0x42; VALUE_BYTES]);
    let flush = Flush::new();
    let started = Instant::now();
    for number in 0..RECORDS {
        let record = Outgoing {
            topic: topic.clone(),
            partition: None,
            key: Some(key(number)),
            value: Some(value.clone()),
            headers: Headers::new(),
            timestamp_ms: 1_790_000_000_000,
        };
        sink.send(record, flush.receipt()).await.expect("sent");
    }
    flush.wait().await.expect("delivered");
    RECORDS as f64 / started.elapsed().as_secs_f64()
}

async fn consume(log: &dyn Log, topic: &Arc<str>) -> f64 {
    let from = (0..PARTITIONS).map(|partition| (TopicPartition::new(topic.clone(), partition), SeekTo::Beginning));
    let mut source = log.read(from.collect()).await.expect("reader");
    let started = Instant::now();
    let mut read = 0;
    while read < RECORDS {
        read += records(&mut *source).await;
    }
    RECORDS as f64 / started.elapsed().as_secs_f64()
}

async fn records(source: &mut dyn Source) -> u64 {
    loop {
        if let Event::Records(records) = source.next().await.expect("continues") {
            return records.len() as u64;
        }
    }
}

/// One record at a time, from the send to the return of `next`; microseconds.
async fn latency(log: &dyn Log, name: &str) -> (f64, f64) {
    let topic = topic(log, name).await;
    let sink = log.sink(SinkSettings::new("bench")).expect("sink");
    let from = (0..PARTITIONS).map(|partition| (TopicPartition::new(topic.clone(), partition), SeekTo::End));
    let mut source = log.read(from.collect()).await.expect("reader");
    for _ in 0..PARTITIONS {
        assert!(matches!(source.next().await.expect("continues"), Event::CaughtUp(_)));
    }
    let mut waits_us = Vec::new();
    for number in 0..LATENCY_RECORDS as u64 {
        let record = Outgoing {
            topic: topic.clone(),
            partition: None,
            key: Some(key(number)),
            value: Some(Bytes::from(vec![0x42; VALUE_BYTES])),
            headers: Headers::new(),
            timestamp_ms: 1_790_000_000_000,
        };
        let sent = Instant::now();
        sink.send(record, Receipt::ignored()).await.expect("sent");
        records(&mut *source).await;
        waits_us.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    waits_us.sort_by(f64::total_cmp);
    let quantile = |share: f64| waits_us[((waits_us.len() - 1) as f64 * share) as usize];
    (quantile(0.50), quantile(0.95))
}

/// Counts deliveries.
struct Count(Arc<AtomicU64>);

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The same work without our port: the cost of the client library itself.
async fn plain_librdkafka(log: &KafkaLog, bootstrap: &str) {
    let topic = topic(log, "plain").await;
    let bootstrap = bootstrap.to_owned();
    let (produced, consumed) =
        tokio::task::spawn_blocking(move || (plain_produce(&bootstrap, &topic), plain_consume(&bootstrap, &topic)))
            .await
            .expect("no panic");
    println!("bench: streams_plain_librdkafka_produce_records_per_s {produced:.0} records/s");
    println!("bench: streams_plain_librdkafka_consume_records_per_s {consumed:.0} records/s");
}

fn plain_produce(bootstrap: &str, topic: &str) -> f64 {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .set("compression.type", "lz4")
        .set("partitioner", "murmur2_random")
        .set("queue.buffering.max.messages", "1000000");
    let delivered = Arc::new(AtomicU64::new(0));
    let producer: ThreadedProducer<Count> = config.create_with_context(Count(delivered.clone())).expect("producer");
    let value = [0x42; VALUE_BYTES];
    let started = Instant::now();
    for number in 0..RECORDS {
        producer
            .send(BaseRecord::to(topic).key(&key(number)[..]).payload(&value[..]))
            .map_err(|(error, _)| error)
            .expect("room");
    }
    producer.flush(Duration::from_secs(60)).expect("flushed");
    while delivered.load(Ordering::Relaxed) < RECORDS {
        std::thread::yield_now();
    }
    RECORDS as f64 / started.elapsed().as_secs_f64()
}

fn plain_consume(bootstrap: &str, topic: &str) -> f64 {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "plain").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().expect("consumer");
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition.cast_signed(), Offset::Beginning).expect("an offset");
    }
    consumer.assign(&list).expect("assigned");
    let started = Instant::now();
    let (mut read, mut bytes) = (0, 0);
    while read < RECORDS {
        if let Some(message) = consumer.poll(Duration::from_secs(1)) {
            bytes += message.expect("a message").payload().map_or(0, <[u8]>::len);
            read += 1;
        }
    }
    assert_eq!(bytes as u64, RECORDS * VALUE_BYTES as u64);
    RECORDS as f64 / started.elapsed().as_secs_f64()
}
