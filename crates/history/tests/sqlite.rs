//! The contract of the history on SQLite, and what only a file can suffer.

use std::time::Duration;

use futures::StreamExt as _;
use history::contract::all;
use history::testing::{GLIDER, NOON_MS, NOW_US, position, positions_block, track};
use history::{HistoryReader as _, HistoryWriter as _, PositionRow, Retention, Sqlite, TrackQuery, Visibility};
use runtime::Clock;

fn store() -> Sqlite {
    Sqlite::open(None, Retention::default(), Clock::manual(NOW_US)).expect("opened")
}

history::contract! { store(); hidden_rows_are_visible_with_private_for_a_day }

fn whole(device: u32) -> TrackQuery {
    let period = history::Period { from_ms: 0, to_ms: i64::MAX / 2 };
    TrackQuery { device, period, visibility: Visibility::WithPrivate, plausible_only: false, limit: 1_000_000 }
}

#[tokio::test]
async fn rows_expire_by_table() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("history.sqlite");
    let clock = Clock::manual(NOW_US);
    let hidden = PositionRow { private: true, ..position(GLIDER + 1, 0) };
    {
        let store = Sqlite::open(Some(&file), Retention::default(), clock.clone()).expect("opened");
        let mut rows = track(GLIDER, 0..5_000);
        rows.push(hidden.clone());
        store.write(&positions_block("t-0-0-0", rows)).await.expect("written");
    }
    let store = Sqlite::open(Some(&file), Retention::default(), clock.clone()).expect("opened again");
    store.maintain().await.expect("maintained");
    assert_eq!(all(store.track(whole(GLIDER))).await.len(), 5_000);
    assert_eq!(all(store.track(whole(GLIDER + 1))).await, [hidden]);
    clock.advance(Duration::from_secs(25 * 3_600));
    store.maintain().await.expect("maintained");
    clock.advance(Duration::from_secs(364 * 86_400));
    // Now the first hours are a year old, and the hidden row is deleted. The port would not return it anyway, so read
    // the file.
    store.maintain().await.expect("maintained");
    let left = all(store.track(whole(GLIDER))).await;
    let year_ago_ms = clock.now_us() as i64 / 1_000 - 365 * 86_400_000;
    assert!(left.iter().all(|row| row.event_at_ms >= year_ago_ms), "{:?}", left.first());
    assert_eq!(left.len() as i64, (NOON_MS + 5_000 * 5_000 - year_ago_ms).max(0) / 5_000);
    let sqlite = rusqlite::Connection::open(&file).expect("opened by hand");
    let private: i64 =
        sqlite.query_row("SELECT count(*) FROM positions WHERE private", [], |row| row.get(0)).expect("counted");
    assert_eq!(private, 0);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("history.sqlite");
    drop(Sqlite::open(Some(&file), Retention::default(), Clock::manual(NOW_US)).expect("opened"));
    let sqlite = rusqlite::Connection::open(&file).expect("opened by hand");
    sqlite.pragma_update(None, "user_version", 99).expect("set");
    let refused = Sqlite::open(Some(&file), Retention::default(), Clock::manual(NOW_US)).err().expect("refused");
    assert_eq!((refused.reason(), refused.is_transient()), ("newer_than_program", false));
}

/// The names of files in a folder that were moved aside.
fn moved_aside(dir: &std::path::Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("listed").map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let beside = |name: &str| name.ends_with("-wal") || name.ends_with("-shm");
    names.filter(|name| name.starts_with("history.sqlite.malformed-") && !beside(name)).collect()
}

#[tokio::test]
async fn a_malformed_file_is_moved_aside() {
    let other_tables = |file: &std::path::Path| {
        let sqlite = rusqlite::Connection::open(file).expect("opened by hand");
        sqlite.execute_batch("CREATE TABLE positions (pilot TEXT)").expect("made");
    };
    let lost_table = |file: &std::path::Path| {
        drop(Sqlite::open(Some(file), Retention::default(), Clock::manual(NOW_US)).expect("opened"));
        let sqlite = rusqlite::Connection::open(file).expect("opened by hand");
        sqlite.execute_batch("DROP TABLE alerts; PRAGMA user_version = 2").expect("dropped");
    };
    let text = |file: &std::path::Path| std::fs::write(file, "no database at all ".repeat(300)).expect("written");
    let negative = |file: &std::path::Path| {
        let sqlite = rusqlite::Connection::open(file).expect("opened by hand");
        sqlite.pragma_update(None, "user_version", -3).expect("set");
    };
    let spoils: [&dyn Fn(&std::path::Path); 4] = [&other_tables, &lost_table, &text, &negative];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("history.sqlite");
        spoil(&file);
        let store = Sqlite::open(Some(&file), Retention::default(), Clock::manual(NOW_US)).expect("a new one");
        assert_eq!(moved_aside(dir.path()).len(), 1, "{number}");
        store.write(&positions_block("t-0-0-0", track(GLIDER, 0..10))).await.expect("written");
        assert_eq!(all(store.track(whole(GLIDER))).await.len(), 10, "{number}");
    }
}

#[tokio::test]
async fn damage_during_operation_begins_a_new_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("history.sqlite");
    let store = Sqlite::open(Some(&file), Retention::default(), Clock::manual(NOW_US)).expect("opened");
    store.write(&positions_block("t-0-0-0", track(GLIDER, 0..5_000))).await.expect("written");
    let sqlite = rusqlite::Connection::open(&file).expect("opened by hand");
    sqlite.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("all is in the file");
    drop(sqlite);
    let bytes = std::fs::read(&file).expect("read");
    std::fs::write(&file, vec![0xA5; bytes.len()]).expect("spoiled");
    let mut rows = store.track(whole(GLIDER));
    let damaged = rows.next().await.expect("an answer").expect_err("it is damaged");
    assert_eq!((damaged.reason(), damaged.is_transient()), ("broken", true));
    assert_eq!(moved_aside(dir.path()).len(), 1);
    store.write(&positions_block("t-0-0-0", track(GLIDER, 0..10))).await.expect("into the new file");
    assert_eq!(all(store.track(whole(GLIDER))).await.len(), 10);
    store.maintain().await.expect("maintained");
    assert_eq!(moved_aside(dir.path()).len(), 1, "once");
}
