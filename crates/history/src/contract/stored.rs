//! Rows are read back as they were written, each once.

use geo::Bounds;

use super::{DAY, Store, all, export, of};
use crate::testing::{
    GLIDER, NOON_MS, alert, block, name, position, positions_block, reception, thermal, track, weather,
};
use crate::{BlockRows, ExportKind, PositionRow};

pub async fn rows_are_read_back_unchanged(store: &impl Store) {
    let rows = BlockRows {
        positions: track(GLIDER, 0..3),
        weather: vec![weather(1, 0), weather(1, 1)],
        receptions: vec![reception("Alpha", 0), reception("Beta", 1)],
        thermals: vec![thermal(5, 2)],
        alerts: vec![alert(GLIDER, 3, 1), alert(GLIDER, 9, 2)],
        names: vec![name(GLIDER, 0, "Zoë"), name(GLIDER, 100, "O'Hara ?")],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-9", rows.clone())).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, rows.positions);
    assert_eq!(all(store.weather(1, DAY, 10)).await, rows.weather);
    assert_eq!(all(store.receptions(export(Bounds::WORLD))).await, rows.receptions);
    assert_eq!(all(store.thermals(export(Bounds::WORLD))).await, rows.thermals);
    assert_eq!(all(store.weather_in(export(Bounds::WORLD))).await, rows.weather);
    assert_eq!(store.alerts(Some(GLIDER), DAY, 10).await.expect("read"), rows.alerts);
    assert_eq!(store.alerts(Some(1), DAY, 10).await.expect("read"), []);
    let names = store.names_at(&[GLIDER, 1], NOON_MS + 499_999).await.expect("read");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [(GLIDER, "Zoë".to_owned())]);
    let names = store.names_at(&[GLIDER], NOON_MS + 500_000).await.expect("read");
    assert_eq!(names[&GLIDER], "O'Hara ?");
    assert!(store.names_at(&[], NOON_MS).await.expect("read").is_empty());
}

pub async fn extreme_values_survive(store: &impl Store) {
    let low = PositionRow {
        altitude_m: Some(i16::MIN),
        climb_cmps: i16::MIN,
        turn_rate_cdps: Some(i16::MIN),
        latitude_e7: -900_000_000,
        longitude_e7: -1_800_000_000,
        ingest_delay_ms: i32::MIN,
        observation_id: 0,
        speed_dkmh: 0,
        ..position(GLIDER, 0)
    };
    let high = PositionRow {
        altitude_m: None,
        climb_cmps: i16::MAX,
        course_cdeg: None,
        turn_rate_cdps: None,
        score: None,
        latitude_e7: 900_000_000,
        longitude_e7: 1_800_000_000,
        ingest_delay_ms: i32::MAX,
        observation_id: u64::MAX >> 1,
        speed_dkmh: u16::MAX,
        ..position(GLIDER, 1)
    };
    store.write(&positions_block("t-0-0-1", vec![low.clone(), high.clone()])).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, [low, high]);
}

pub async fn writing_is_idempotent(store: &impl Store) {
    let rows = track(GLIDER, 0..100);
    for _ in 0..3 {
        store.write(&positions_block("t-0-0-99", rows.clone())).await.expect("written");
    }
    // Other ranges, as after a crash between insert and commit.
    store.write(&positions_block("t-0-50-149", track(GLIDER, 50..150))).await.expect("written");
    store.write(&positions_block("t-0-100-120", track(GLIDER, 100..121))).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, track(GLIDER, 0..150));
    assert_eq!(store.count(ExportKind::Positions, export(Bounds::WORLD)).await.expect("counted"), 150);
}

pub async fn the_highest_version_of_a_thermal_is_kept(store: &impl Store) {
    for (token, version) in [("t-0-1-1", 3), ("t-0-2-2", 7), ("t-0-3-3", 5)] {
        let rows = BlockRows { thermals: vec![thermal(5, version)], ..BlockRows::default() };
        store.write(&block(token, rows)).await.expect("written");
    }
    assert_eq!(all(store.thermals(export(Bounds::WORLD))).await, [thermal(5, 7)]);
}
