//! Refused rows, an unavailable database, a history that differs from the log, and migrations.

use std::time::Duration;

use harness::{ClickHouse, ProgramOptions, Stack, wait_until};
use schemas::catalogue::topic;
use streams::{Event, Log as _, SeekTo, TopicPartition};

use crate::fixture::{Fixture, TIMEOUT, observation};

async fn fixture(name: &str) -> Fixture {
    let stack = Stack::shared();
    let (kafka, clickhouse) = (stack.kafka().await.expect("Kafka"), stack.clickhouse().await.expect("ClickHouse"));
    Fixture::start(name, kafka.bootstrap(), clickhouse.url()).await.expect("the fixture")
}

async fn produce(fixture: &Fixture, count: u64) {
    let writer = fixture.writer().await.expect("a writer");
    for number in 0..count {
        writer.observation(&observation(number, count, 3)).await.expect("written");
    }
    writer.done().await.expect("all written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_becomes_a_dead_letter() {
    let fixture = fixture("refused").await;
    fixture.sql("ALTER TABLE positions ADD CONSTRAINT tame CHECK altitude_m != 1007").await.expect("added");
    produce(&fixture, 300).await;
    let _historian = fixture.historian(&[]).expect("spawned");
    // Each of three devices has one row at 1,007 m.
    fixture.wait_for_exact_count("positions", 297).await.expect("the others are stored");
    let name = format!("{}{}", fixture.prefix, topic::DEAD_LETTER);
    let partitions =
        (0..6).map(|partition| (TopicPartition::new(name.as_str(), partition), SeekTo::Beginning)).collect();
    let mut source = fixture.log.read(partitions).await.expect("readable");
    let mut dead_letters = 0;
    while dead_letters < 3 {
        let event = tokio::time::timeout(TIMEOUT, source.next()).await.expect("in time").expect("continues");
        let Event::Records(records) = event else { continue };
        for record in records {
            assert_eq!(record.headers.first("reason").map(|reason| &reason[..]), Some(&b"refused_rows"[..]));
            dead_letters += 1;
        }
    }
    let error = fixture.verify().await.expect_err("three rows are missing");
    assert!(format!("{error:#}").contains("partitions differ"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_missing_and_changed_rows() {
    let fixture = fixture("verify").await;
    produce(&fixture, 240).await;
    let historian = fixture.historian(&[]).expect("spawned");
    fixture.wait_for_exact_count("positions", 240).await.expect("all arrive");
    let output = fixture.verify().await.expect("equal");
    assert!(output.contains("24 partitions, 240 observations in the log, 0 partitions differ"), "{output}");
    historian.service().stop().await.expect("stopped");
    fixture
        .sql("ALTER TABLE positions DELETE WHERE observation_id = bitShiftLeft(toUInt64(5), 48) + 3 SETTINGS mutations_sync = 1")
        .await
        .expect("deleted");
    let change = "INSERT INTO positions SELECT * REPLACE (altitude_m + 1 AS altitude_m) FROM positions \
                  WHERE observation_id = bitShiftLeft(toUInt64(9), 48) + 1";
    fixture.sql(change).await.expect("changed");
    let error = format!("{:#}", fixture.verify().await.expect_err("they differ"));
    assert!(error.contains("2 partitions differ"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_historian_waits_for_its_database() {
    let kafka = Stack::shared().kafka().await.expect("Kafka");
    let clickhouse = ClickHouse::start().await.expect("ClickHouse");
    let fixture = Fixture::start("away", kafka.bootstrap(), clickhouse.url()).await.expect("the fixture");
    produce(&fixture, 100).await;
    clickhouse.service().stop().await.expect("stopped");
    let historian = fixture.historian(&[]).expect("spawned");
    let reported = async || {
        let (status, body) = historian.admin("/ready").await.ok()?;
        (status == 503 && body.contains("cannot reach http://") && body.contains(clickhouse.url())).then_some(())
    };
    wait_until(Duration::from_secs(90), "/ready to name the database", reported).await.expect("reported");
    let (status, _) = historian.admin("/health").await.expect("answers");
    assert_eq!(status, 200, "healthy");
    clickhouse.service().start().await.expect("started");
    historian.until_ready().await.expect("ready within its time");
    fixture.wait_for_exact_count("positions", 100).await.expect("all arrive");
}

#[tokio::test]
async fn migrate_reports_its_plan_and_the_version() {
    let fixture = fixture("migrate").await;
    assert!(fixture.command(&["migrate"]).await.expect("repeated").contains("nothing to do"));
    let output = fixture.command(&["migrate", "status"]).await.expect("there");
    let (_, known) = output.split_once("this program knows ").expect("the known version");
    let known: String = known.chars().take_while(char::is_ascii_digit).collect();
    assert!(output.contains(&format!("version {known}, this program knows {known}")), "{output}");
    let dry = ["migrate", "--dry-run", "--position-days", "30"];
    for _ in 0..2 {
        let output = fixture.command(&dry).await.expect("planned");
        assert!(output.contains("ALTER TABLE positions MODIFY TTL"), "{output}");
    }
    fixture.sql("INSERT INTO schema_migrations (version, name) VALUES (99, 'later')").await.expect("inserted");
    let error = format!("{:#}", fixture.command(&["migrate", "status"]).await.expect_err("refused"));
    assert!(error.contains("use a newer program"), "{error}");
    // After a rollback services wait for it.
    for command in [&["migrate"][..], &["migrate", "--dry-run", "--position-days", "30"]] {
        let output = fixture.command(command).await.expect("accepted");
        assert!(output.contains("nothing to do: it has version 99") && !output.contains("ALTER TABLE"), "{output}");
    }
}

#[tokio::test]
async fn a_mistyped_database_is_not_created() {
    let fixture = fixture("mistyped").await;
    let wrong = harness::unique_prefix("wrong").replace(['-', '.'], "_");
    let url = format!("{}/{wrong}", fixture.clickhouse);
    let migrate = |arguments: &[&str]| {
        let options = ProgramOptions::new("processor").args(["migrate"]).args(arguments.iter().copied());
        options.env("UPDRAFT_CLICKHOUSE_URL", &url).start_within(TIMEOUT).run()
    };
    let error = format!("{:#}", migrate(&[]).await.expect_err("not confirmed"));
    assert!(error.contains(&wrong) && error.contains("--new-database"), "{error}");
    let there = format!("SELECT count() FROM system.databases WHERE name = '{wrong}'");
    assert_eq!(fixture.number(&there).await.expect("answers"), 0);
    migrate(&["--new-database"]).await.expect("confirmed");
    assert_eq!(fixture.number(&there).await.expect("answers"), 1);
    assert!(migrate(&[]).await.expect("it exists now").contains("nothing to do"));
}
