//! The contract on ClickHouse, with the real engine.

use std::time::Duration;

use harness::Stack;
use history::contract::all;
use history::testing::{GLIDER, NOW_US, block, confirmation, position, positions_block, receiver, reception, track};
use history::{ClickHouse, HistoryReader as _, HistoryWriter as _, PositionRow, Retention};
use runtime::Clock;

/// For ever, since the rows' times are fixed and the server's clock is not.
const KEEP: Retention = Retention { position_days: 0, reception_days: 0, statistics_days: 0 };

async fn unmigrated(test: &str) -> ClickHouse {
    let url = Stack::shared().clickhouse().await.expect("the engine").url();
    let database = harness::unique_prefix(test).replace(['-', '.'], "_");
    ClickHouse::new(format!("{url}/{database}"), Clock::manual(NOW_US)).expect("a good URL")
}

pub(crate) async fn store(test: &str) -> ClickHouse {
    let store = unmigrated(test).await;
    store.migrate(&KEEP, false).await.expect("migrated");
    store
}

history::contract! { store("promise").await; }

/// The server's own clock expires older rows immediately, so these are of today.
#[tokio::test]
async fn hidden_rows_expire_after_a_day() {
    let store = store("hidden").await;
    let now_ms = Clock::system().now_us() as i64 / 1_000;
    let at = |hours: i64, id: u64| PositionRow {
        private: true,
        event_at_ms: now_ms - hours * 3_600_000,
        observation_id: id,
        ..position(GLIDER, 0)
    };
    store.write(&positions_block("t-0-0-9", vec![at(1, 1), at(23, 2), at(26, 4), at(49, 8)])).await.expect("written");
    // The engine drops a part some time after all of its rows have expired. The sum identifies the remaining rows.
    let ids = "SELECT toUInt32(sum(observation_id)) FROM positions FINAL WHERE private";
    let left = async || (store.number(ids).await == 1 + 2).then_some(());
    harness::wait_until(Duration::from_secs(90), "the old hours to expire, each by itself", left)
        .await
        .expect("expired");
}

#[tokio::test]
async fn migrations_apply_once_and_return_statements() {
    let store = unmigrated("migrations").await;
    let error = store.check().await.expect_err("not migrated");
    assert_eq!((error.reason(), error.is_transient()), ("not_migrated", true));
    let error = store.write(&positions_block("t-0-0-0", track(GLIDER, 0..1))).await.expect_err("not migrated");
    assert_eq!(error.reason(), "not_migrated");
    let dry = store.migrate(&Retention::default(), true).await.expect("planned");
    assert!(dry.len() > 20 && store.migration_status().await.expect("read").applied == 0);
    let done = store.migrate(&Retention::default(), false).await.expect("migrated");
    assert_eq!(done, dry, "the dry run returned the executed statements");
    assert!(store.migration_status().await.expect("read").pending.is_empty());
    assert_eq!(store.migrate(&Retention::default(), false).await.expect("again"), Vec::<String>::new());
    let longer = Retention { reception_days: 30, ..Retention::default() };
    let changed = store.migrate(&longer, false).await.expect("changed");
    assert_eq!(changed, ["ALTER TABLE receptions MODIFY TTL toDateTime(ingested_at) + toIntervalHour(720)"]);
    store.check().await.expect("ready");
}

#[tokio::test]
async fn an_interrupted_migration_is_applied_again() {
    let store = unmigrated("interrupted").await;
    store.migrate(&KEEP, false).await.expect("migrated");
    store.run("DELETE FROM schema_migrations WHERE version >= 2").await;
    store.run("DROP VIEW launch_days").await;
    store.migrate(&KEEP, false).await.expect("migrated");
    assert_eq!(store.number("SELECT toUInt32(count()) FROM launch_days").await, 0);
}

#[tokio::test]
async fn a_newer_database_is_not_migrated() {
    let store = store("newer").await;
    store.run("INSERT INTO schema_migrations (version, name) VALUES (99, 'later')").await;
    let error = store.migrate(&KEEP, false).await.expect_err("refused");
    assert_eq!((error.reason(), error.is_transient()), ("newer_than_program", false));
    let line = runtime::retry::with_causes(&error);
    assert!(line.contains("version 99") && line.contains("use the newer program"), "{line}");
    store.check().await.expect("reading and writing continue: migrations only add");
}

/// Without the order of time a minute would cost a part of each device's day.
#[tokio::test]
async fn a_minute_is_read_by_time() {
    // As the store asks.
    const MINUTE: &str = "toStartOfFiveMinutes(event_at) >= '2026-06-01 12:00:00' AND \
        toStartOfFiveMinutes(event_at) <= '2026-06-01 12:00:00' AND \
        event_at >= '2026-06-01 12:00:00' AND event_at < '2026-06-01 12:01:00'";
    let store = store("by_time").await;
    store
        .run(
            "INSERT INTO positions (device, event_at, observation_id, latitude_e7) \
             SELECT number % 40, toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + intDiv(number, 40) * 30, number, 1 \
             FROM numbers(115200)",
        )
        .await;
    let plan = format!("EXPLAIN indexes = 1 SELECT latitude_e7 FROM positions WHERE {MINUTE}");
    let planned = format!("SELECT toUInt32(countIf(explain LIKE '%by_time%')) FROM ({plan})");
    let found = format!("SELECT toUInt32(sum(latitude_e7)) FROM positions WHERE {MINUTE}");
    assert!(store.number(&planned).await > 0, "read in the order of devices");
    assert_eq!(store.number(&found).await, 80);
    store.run("ALTER TABLE positions DELETE WHERE device = 7 SETTINGS mutations_sync = 1").await;
    assert!(store.number(&planned).await > 0, "the order of time is lost");
    assert_eq!(store.number(&found).await, 78);
    let lightweight = store.client().query("DELETE FROM positions WHERE device = 8").execute().await;
    lightweight.expect_err("a lightweight deletion would leave its rows in the order of time");
    // Written twice: merged to one row, in the order of time, too.
    store.run("INSERT INTO positions SELECT * FROM positions").await;
    store.run("OPTIMIZE TABLE positions FINAL").await;
    assert!(store.number(&planned).await > 0, "the order of time is lost");
    assert_eq!(store.number(&found).await, 78);
    // Rows that an older program has deleted do not come back with the migration.
    store.run("ALTER TABLE positions DROP PROJECTION by_time SETTINGS mutations_sync = 1").await;
    store.run("DELETE FROM schema_migrations WHERE version >= 7").await;
    store.run("DELETE FROM positions WHERE device = 9").await;
    store.migrate(&KEEP, false).await.expect("migrated");
    let is_planned = async || (store.number(&planned).await > 0).then_some(());
    harness::wait_until(Duration::from_secs(90), "the order of time", is_planned).await.expect("made");
    assert_eq!(store.number(&found).await, 76);
}

#[tokio::test]
async fn refused_rows_differ_from_an_absent_server() {
    let store = store("refused").await;
    store.run("ALTER TABLE positions ADD CONSTRAINT tame CHECK altitude_m < 5000").await;
    let wild = PositionRow { altitude_m: Some(6_000), ..position(GLIDER, 1) };
    let error = store.write(&positions_block("t-0-0-1", vec![position(GLIDER, 0), wild])).await.expect_err("refused");
    assert_eq!((error.reason(), error.is_transient()), ("refused_rows", false));
    let absent = ClickHouse::new("http://127.0.0.1:1/x", Clock::manual(NOW_US)).expect("a good URL");
    let error = absent.check().await.expect_err("absent");
    assert_eq!((error.reason(), error.is_transient()), ("unavailable", true));
    let mut rows = absent.positions(history::ExportQuery {
        bounds: geo::Bounds::WORLD,
        period: history::Period { from_ms: 0, to_ms: 1 },
        limit: 1,
    });
    let first = futures::StreamExt::next(&mut rows).await.expect("an error");
    assert_eq!(first.expect_err("absent").reason(), "unavailable");
    assert!(futures::StreamExt::next(&mut rows).await.is_none(), "ends after the first error");
}

#[tokio::test]
async fn a_block_may_span_any_number_of_days() {
    let store = store("days").await;
    let rows: Vec<PositionRow> = (0..300)
        .map(|day| PositionRow {
            event_at_ms: position(GLIDER, 0).event_at_ms - day * 86_400_000,
            ..position(GLIDER, day)
        })
        .collect();
    store.write(&positions_block("t-0-0-299", rows)).await.expect("written");
    assert_eq!(store.number("SELECT toUInt32(count()) FROM positions FINAL").await, 300);
}

/// Statistics count each row once, also when it was written several times in blocks of different ranges.
#[tokio::test]
async fn statistics_count_each_row_once() {
    let store = store("statistics").await;
    let rows = |steps: std::ops::Range<i64>| history::BlockRows {
        positions: track(GLIDER, steps.clone()),
        receptions: steps.clone().map(|step| reception("Alpha", step)).collect(),
        receivers: vec![receiver("Alpha")],
        ..history::BlockRows::default()
    };
    for (token, steps) in [("t-0-0-199", 0..200), ("t-0-0-199", 0..200), ("t-0-100-299", 100..300), ("t-0-0-50", 0..51)]
    {
        store.write(&block(token, rows(steps))).await.expect("written");
        store.refresh().await.expect("refreshed");
    }
    let one = async |sql: &str| store.number(&format!("SELECT toUInt32({sql}")).await;
    assert_eq!(one("sum(positions)) FROM device_days FINAL").await, 300);
    assert_eq!(one("assumeNotNull(max(max_altitude_m))) FROM device_days FINAL").await, 1_299);
    assert_eq!(one("sum(frames)) FROM receiver_days FINAL").await, 300);
    assert_eq!(one("sum(devices)) FROM receiver_days FINAL").await, 1);
    let farthest = one("assumeNotNull(max(best_distance_m))) FROM receiver_days FINAL").await;
    assert!((14_900..15_000).contains(&farthest), "299 steps of 50 m north: {farthest}");
    assert_eq!(one("arrayElement(coverage_bearing_deg, 1)) FROM receiver_days FINAL").await, 0);
    assert_eq!(one("sum(flights)) FROM launch_days").await, 1);
    // An unconfirmed position is counted, but not in the records; a confirmed one is.
    let high = |step: i64, altitude_m: i16| PositionRow {
        flags: history::flag::UNCONFIRMED,
        altitude_m: Some(altitude_m),
        ..position(GLIDER, step)
    };
    let confirmed = high(301, 2_000);
    let rows = history::BlockRows {
        confirmations: vec![confirmation(&confirmed)],
        positions: vec![high(300, 9_000), confirmed],
        ..history::BlockRows::default()
    };
    store.write(&block("t-0-300-301", rows)).await.expect("written");
    store.refresh().await.expect("refreshed");
    assert_eq!(one("sum(positions)) FROM device_days FINAL").await, 302);
    assert_eq!(one("assumeNotNull(max(max_altitude_m))) FROM device_days FINAL").await, 2_000);
    assert_eq!(all(all_positions(&store)).await.len(), 302);
}

fn all_positions(store: &ClickHouse) -> history::Rows<PositionRow> {
    store.positions(history::ExportQuery {
        bounds: geo::Bounds::WORLD,
        period: history::Period { from_ms: 0, to_ms: 4_000_000_000_000 },
        limit: 10_000,
    })
}

/// Queries without the port.
pub(crate) trait ByHand {
    async fn number(&self, sql: &str) -> u32;
    async fn run(&self, sql: &str);
}

impl ByHand for ClickHouse {
    async fn number(&self, sql: &str) -> u32 {
        self.client().query(sql).fetch_one::<u32>().await.expect(sql)
    }

    async fn run(&self, sql: &str) {
        self.client().query(sql).execute().await.expect(sql);
    }
}
