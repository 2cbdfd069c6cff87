//! What the log does while Kafka is away: each test has a Kafka of its own to mistreat.

use std::time::Duration;

use harness::{Kafka, KafkaOptions, wait_until};
use streams::{
    Event, Flush, GroupSettings, Headers, HealthState, Incoming, KafkaLog, KafkaSettings, Log, NewTopic, Outgoing,
    SeekTo, SinkSettings, Source, TopicPartition,
};

const PATIENCE: Duration = Duration::from_secs(60);

async fn kafka() -> Kafka {
    Kafka::start(KafkaOptions::default()).await.expect("Kafka")
}

fn connect(kafka: &Kafka) -> KafkaLog {
    KafkaLog::connect(KafkaSettings::new(kafka.bootstrap(), "faults")).expect("good settings")
}

/// The topic of all tests. Its records' times are long past: a cluster that looks after retention would delete them.
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
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Reads until so many records are there; whatever else happens is answered on the way.
async fn read(source: &mut dyn Source, count: usize) -> Vec<usize> {
    let mut all = Vec::new();
    while all.len() < count {
        if let Event::Records(records) = within("records", source.next()).await.expect("goes on") {
            all.extend(numbers(&records));
        }
    }
    all
}

/// Reads from `first` to `last` as a member that may have to begin again at what it committed: never past a gap.
async fn read_without_gap(source: &mut dyn Source, first: usize, last: usize) {
    let mut next = first;
    while next <= last {
        for number in read(source, 1).await {
            assert!((first..=next).contains(&number), "record {number} came where at most {next} was due");
            next = next.max(number + 1);
        }
    }
}

async fn becomes(log: &KafkaLog, state: HealthState) {
    let reached = async || (log.health().state == state).then_some(());
    wait_until(PATIENCE, "the health to change", reached).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_opened_while_kafka_is_away_works_when_it_comes() {
    let kafka = kafka().await;
    connect(&kafka).create_topics(&[topic()]).await.expect("created");
    kafka.node(0).stop().await.expect("stopped");

    let log = connect(&kafka);
    becomes(&log, HealthState::Down).await;
    let reason = log.health().last_error.expect("a reason");
    assert!(reason.contains("Connection refused"), "{reason}");
    let error = log.epoch().await.expect_err("away");
    assert!(error.is_transient(), "{error:?}");

    let mut source = log.subscribe(GroupSettings::new("g", ["t"])).await.expect("no I/O yet");
    let sink = log.sink(SinkSettings::new("faults")).expect("no I/O yet");
    let flush = Flush::new();
    sink.send(record(0), flush.receipt()).await.expect("queued");
    assert_eq!(flush.open(), 1);

    kafka.node(0).start().await.expect("started");
    within("the receipt", flush.wait()).await.expect("delivered");
    assert_eq!(read(&mut *source, 1).await, [0]);
    becomes(&log, HealthState::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_fails_while_kafka_is_away_and_succeeds_when_it_is_back() {
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
    becomes(&log, HealthState::Down).await;
    let partition = TopicPartition::new("t", 0);
    let error = within("an answer", source.commit(&[(partition.clone(), 4)])).await.expect_err("away");
    assert!(error.is_transient(), "{error:?}");

    kafka.node(0).start().await.expect("started");
    // The member may have been expelled meanwhile: it commits again once it hears that the partition is its own.
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

/// Longer than the session time-out: the member is expelled, hears that its partition was lost, and gets it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_stands_still_costs_time_and_no_record() {
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
    // The member may read again what it has not committed, but in order and nothing less.
    read_without_gap(&mut *member, 1, 99).await;
    // A client that had given the cluster up may have to learn of its topics first.
    let place = TopicPartition::new("t", 0);
    let high = async || log.watermarks(&place).await.ok().map(|ends| ends.high);
    let high = harness::wait_until(Duration::from_secs(30), "the partition's ends", high).await.expect("watermarks");
    member.commit(&[(place, high)]).await.expect("a member again");
}

/// Three copies, two of which must have a record before it is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_dies_is_replaced_and_each_record_is_there_once() {
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

    // Each in turn, so that the leader and the coordinator are among them.
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
