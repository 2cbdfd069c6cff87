//! SQLite keeps them.

use std::time::Duration;

use futures::StreamExt as _;
use history::{HistoryReader as _, HistoryWriter as _, PositionRow, Retention, Sqlite, TrackQuery, Visibility};
use runtime::Clock;

use crate::promises::{Refresh, all, keeps_all_promises};
use crate::rows::{GLIDER, NOON_MS, NOW_US, position, positions_block, track};

impl Refresh for Sqlite {
    async fn refresh_now(&self) {
        self.refresh().await.expect("refreshed");
    }
}

fn store() -> Sqlite {
    Sqlite::open(None, Retention::default(), Clock::manual(NOW_US)).expect("opened")
}

keeps_all_promises! { store(); hidden_rows_are_for_those_who_may_and_for_a_day }

fn whole(device: u32) -> TrackQuery {
    let period = history::Period { from_ms: 0, to_ms: i64::MAX / 2 };
    TrackQuery { device, period, visibility: Visibility::WithPrivate, plausible_only: false, limit: 1_000_000 }
}

#[tokio::test]
async fn rows_expire_by_table_and_the_file_outlives_the_program() {
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
    // By now the first hours are a year old, and the hidden row is gone: the clock would hide it anyway, so look below.
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

#[tokio::test]
async fn a_file_that_is_no_history_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("history.sqlite");
    std::fs::write(&file, "not a database, but long enough to be looked at".repeat(100)).expect("written");
    let refused = Sqlite::open(Some(&file), Retention::default(), Clock::manual(NOW_US)).err().expect("refused");
    assert!(!refused.is_transient(), "{refused:?}");
}

#[tokio::test]
async fn readers_that_stop_in_the_middle_do_not_hold_up_others() {
    let store = store();
    store.write(&positions_block("t-0-0-0", track(GLIDER, 0..20_000))).await.expect("written");
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut rows = store.track(whole(GLIDER));
        assert!(rows.next().await.is_some_and(|block| block.is_ok()));
        open.push(rows);
    }
    // The ninth waits for one to go, and writing waits for none.
    store.write(&positions_block("t-0-1-1", track(GLIDER + 1, 0..10))).await.expect("written");
    drop(open);
    assert_eq!(all(store.track(whole(GLIDER + 1))).await.len(), 10);
}
