//! The log while Kafka is unavailable: each test disturbs a Kafka of its own.

use std::time::Duration;

use harness::{Kafka, KafkaOptions, wait_until};
use streams::{
    Event, Flush, GroupSettings, Headers, HealthState, Incoming, KafkaLog, KafkaSettings, Log, NewTopic, Outgoing,
    SeekTo, SinkSettings, Source, TopicPartition,
};

const TIMEOUT: Duration = Duration::from_secs(60);

async fn kafka() -> Kafka {
    Kafka::start(KafkaOptions::default()).await.expect("Kafka")
}

fn connect(kafka: &Kafka) -> KafkaLog {
    KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "faults")).expect("good settings")
}

/// The topic of all tests, without retention: Kafka would delete the records, whose times are long past.
fn topic() -> NewTopic {
    NewTopic::new("t", 1).with("retention.ms", "-1")
}

fn record(number: usize) -> Outgoing {
    Outgoing {
        topic: "t".into(),
        partition: Some(0),
        key: None,
        value: Some(number.to_string().into()),
        headers: Headers::new(),
        timestamp_ms: 1,
    }
}

fn numbers(records: &[Incoming]) -> Vec<usize> {
    let number = |record: &Incoming| String::from_utf8(record.value.as_ref().expect("a value").to_vec()).expect("text");
    records.iter().map(|record| number(record).parse().expect("a number")).collect()
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future).await.unwrap_or_else(|_| panic!("time-out while waiting for {what}"))
}

/// Reads this number of records; handles other events meanwhile.
async fn read(source: &mut dyn Source, count: usize) -> Vec<usize> {
    let mut all = Vec::new();
    while all.len() < count {
        if let Event::Records(records) = within("records", source.next()).await.expect("continues") {
            all.extend(numbers(&records));
        }
    }
    all
}

/// Reads from `first` to `last` as a member that may start again at its committed offset: repetitions are allowed, gaps
/// not.
async fn read_without_gap(source: &mut dyn Source, first: usize, last: usize) {
    let mut next = first;
    while next <= last {
        for number in read(source, 1).await {
            assert!((first..=next).contains(&number), "found record {number}, expected at most {next}");
            next = next.max(number + 1);
        }
    }
}

async fn wait_for_health(log: &KafkaLog, state: HealthState) {
    let reached = async || (log.health().state == state).then_some(());
    wait_until(TIMEOUT, "the health to change", reached).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_opened_without_kafka_works_later() {
    let kafka = kafka().await;
    connect(&kafka).create_topics(&[topic()]).await.expect("created");
    kafka.node(0).stop().await.expect("stopped");

    let log = connect(&kafka);
    wait_for_health(&log, HealthState::Down).await;
    let reason = log.health().last_error.expect("a reason");
    assert!(reason.contains("Connection refused"), "{reason}");
    let error = log.epoch().await.expect_err("stopped");
    assert!(error.is_transient(), "{error:?}");

    let mut source = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("no I/O yet");
    let sink = log.sink(SinkSettings::new("faults")).expect("no I/O yet");
    let flush = Flush::new();
    sink.send(record(0), flush.receipt()).await.expect("queued");
    assert_eq!(flush.open(), 1);

    kafka.node(0).start().await.expect("started");
    within("the receipt", flush.wait()).await.expect("delivered");
    assert_eq!(read(&mut *source, 1).await, [0]);
    wait_for_health(&log, HealthState::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_succeeds_after_kafka_is_back() {
    let kafka = kafka().await;
    let log = connect(&kafka);
    log.create_topics(&[topic()]).await.expect("created");
    let sink = log.sink(SinkSettings::new("faults")).expect("sink");
    let flush = Flush::new();
    for number in 0..10 {
        sink.send(record(number), flush.receipt()).await.expect("sent");
    }
    within("the receipts", flush.wait()).await.expect("delivered");
    let mut source = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    assert_eq!(read(&mut *source, 10).await, (0..10).collect::<Vec<_>>());

    kafka.node(0).kill().await.expect("killed");
    wait_for_health(&log, HealthState::Down).await;
    let partition = TopicPartition::new("t", 0);
    let error = within("an answer", source.commit(&[(partition.clone(), 4)])).await.expect_err("stopped");
    assert!(error.is_transient(), "{error:?}");

    kafka.node(0).start().await.expect("started");
    // The group may have removed the member meanwhile: it commits again when the partition is assigned to it.
    let committed = async {
        while source.commit(&[(partition.clone(), 4)]).await.is_err() {
            let _ = tokio::time::timeout(Duration::from_millis(200), source.next()).await;
        }
    };
    within("the commit", committed).await;
    source.close().await.expect("left");
    let mut source = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    assert_eq!(read(&mut *source, 6).await, (4..10).collect::<Vec<_>>());
}

/// Longer than the session time-out: the group removes the member, whose partition is lost and assigned again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_cluster_loses_no_record() {
    let kafka = kafka().await;
    let log = connect(&kafka);
    log.create_topics(&[topic()]).await.expect("created");
    let sink = log.sink(SinkSettings::new("faults")).expect("sink");
    let mut reader = log.read(vec![(TopicPartition::new("t", 0), SeekTo::Beginning)]).await.expect("reader");
    let mut member = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    let flush = Flush::new();
    sink.send(record(0), flush.receipt()).await.expect("sent");
    assert_eq!(read(&mut *reader, 1).await, [0]);
    assert_eq!(read(&mut *member, 1).await, [0]);
    member.commit(&[(TopicPartition::new("t", 0), 1)]).await.expect("committed");

    kafka.node(0).freeze().expect("frozen");
    for number in 1..100 {
        sink.send(record(number), flush.receipt()).await.expect("queued");
    }
    let silent = tokio::time::timeout(Duration::from_secs(8), reader.next()).await;
    assert!(!matches!(silent, Ok(Ok(Event::Records(_)))), "records from a frozen cluster");
    kafka.node(0).thaw().expect("thawed");

    within("the receipts", flush.wait()).await.expect("delivered");
    assert_eq!(read(&mut *reader, 99).await, (1..100).collect::<Vec<_>>());
    // The member may read uncommitted records again, but in order and without gaps.
    read_without_gap(&mut *member, 1, 99).await;
    // A client without brokers may have to fetch the metadata of the topics first.
    let partition = TopicPartition::new("t", 0);
    let high = async || log.watermarks(&partition).await.ok().map(|ends| ends.high);
    let high = harness::wait_until(Duration::from_secs(90), "the partition's ends", high).await.expect("watermarks");
    member.commit(&[(partition, high)]).await.expect("a member again");
}

/// Three replicas, two of which must have a record before it is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_leader_has_each_record_once() {
    let kafka = Kafka::start(KafkaOptions { nodes: 3, ..KafkaOptions::default() }).await.expect("three nodes");
    let log = connect(&kafka);
    let topic = NewTopic { replication: Some(3), ..topic() }.with("min.insync.replicas", "2");
    log.create_topics(&[topic]).await.expect("created");
    let sink = log.sink(SinkSettings::new("faults")).expect("sink");
    let mut member = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("joined");
    let flush = Flush::new();
    for number in 0..100 {
        sink.send(record(number), flush.receipt()).await.expect("sent");
    }
    within("the receipts", flush.wait()).await.expect("delivered");
    assert_eq!(read(&mut *member, 100).await, (0..100).collect::<Vec<_>>());
    member.commit(&[(TopicPartition::new("t", 0), 100)]).await.expect("committed");

    // Each node in turn, which includes the leader and the coordinator.
    let mut next = 100;
    for node in 0..3 {
        for number in next..next + 50 {
            sink.send(record(number), flush.receipt()).await.expect("queued");
        }
        kafka.node(node).kill().await.expect("killed");
        for number in next + 50..next + 100 {
            sink.send(record(number), flush.receipt()).await.expect("queued");
        }
        within("the receipts", flush.wait()).await.expect("delivered");
        kafka.node(node).start().await.expect("started again");
        next += 100;
    }
    let mut reader = log.read(vec![(TopicPartition::new("t", 0), SeekTo::Beginning)]).await.expect("reader");
    assert_eq!(read(&mut *reader, next).await, (0..next).collect::<Vec<_>>());
    read_without_gap(&mut *member, 100, next - 1).await;
}
