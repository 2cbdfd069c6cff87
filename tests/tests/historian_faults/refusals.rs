//! Rows that the database refuses, a database that is away, and a history that is not the log's.

use std::time::Duration;

use harness::{ClickHouse, ProgramOptions, Stack, wait_until};
use schemas::catalogue::topic;
use streams::{Event, Log as _, SeekTo, TopicPartition};

use crate::kit::{PATIENCE, Scene, observation};

async fn scene(name: &str) -> Scene {
    let stack = Stack::shared();
    let (kafka, clickhouse) = (stack.kafka().await.expect("Kafka"), stack.clickhouse().await.expect("ClickHouse"));
    Scene::set(name, kafka.bootstrap(), clickhouse.url()).await.expect("the scene")
}

async fn produce(scene: &Scene, count: u64) {
    let writer = scene.writer().await.expect("a writer");
    for number in 0..count {
        writer.observation(&observation(number, count, 3)).await.expect("written");
    }
    writer.done().await.expect("all written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_becomes_a_dead_letter_and_the_rest_is_kept() {
    let scene = scene("refused").await;
    scene.sql("ALTER TABLE positions ADD CONSTRAINT tame CHECK altitude_m != 1007").await.expect("added");
    produce(&scene, 300).await;
    let _historian = scene.historian(&[]).expect("spawned");
    // Of three devices one each is at 1,007 m.
    scene.until_exactly("positions", 297).await.expect("the others are kept");
    let name = format!("{}{}", scene.prefix, topic::DEAD_LETTER);
    let places = (0..6).map(|partition| (TopicPartition::new(name.as_str(), partition), SeekTo::Beginning)).collect();
    let mut source = scene.log.read(places).await.expect("readable");
    let mut buried = 0;
    while buried < 3 {
        let event = tokio::time::timeout(PATIENCE, source.next()).await.expect("in time").expect("goes on");
        let Event::Records(letters) = event else { continue };
        for letter in letters {
            assert_eq!(letter.headers.first("reason").map(|reason| &reason[..]), Some(&b"refused_rows"[..]));
            buried += 1;
        }
    }
    let error = scene.verify().await.expect_err("three rows are missing");
    assert!(format!("{error:#}").contains("partitions differ"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_tells_a_row_that_is_missing_and_one_that_is_changed() {
    let scene = scene("verify").await;
    produce(&scene, 240).await;
    let historian = scene.historian(&[]).expect("spawned");
    scene.until_exactly("positions", 240).await.expect("all arrive");
    let said = scene.verify().await.expect("equal");
    assert!(said.contains("24 partitions, 240 observations in the log, 0 partitions differ"), "{said}");
    historian.service().stop().await.expect("stopped");
    scene.sql("DELETE FROM positions WHERE observation_id = bitShiftLeft(toUInt64(5), 48) + 3").await.expect("deleted");
    let change = "INSERT INTO positions SELECT * REPLACE (altitude_m + 1 AS altitude_m) FROM positions \
                  WHERE observation_id = bitShiftLeft(toUInt64(9), 48) + 1";
    scene.sql(change).await.expect("changed");
    let error = format!("{:#}", scene.verify().await.expect_err("they differ"));
    assert!(error.contains("2 partitions differ"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_its_database_and_goes_on_when_it_comes() {
    let kafka = Stack::shared().kafka().await.expect("Kafka");
    let clickhouse = ClickHouse::start().await.expect("ClickHouse");
    let scene = Scene::set("away", kafka.bootstrap(), clickhouse.url()).await.expect("the scene");
    produce(&scene, 100).await;
    clickhouse.service().stop().await.expect("stopped");
    let historian = scene.historian(&[]).expect("spawned");
    let told = async || {
        let (status, body) = historian.admin("/ready").await.ok()?;
        (status == 503 && body.contains("cannot reach http://") && body.contains(clickhouse.url())).then_some(())
    };
    wait_until(Duration::from_secs(30), "/ready to name the database", told).await.expect("told");
    let (status, _) = historian.admin("/health").await.expect("answers");
    assert_eq!(status, 200, "it lives");
    clickhouse.service().start().await.expect("started");
    historian.until_ready().await.expect("ready within its time");
    scene.until_exactly("positions", 100).await.expect("all arrive");
}

#[tokio::test]
async fn migrate_says_what_it_does_and_where_it_stands() {
    let scene = scene("migrate").await;
    assert!(scene.command(&["migrate"]).await.expect("again").contains("nothing to do"));
    let said = scene.command(&["migrate", "status"]).await.expect("there");
    let (_, known) = said.split_once("this program knows ").expect("what it knows");
    let known: String = known.chars().take_while(char::is_ascii_digit).collect();
    assert!(said.contains(&format!("version {known}, this program knows {known}")), "{said}");
    let dry = ["migrate", "--dry-run", "--position-days", "30"];
    for _ in 0..2 {
        let said = scene.command(&dry).await.expect("planned");
        assert!(said.contains("ALTER TABLE positions MODIFY TTL"), "{said}");
    }
    scene.sql("INSERT INTO schema_migrations (version, name) VALUES (99, 'later')").await.expect("inserted");
    for command in [&["migrate"][..], &["migrate", "status"], &["migrate", "--dry-run"]] {
        let error = format!("{:#}", scene.command(command).await.expect_err("refused"));
        assert!(error.contains("newer"), "{error}");
    }
}

#[tokio::test]
async fn a_mistyped_database_is_not_made() {
    let scene = scene("mistyped").await;
    let wrong = harness::unique_prefix("wrong").replace(['-', '.'], "_");
    let url = format!("{}/{wrong}", scene.clickhouse);
    let migrate = |arguments: &[&str]| {
        let options = ProgramOptions::new("processor").args(["migrate"]).args(arguments.iter().copied());
        options.env("UPDRAFT_CLICKHOUSE_URL", &url).start_within(PATIENCE).run()
    };
    let error = format!("{:#}", migrate(&[]).await.expect_err("not confirmed"));
    assert!(error.contains(&wrong) && error.contains("--new-database"), "{error}");
    let there = format!("SELECT count() FROM system.databases WHERE name = '{wrong}'");
    assert_eq!(scene.number(&there).await.expect("answers"), 0);
    migrate(&["--new-database"]).await.expect("confirmed");
    assert_eq!(scene.number(&there).await.expect("answers"), 1);
    assert!(migrate(&[]).await.expect("it is no new one any more").contains("nothing to do"));
}
