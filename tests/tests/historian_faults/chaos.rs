//! Half a million observations, with kills and failing services.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::{ClickHouse, Kafka, KafkaOptions, Program, wait_until};
use schemas::catalogue::topic;
use streams::{Event, GroupSettings, Log as _, SeekTo, TopicPartition};

use crate::fixture::{Fixture, PARTITIONS, TIMEOUT, id, observation, reception};

/// The number of observations, unless `UPDRAFT_TEST_OBSERVATIONS` is set.
const OBSERVATIONS: u64 = 500_000;
/// The number of kills of the historian.
const KILLS: u64 = 20;
const DEVICES: u64 = 480;
/// One observation in this number has a reception, too.
const RECEPTIONS: u64 = 10;

/// The group removes a killed member within a second, so that twenty kills fit into a test.
const SHORT_SESSION: (&str, &str) = ("UPDRAFT_KAFKA_CONFIG", "session.timeout.ms=1000,heartbeat.interval.ms=250");
/// Small blocks, so that an insert is always in progress.
const SMALL_BLOCKS: (&str, &str) = ("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "4000");

fn observations() -> u64 {
    let count = std::env::var("UPDRAFT_TEST_OBSERVATIONS").ok();
    count.map_or(OBSERVATIONS, |count| count.parse().expect("UPDRAFT_TEST_OBSERVATIONS is a number"))
}

/// The numbers of rows after which the historian is killed: pseudo-random with a fixed seed.
fn kill_points(count: u64) -> BTreeSet<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut kill_points = BTreeSet::new();
    while kill_points.len() < KILLS as usize {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        kill_points.insert((state >> 33) % (count * 9 / 10));
    }
    kill_points
}

async fn kill(historian: &Program) {
    historian.service().kill().await.expect("killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_observation_is_stored_once() {
    let count = observations();
    let settings = vec![("group.min.session.timeout.ms".to_owned(), "500".to_owned())];
    let kafka = Kafka::start(KafkaOptions { settings, ..KafkaOptions::default() }).await.expect("Kafka");
    let clickhouse = ClickHouse::start().await.expect("ClickHouse");
    let fixture = Fixture::start("faults", kafka.bootstrap(), clickhouse.url()).await.expect("the fixture");
    produce(&fixture, count).await;

    // Twenty kills, and between them failures of the database and of another member.
    let mut historian = fixture.historian(&[SHORT_SESSION, SMALL_BLOCKS]).expect("spawned");
    let mut second = None;
    for (number, rows) in kill_points(count).into_iter().enumerate() {
        fixture.wait_for_rows("positions", rows).await.expect("continues");
        match number {
            4 => {
                clickhouse.service().stop().await.expect("stopped");
                wait_until_not_ready(&historian, "history").await;
                clickhouse.service().start().await.expect("started");
            }
            9 => {
                clickhouse.service().freeze().expect("frozen");
                // Kill it during an insert, and start its successor before the database continues.
                kill(&historian).await;
                historian = fixture.historian(&[SHORT_SESSION, SMALL_BLOCKS]).expect("spawned");
                clickhouse.service().thaw().expect("thawed");
            }
            12 => second = Some(fixture.historian(&[SHORT_SESSION, SMALL_BLOCKS]).expect("spawned")),
            15 => kill(second.as_ref().expect("joined before")).await,
            _ => {}
        }
        kill(&historian).await;
        historian = fixture.historian(&[SHORT_SESSION, SMALL_BLOCKS]).expect("spawned");
    }
    fixture.wait_for_exact_count("positions", count).await.expect("all arrive");
    fixture.wait_for_exact_count("receptions", count.div_ceil(RECEPTIONS)).await.expect("all arrive");
    wait_for_all_rows(&fixture, count).await;
    check_history(&fixture, count).await;

    // An hour second, in other blocks.
    assert_eq!(historian.service().stop().await.expect("stopped"), 0);
    rewind(&fixture).await;
    let replaying = fixture.historian(&[SHORT_SESSION, ("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "3333")]).expect("spawned");
    let replayed = async || {
        (replaying.metric("fanet_historian_records_total", &[]).await.ok()? >= (count / 2) as f64).then_some(())
    };
    wait_until(TIMEOUT, "the hour to be read again", replayed).await.expect("read");
    wait_for_all_rows(&fixture, count).await;
    check_history(&fixture, count).await;
    wait_for_dead_letters(&fixture).await;
}

async fn produce(fixture: &Fixture, count: u64) {
    let writer = fixture.writer().await.expect("a writer");
    for number in 0..count {
        let observation = observation(number, count, DEVICES);
        writer.observation(&observation).await.expect("written");
        if number % RECEPTIONS == 0 {
            writer.reception(&reception(&observation)).await.expect("written");
        }
        if number % (count / 7) == 1 {
            writer.invalid_record((number % PARTITIONS) as u32).await.expect("written");
        }
    }
    writer.done().await.expect("all written");
}

/// Waits until `/ready` answers 503 with this part.
async fn wait_until_not_ready(historian: &Program, part: &str) {
    let not_ready = async || {
        let (status, body) = historian.admin("/ready").await.ok()?;
        (status == 503 && body.contains(part)).then_some(())
    };
    wait_until(Duration::from_secs(90), "/ready to report the outage", not_ready).await.expect("reported");
}

/// Checks the history with our `verify` command and with queries.
async fn check_history(fixture: &Fixture, count: u64) {
    let output = fixture.verify().await.expect("log and history are equal");
    assert!(
        output.contains(&format!("24 partitions, {count} observations in the log, 0 partitions differ")),
        "{output}"
    );
    let number = async |text: &str| fixture.number(text).await.expect("answers");
    assert_eq!(number("SELECT count() FROM positions FINAL").await, count);
    assert_eq!(number("SELECT uniqExact(observation_id) FROM positions").await, count);
    let ids = (0..count).fold(0_u64, |sum, number| sum.wrapping_add(id(number)));
    assert_eq!(number("SELECT sum(observation_id) FROM positions FINAL").await, ids);
    let receptions = count.div_ceil(RECEPTIONS);
    assert_eq!(number("SELECT count() FROM receptions FINAL").await, receptions);
    for view in ["device_days_view", "receiver_days_view"] {
        fixture.sql(&format!("SYSTEM REFRESH VIEW {view}")).await.expect("refreshes");
        fixture.sql(&format!("SYSTEM WAIT VIEW {view}")).await.expect("refreshed");
    }
    fixture.make_flights().await.expect("flights are made");
    assert_eq!(number("SELECT sum(positions) FROM device_days FINAL").await, count);
    assert_eq!(number("SELECT sum(frames) FROM receiver_days FINAL").await, receptions);
    assert_eq!(number("SELECT count() FROM flights_now").await, DEVICES);
    assert_eq!(number("SELECT sum(positions) FROM flights_now").await, count);
}

fn group(fixture: &Fixture) -> GroupSettings {
    let topics = [topic::OBSERVATION, topic::RECEPTION].map(|name| format!("{}{name}", fixture.prefix));
    GroupSettings::new(format!("{}historian", fixture.prefix), topics)
}

/// Waits until all observations are written.
async fn wait_for_all_rows(fixture: &Fixture, count: u64) {
    // Repetitions of uncommitted records count once, due to FINAL.
    let query = "SELECT count() FROM positions FINAL";
    let quiet = async || (fixture.number(query).await.ok()? == count).then_some(());
    wait_until(TIMEOUT, "the last blocks", quiet).await.expect("written");
}

/// Sets the group's offsets to the middle of each partition: the last hour.
async fn rewind(fixture: &Fixture) {
    let mut source = fixture.log.subscribe(group(fixture)).await.expect("joined");
    let mut open: BTreeSet<TopicPartition> = BTreeSet::new();
    while open.len() < 2 * PARTITIONS as usize {
        let event = tokio::time::timeout(TIMEOUT, source.next()).await.expect("in time").expect("continues");
        let Event::Assigned(partitions) = event else { continue };
        for partition in partitions {
            let watermarks = fixture.log.watermarks(&partition).await.expect("answers");
            source.seek(&partition, SeekTo::End).await.expect("sought");
            source.commit(&[(partition.clone(), watermarks.high / 2)]).await.expect("committed");
            open.insert(partition);
        }
    }
    source.close().await.expect("left");
}

/// Waits until each unusable record is in the dead-letter topic at least once.
async fn wait_for_dead_letters(fixture: &Fixture) {
    let name = format!("{}{}", fixture.prefix, topic::DEAD_LETTER);
    let partitions =
        (0..6).map(|partition| (TopicPartition::new(name.as_str(), partition), SeekTo::Beginning)).collect();
    let mut source = fixture.log.read(partitions).await.expect("readable");
    let mut dead_letters = BTreeSet::new();
    // One in each seventh, and possibly one in the remainder.
    while dead_letters.len() < 7 {
        let event = tokio::time::timeout(TIMEOUT, source.next()).await.expect("in time").expect("continues");
        let Event::Records(records) = event else { continue };
        for record in records {
            let header = |name| String::from_utf8_lossy(record.headers.first(name).expect("has it")).into_owned();
            assert!(header("reason").starts_with("framing"), "{}", header("reason"));
            assert_eq!(header("service"), "historian");
            dead_letters.insert((header("source-partition"), header("source-offset")));
        }
    }
}
