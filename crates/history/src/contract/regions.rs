//! What was observed in a region, by time.

use std::time::Duration;

use geo::Bounds;

use super::{DAY, Store, all};
use crate::testing::{
    GLIDER, NOON_MS, block, confirmation, decision, erasure, ground, position, positions_block, track, weather,
};
use crate::{
    BlockRows, ConfirmationRow, DecisionRow, GroundPositionRow, ObservedRow as _, Period, PositionRow, RegionQuery,
    WeatherRow, flag,
};

fn region(step_ms: i64) -> RegionQuery {
    RegionQuery { bounds: Bounds::WORLD, period: DAY, step_ms, after: None, limit: 1_000_000 }
}

fn by_time(mut rows: Vec<PositionRow>) -> Vec<PositionRow> {
    rows.sort_by_key(PositionRow::time_key);
    rows
}

/// More rows than a page of either store.
pub async fn a_region_comes_by_time_and_thinned(store: &impl Store) {
    let mut rows = track(GLIDER, 0..5_000);
    rows.extend(track(GLIDER + 1, 0..5_000).into_iter().map(|row| PositionRow {
        event_at_ms: row.event_at_ms + 1_300,
        observation_id: row.observation_id + (1 << 48),
        ..row
    }));
    let expected = by_time(rows.clone());
    rows.reverse();
    store.write(&positions_block("t-0-0-9999", rows.clone())).await.expect("written");
    // Again, with other borders.
    store.write(&positions_block("t-0-0-99", rows[..100].to_vec())).await.expect("written");
    assert_eq!(all(store.positions_by_time(region(1_000))).await, expected);
    // Noon is a whole minute: of each device every twelfth.
    let minutes: Vec<_> =
        expected.iter().filter(|row| row.altitude_m.is_some_and(|up| (up - 1_000) % 12 == 0)).collect();
    let found = all(store.positions_by_time(region(60_000))).await;
    assert_eq!(found.iter().collect::<Vec<_>>(), minutes);
    // Steps begin at multiples of their length, whenever the period begins.
    let late = Period { from_ms: NOON_MS + 20_000, to_ms: NOON_MS + 130_000 };
    let found = all(store.positions_by_time(RegionQuery { period: late, ..region(60_000) })).await;
    let of_one: Vec<_> = found.iter().filter(|row| row.device == GLIDER).cloned().collect();
    assert_eq!(of_one, [position(GLIDER, 4), position(GLIDER, 12), position(GLIDER, 24)]);
}

pub async fn a_region_continues_behind_any_position(store: &impl Store) {
    let mut rows = track(GLIDER, 0..300);
    rows.extend(track(GLIDER + 1, 0..300).into_iter().map(|row| PositionRow { observation_id: 1, ..row }));
    store.write(&positions_block("t-0-0-599", rows)).await.expect("written");
    let whole = region(15_000);
    let expected = all(store.positions_by_time(whole)).await;
    assert_eq!(expected.len(), 200);
    for index in [0, 1, 2, 57, 198, 199] {
        let after = Some(expected[index].time_key());
        let rest = all(store.positions_by_time(RegionQuery { after, ..whole })).await;
        assert_eq!(rest, expected[index + 1..], "{index}");
        let few = RegionQuery { after, limit: 3, ..whole };
        assert_eq!(all(store.positions_by_time(few)).await, expected[index + 1..(index + 4).min(200)], "{index}");
    }
}

pub async fn a_region_has_only_public_positions_of_tracks(store: &impl Store) {
    let hidden = PositionRow { private: true, ..position(GLIDER, 0) };
    let phantom = PositionRow { flags: flag::IMPLAUSIBLE | flag::RELAYED, ..position(GLIDER, 1) };
    let first = PositionRow { flags: flag::UNCONFIRMED | flag::RELAYED, ..position(GLIDER, 2) };
    let alone = PositionRow { flags: flag::UNCONFIRMED, ..position(GLIDER + 1, 3) };
    let rows = BlockRows {
        positions: vec![hidden, phantom, first.clone(), position(GLIDER, 3), alone],
        confirmations: vec![confirmation(&first)],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-4", rows)).await.expect("written");
    let confirmed = PositionRow { flags: flag::RELAYED, ..first };
    let found = all(store.positions_by_time(region(1_000))).await;
    assert_eq!(found, [confirmed.clone(), position(GLIDER, 3)]);
    // A position that is left out does not count as the first one of its step.
    assert_eq!(all(store.positions_by_time(region(60_000))).await, [confirmed]);
}

pub async fn a_region_is_cut_at_its_edges(store: &impl Store) {
    let east = PositionRow { longitude_e7: 1_799_000_000, ..position(GLIDER, 0) };
    let west = PositionRow { longitude_e7: -1_799_000_000, ..position(GLIDER, 1) };
    let rows = vec![east.clone(), west.clone(), position(GLIDER, 2)];
    store.write(&positions_block("t-0-0-2", rows)).await.expect("written");
    let within = |south, west, north, east| RegionQuery {
        bounds: Bounds::new(south, west, north, east).expect("bounds"),
        ..region(60_000)
    };
    assert_eq!(all(store.positions_by_time(within(46.9, 10.5, 47.01, 11.5))).await, [position(GLIDER, 2)]);
    assert_eq!(all(store.positions_by_time(within(40.0, 179.0, 50.0, -179.0))).await, [east]);
    assert_eq!(all(store.positions_by_time(within(40.0, -179.95, 50.0, -179.0))).await, [west]);
    assert_eq!(all(store.positions_by_time(within(0.0, 0.0, 10.0, 10.0))).await, []);
    let before = RegionQuery { period: Period { from_ms: NOON_MS - 3_600_000, to_ms: NOON_MS }, ..region(60_000) };
    assert_eq!(all(store.positions_by_time(before)).await, []);
}

/// Rows at both ends of fifty years: hour by hour they would be half a million queries.
pub async fn empty_years_of_a_region_are_skipped(store: &impl Store) {
    const FIFTY_YEARS_MS: i64 = 50 * 365 * 86_400_000;
    let old = PositionRow { event_at_ms: NOON_MS - FIFTY_YEARS_MS, ..position(GLIDER, 0) };
    let rows = vec![old.clone(), position(GLIDER, 1)];
    store.write(&positions_block("t-0-0-1", rows.clone())).await.expect("written");
    for (from_ms, to_ms, expected) in [
        (old.event_at_ms, NOON_MS + FIFTY_YEARS_MS, rows),
        (old.event_at_ms + 1, NOON_MS, vec![]),
        (NOON_MS + 3_600_000, NOON_MS + FIFTY_YEARS_MS, vec![]),
    ] {
        let query = RegionQuery { period: Period { from_ms, to_ms }, ..region(60_000) };
        let found = tokio::time::timeout(Duration::from_secs(30), all(store.positions_by_time(query))).await;
        assert_eq!(found.expect("few queries"), expected, "{from_ms} {to_ms}");
    }
}

/// The protocol's ground type of a distress call.
const DISTRESS: u8 = 14;

pub async fn ground_states_of_a_region_come_by_time(store: &impl Store) {
    // Every 5 s: the third one calls for help, the next one walks again.
    let call = GroundPositionRow { ground_type: DISTRESS, ..ground(GLIDER, 2) };
    let other = |step| GroundPositionRow { observation_id: 5 << 48 | step as u64, ..ground(GLIDER + 1, step) };
    let walked = [ground(GLIDER, 0), other(1), call.clone(), ground(GLIDER, 13), other(14)];
    let written =
        [other(14), ground(GLIDER, 13), ground(GLIDER, 3), call, other(1), ground(GLIDER, 1), ground(GLIDER, 0)];
    let rows = |rows: &[GroundPositionRow]| BlockRows { ground_positions: rows.to_vec(), ..BlockRows::default() };
    store.write(&block("t-0-0-6", rows(&written))).await.expect("written");
    // Again, with other borders.
    store.write(&block("t-0-0-2", rows(&written[..3]))).await.expect("written");
    let found = all(store.ground_by_time(region(60_000))).await;
    assert_eq!(found, walked, "of each minute the first one of each state");
    for (index, row) in walked.iter().enumerate() {
        let rest = RegionQuery { after: Some(row.time_key()), ..region(60_000) };
        assert_eq!(all(store.ground_by_time(rest)).await, walked[index + 1..], "{index}");
    }
    assert_eq!(all(store.ground_by_time(RegionQuery { limit: 3, ..region(60_000) })).await, walked[..3]);
    let elsewhere = RegionQuery { bounds: Bounds::new(0.0, 0.0, 10.0, 10.0).expect("bounds"), ..region(60_000) };
    assert_eq!(all(store.ground_by_time(elsewhere)).await, []);
    let order = erasure(GLIDER, 6 << 48 | 13);
    store.write(&block("p-0-0-0", BlockRows { erasures: vec![order], ..BlockRows::default() })).await.expect("written");
    store.maintain().await.expect("maintained");
    assert_eq!(all(store.ground_by_time(region(60_000))).await, [other(1), other(14)], "the others are erased");
}

pub async fn a_region_has_only_public_ground_states_of_tracks(store: &impl Store) {
    let hidden = GroundPositionRow { private: true, ..ground(GLIDER, 0) };
    let phantom = GroundPositionRow { flags: flag::IMPLAUSIBLE, ..ground(GLIDER, 1) };
    let first = GroundPositionRow { flags: flag::UNCONFIRMED | flag::RELAYED, ..ground(GLIDER, 2) };
    let alone = GroundPositionRow { flags: flag::UNCONFIRMED, ..ground(GLIDER + 1, 3) };
    let observation_id = first.observation_id;
    let confirmed = ConfirmationRow { observation_id, ..confirmation(&position(GLIDER, 2)) };
    let refused = ground(GLIDER, 4);
    let rejected = DecisionRow { observation_id: refused.observation_id, ..decision(&position(GLIDER, 4), 9, true) };
    let rows = BlockRows {
        ground_positions: vec![hidden, phantom, first.clone(), alone, refused, ground(GLIDER, 5)],
        confirmations: vec![confirmed],
        decisions: vec![rejected],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-5", rows)).await.expect("written");
    let first = GroundPositionRow { flags: flag::RELAYED, ..first };
    assert_eq!(all(store.ground_by_time(region(1_000))).await, [first.clone(), ground(GLIDER, 5)]);
    assert_eq!(all(store.ground_by_time(region(60_000))).await, [first]);
}

pub async fn weather_of_a_region_comes_by_time(store: &impl Store) {
    // Every 40 s: of each two minutes the first of three.
    let mut rows: Vec<WeatherRow> = (0..3_000).map(|step| weather(GLIDER, step)).collect();
    let expected: Vec<WeatherRow> =
        rows.iter().filter(|row| (row.event_at_ms - NOON_MS) % 120_000 == 0).cloned().collect();
    rows.reverse();
    rows.push(WeatherRow { private: true, ..weather(GLIDER + 1, 0) });
    rows.push(WeatherRow { latitude_e7: None, longitude_e7: None, ..weather(GLIDER + 2, 0) });
    rows.push(WeatherRow { flags: flag::IMPLAUSIBLE, ..weather(GLIDER + 3, 0) });
    let again = BlockRows { weather: rows[..100].to_vec(), ..BlockRows::default() };
    store.write(&block("t-0-0-2999", BlockRows { weather: rows, ..BlockRows::default() })).await.expect("written");
    store.write(&block("t-0-0-99", again)).await.expect("written");
    let period = Period { from_ms: NOON_MS, to_ms: NOON_MS + 3_000 * 40_000 };
    let asked = RegionQuery { period, ..region(120_000) };
    assert_eq!(expected.len(), 1_000);
    assert_eq!(all(store.weather_by_time(asked)).await, expected);
    let rest = RegionQuery { after: Some(expected[570].time_key()), ..asked };
    assert_eq!(all(store.weather_by_time(rest)).await, expected[571..]);
    let elsewhere = RegionQuery { bounds: Bounds::new(0.0, 0.0, 10.0, 10.0).expect("bounds"), ..asked };
    assert_eq!(all(store.weather_by_time(elsewhere)).await, []);
}
