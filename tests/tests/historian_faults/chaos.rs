//! A great many observations, and every misfortune on their way.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::{ClickHouse, Kafka, KafkaOptions, Program, wait_until};
use schemas::catalogue::topic;
use streams::{Event, GroupSettings, Log as _, SeekTo, TopicPartition};

use crate::kit::{PARTITIONS, PATIENCE, Scene, id, observation, reception};

/// How many observations; `UPDRAFT_TEST_OBSERVATIONS` says otherwise.
const OBSERVATIONS: u64 = 1_000_000;
/// How often the historian is killed.
const KILLS: u64 = 20;
const DEVICES: u64 = 480;
/// One in so many has a reception, too.
const RECEPTIONS: u64 = 10;

/// A member that was killed is forgotten within a second, so that twenty of them fit into a test.
const HASTY: (&str, &str) = ("UPDRAFT_KAFKA_CONFIG", "session.timeout.ms=1000,heartbeat.interval.ms=250");
/// Many blocks, so that there is always one on its way.
const SMALL_BLOCKS: (&str, &str) = ("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "4000");

fn observations() -> u64 {
    let told = std::env::var("UPDRAFT_TEST_OBSERVATIONS").ok();
    told.map_or(OBSERVATIONS, |count| count.parse().expect("UPDRAFT_TEST_OBSERVATIONS is a number"))
}

/// Where in the work the misfortunes happen: seeded, so that a failure can be repeated, and different each time.
fn moments(count: u64) -> BTreeSet<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut moments = BTreeSet::new();
    while moments.len() < KILLS as usize {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        moments.insert((state >> 33) % (count * 9 / 10));
    }
    moments
}

async fn kill(historian: &Program) {
    historian.service().kill().await.expect("killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_observation_arrives_once_whatever_happens() {
    let count = observations();
    let settings = vec![("group.min.session.timeout.ms".to_owned(), "500".to_owned())];
    let kafka = Kafka::start(KafkaOptions { settings, ..KafkaOptions::default() }).await.expect("Kafka");
    let clickhouse = ClickHouse::start().await.expect("ClickHouse");
    let scene = Scene::set("faults", kafka.bootstrap(), clickhouse.url()).await.expect("the scene");
    produce(&scene, count).await;

    // Twenty deaths, and between them what a database and a group can suffer.
    let mut historian = scene.historian(&[HASTY, SMALL_BLOCKS]).expect("spawned");
    let mut second = None;
    for (number, rows) in moments(count).into_iter().enumerate() {
        scene.until_rows("positions", rows).await.expect("it goes on");
        match number {
            4 => {
                clickhouse.service().stop().await.expect("stopped");
                until_it_says(&historian, "history").await;
                clickhouse.service().start().await.expect("started");
            }
            9 => {
                clickhouse.service().freeze().expect("frozen");
                // It dies with an insert under way, and its successor begins before the database does.
                kill(&historian).await;
                historian = scene.historian(&[HASTY, SMALL_BLOCKS]).expect("spawned");
                clickhouse.service().thaw().expect("thawed");
            }
            12 => second = Some(scene.historian(&[HASTY, SMALL_BLOCKS]).expect("spawned")),
            15 => kill(second.as_ref().expect("joined before")).await,
            _ => {}
        }
        kill(&historian).await;
        historian = scene.historian(&[HASTY, SMALL_BLOCKS]).expect("spawned");
    }
    scene.until_exactly("positions", count).await.expect("all arrive");
    scene.until_exactly("receptions", count.div_ceil(RECEPTIONS)).await.expect("all arrive");
    until_committed(&scene, count).await;
    hold(&scene, count).await;

    // An hour again, in other blocks.
    assert_eq!(historian.service().stop().await.expect("stopped"), 0);
    go_back(&scene).await;
    let again = scene.historian(&[HASTY, ("UPDRAFT_HISTORIAN_BLOCK_RECORDS", "3333")]).expect("spawned");
    let replayed =
        async || (again.metric("fanet_historian_records_total", &[]).await.ok()? >= (count / 2) as f64).then_some(());
    wait_until(PATIENCE, "the hour to be read again", replayed).await.expect("read");
    until_committed(&scene, count).await;
    hold(&scene, count).await;
    until_buried(&scene).await;
}

async fn produce(scene: &Scene, count: u64) {
    let writer = scene.writer().await.expect("a writer");
    for number in 0..count {
        let told = observation(number, count, DEVICES);
        writer.observation(&told).await.expect("written");
        if number % RECEPTIONS == 0 {
            writer.reception(&reception(&told)).await.expect("written");
        }
        if number % (count / 7) == 1 {
            writer.garbage((number % PARTITIONS) as u32).await.expect("written");
        }
    }
    writer.done().await.expect("all written");
}

/// `/ready` tells of a part that is missing.
async fn until_it_says(historian: &Program, part: &str) {
    let told = async || {
        let (status, body) = historian.admin("/ready").await.ok()?;
        (status == 503 && body.contains(part)).then_some(())
    };
    wait_until(Duration::from_secs(30), "/ready to tell", told).await.expect("told");
}

/// What must be true of the history, by our own command and by hand.
async fn hold(scene: &Scene, count: u64) {
    let said = scene.verify().await.expect("log and history are equal");
    assert!(said.contains(&format!("24 partitions, {count} observations in the log, 0 partitions differ")), "{said}");
    let number = async |text: &str| scene.number(text).await.expect("answers");
    assert_eq!(number("SELECT count() FROM positions FINAL").await, count);
    assert_eq!(number("SELECT uniqExact(observation_id) FROM positions").await, count);
    let ids = (0..count).fold(0_u64, |sum, number| sum.wrapping_add(id(number)));
    assert_eq!(number("SELECT sum(observation_id) FROM positions FINAL").await, ids);
    let receptions = count.div_ceil(RECEPTIONS);
    assert_eq!(number("SELECT count() FROM receptions FINAL").await, receptions);
    for view in ["device_days_view", "receiver_days_view"] {
        scene.sql(&format!("SYSTEM REFRESH VIEW {view}")).await.expect("refreshes");
        scene.sql(&format!("SYSTEM WAIT VIEW {view}")).await.expect("refreshed");
    }
    scene.make_flights().await.expect("flights are made");
    assert_eq!(number("SELECT sum(positions) FROM device_days FINAL").await, count);
    assert_eq!(number("SELECT sum(frames) FROM receiver_days FINAL").await, receptions);
    assert_eq!(number("SELECT count() FROM flights_now").await, DEVICES);
    assert_eq!(number("SELECT sum(positions) FROM flights_now").await, count);
}

fn group(scene: &Scene) -> GroupSettings {
    let topics = [topic::OBSERVATION, topic::RECEPTION].map(|name| format!("{}{name}", scene.prefix));
    GroupSettings::new(format!("{}historian", scene.prefix), topics)
}

/// Nothing is left to write: what was committed is what there is.
async fn until_committed(scene: &Scene, count: u64) {
    // A quiet second: repeats of what a killed one had not committed are written, too.
    let query = "SELECT count() FROM positions FINAL";
    let quiet = async || (scene.number(query).await.ok()? == count).then_some(());
    wait_until(PATIENCE, "the last blocks", quiet).await.expect("written");
}

/// Sets the group's offsets to the middle of each partition: the last hour.
async fn go_back(scene: &Scene) {
    let mut source = scene.log.subscribe(group(scene)).await.expect("joined");
    let mut open: BTreeSet<TopicPartition> = BTreeSet::new();
    while open.len() < 2 * PARTITIONS as usize {
        let event = tokio::time::timeout(PATIENCE, source.next()).await.expect("in time").expect("goes on");
        let Event::Assigned(partitions) = event else { continue };
        for partition in partitions {
            let marks = scene.log.watermarks(&partition).await.expect("answers");
            source.seek(&partition, SeekTo::End).await.expect("sought");
            source.commit(&[(partition.clone(), marks.high / 2)]).await.expect("committed");
            open.insert(partition);
        }
    }
    source.close().await.expect("left");
}

/// What makes no row is in the dead-letter topic, each at least once.
async fn until_buried(scene: &Scene) {
    let name = format!("{}{}", scene.prefix, topic::DEAD_LETTER);
    let places = (0..6).map(|partition| (TopicPartition::new(name.as_str(), partition), SeekTo::Beginning)).collect();
    let mut source = scene.log.read(places).await.expect("readable");
    let mut buried = BTreeSet::new();
    // One in each seventh, and perhaps one in what is left over.
    while buried.len() < 7 {
        let event = tokio::time::timeout(PATIENCE, source.next()).await.expect("in time").expect("goes on");
        let Event::Records(letters) = event else { continue };
        for letter in letters {
            let header = |name| String::from_utf8_lossy(letter.headers.first(name).expect("has it")).into_owned();
            assert!(header("reason").starts_with("framing"), "{}", header("reason"));
            assert_eq!(header("service"), "historian");
            buried.insert((header("source-partition"), header("source-offset")));
        }
    }
}
