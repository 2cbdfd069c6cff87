//! Exports: the rows of a region and a period.

use futures::StreamExt as _;
use geo::Bounds;

use super::{Store, all, export, of};
use crate::testing::{GLIDER, NOON_MS, block, position, positions_block, receiver, reception, thermal, track, weather};
use crate::{BlockRows, ExportKind, ExportQuery, Period, PositionRow};

/// More readers than either store serves concurrently.
pub async fn slow_readers_do_not_block_others(store: &impl Store) {
    store.write(&positions_block("t-0-0-0", track(GLIDER, 0..10_000))).await.expect("written");
    let mut open = Vec::new();
    for number in 0..40 {
        let mut rows = if number % 2 == 0 { store.track(of(GLIDER)) } else { store.positions(export(Bounds::WORLD)) };
        assert!(rows.next().await.is_some_and(|block| block.is_ok()));
        open.push(rows);
    }
    store.write(&positions_block("t-0-1-1", track(GLIDER + 1, 0..10))).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER + 1))).await.len(), 10);
    // A stopped reader continues where it was.
    let mut stopped = open.swap_remove(0);
    let next = stopped.next().await.expect("a block").expect("the store answers");
    let before = next.first().expect("a row").event_at_ms - 5_000;
    assert!(before > NOON_MS && all(stopped).await.last() == Some(&position(GLIDER, 9_999)));
}

/// More rows than a page of either store, in the order of their keys; receivers have arbitrary names.
pub async fn an_export_has_all_pages(store: &impl Store) {
    let receivers = ["", "8896672", "O'Hara", "\\'); --", "Zürich \u{1F30D}"];
    let mut receptions: Vec<_> = (0..9_000).map(|step| reception(receivers[step as usize % 5], step)).collect();
    receptions.sort_by(|a, b| (&a.receiver_id, a.ingested_at_ms).cmp(&(&b.receiver_id, b.ingested_at_ms)));
    let mut positions = track(GLIDER, 0..5_000);
    positions.extend(track(GLIDER + 1, 0..5_000));
    let rows = BlockRows {
        positions: positions.clone(),
        receptions: receptions.clone(),
        weather: (0..300).map(|step| weather(1, step)).collect(),
        thermals: (0..300).map(|id| thermal(id, 1)).collect(),
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-9", rows.clone())).await.expect("written");
    let world = ExportQuery { period: Period { from_ms: 0, to_ms: NOON_MS + 86_400_000_000 }, ..export(Bounds::WORLD) };
    assert_eq!(all(store.positions(world)).await, positions);
    assert_eq!(all(store.receptions(world)).await, receptions);
    assert_eq!(all(store.weather_in(world)).await, rows.weather);
    assert_eq!(all(store.thermals(world)).await.len(), 300);
    let some = ExportQuery { limit: 4_097, ..world };
    assert_eq!(all(store.positions(some)).await, positions[..4_097]);
}

pub async fn an_export_is_a_region_and_a_period(store: &impl Store) {
    let east = PositionRow { longitude_e7: 1_799_000_000, ..position(GLIDER + 1, 0) };
    let west = PositionRow { longitude_e7: -1_799_000_000, ..position(GLIDER + 2, 0) };
    let rows = vec![position(GLIDER, 0), position(GLIDER, 50), east.clone(), west.clone()];
    store.write(&positions_block("t-0-0-3", rows)).await.expect("written");
    let alps = Bounds::new(46.9, 10.5, 47.01, 11.5).expect("bounds");
    assert_eq!(all(store.positions(export(alps))).await, [position(GLIDER, 0)]);
    let pacific = Bounds::new(40.0, 179.0, 50.0, -179.0).expect("bounds");
    assert_eq!(all(store.positions(export(pacific))).await, [east, west]);
    let before = ExportQuery { period: Period { from_ms: 0, to_ms: NOON_MS }, ..export(Bounds::WORLD) };
    assert_eq!(all(store.positions(before)).await, []);
    let few = ExportQuery { limit: 2, ..export(Bounds::WORLD) };
    assert_eq!(all(store.positions(few)).await.len(), 2);
    assert_eq!(
        store.count(ExportKind::Positions, few).await.expect("counted"),
        3,
        "counting ends at the limit plus one"
    );
    for kind in [ExportKind::Thermals, ExportKind::Weather, ExportKind::Receptions] {
        assert_eq!(store.count(kind, export(Bounds::WORLD)).await.expect("counted"), 0);
    }
}

pub async fn receptions_are_found_by_their_position(store: &impl Store) {
    let rows = BlockRows {
        positions: track(GLIDER, 0..9),
        receptions: vec![reception("Alpha", 5), reception("Beta", 5), reception("Alpha", 6), reception("Beta", 8)],
        receivers: vec![receiver("Alpha"), receiver("Beta")],
        ..BlockRows::default()
    };
    for token in ["t-0-0-8", "t-0-0-9"] {
        store.write(&block(token, rows.clone())).await.expect("written");
    }
    let mut found = store.receptions_of(&[position(GLIDER, 5), position(GLIDER, 7)]).await.expect("read");
    found.sort_by(|a, b| a.receiver_id.cmp(&b.receiver_id));
    assert_eq!(found, [reception("Alpha", 5), reception("Beta", 5)]);
    assert!(store.receptions_of(&[]).await.expect("read").is_empty());
}
