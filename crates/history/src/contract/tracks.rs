//! The positions of a device.

use futures::StreamExt as _;
use geo::Bounds;

use super::{Store, all, export, of};
use crate::testing::{GLIDER, NOON_MS, block, confirmation, decision, ground, position, positions_block, track};
use crate::{BlockRows, DecisionRow, GroundPositionRow, Period, PositionRow, RegionQuery, Since, TrackQuery, flag};

pub async fn a_track_is_a_period_of_one_device_in_order(store: &impl Store) {
    let mut rows = track(GLIDER, 0..60);
    rows.extend(track(GLIDER + 1, 0..60));
    rows.reverse();
    store.write(&positions_block("t-0-0-119", rows)).await.expect("written");
    let query = TrackQuery { period: Period { from_ms: NOON_MS + 50_000, to_ms: NOON_MS + 100_000 }, ..of(GLIDER) };
    assert_eq!(all(store.track(query)).await, track(GLIDER, 10..20));
    assert_eq!(all(store.track(TrackQuery { limit: 3, ..query })).await, track(GLIDER, 10..13));
    assert_eq!(all(store.track(of(7))).await, []);
}

pub async fn a_long_track_comes_in_bounded_blocks(store: &impl Store) {
    let rows = track(GLIDER, 0..8_000);
    store.write(&positions_block("t-0-0-7999", rows.clone())).await.expect("written");
    let mut blocks = store.track(of(GLIDER));
    let first = blocks.next().await.expect("a block").expect("the store answers");
    assert!((1..5_000).contains(&first.len()), "{}", first.len());
    drop(blocks);
    assert_eq!(all(store.track(of(GLIDER))).await.len(), 8_000);
}

pub async fn implausible_positions_can_be_left_out(store: &impl Store) {
    let bad = PositionRow { flags: flag::IMPLAUSIBLE | flag::RELAYED | flag::CLAMPED, ..position(GLIDER, 1) };
    let odd = PositionRow { flags: flag::SIGNED | flag::UNTRUSTED | flag::RELAYED, ..position(GLIDER, 2) };
    let rows = vec![position(GLIDER, 0), bad, odd.clone()];
    store.write(&positions_block("t-0-0-2", rows.clone())).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, rows);
    let plausible = all(store.track(TrackQuery { plausible_only: true, ..of(GLIDER) })).await;
    assert_eq!(plausible, [position(GLIDER, 0), odd]);
}

pub async fn unconfirmed_positions_wait_for_confirmation(store: &impl Store) {
    let phantom = PositionRow { flags: flag::UNCONFIRMED, latitude_e7: 10_000_000, ..position(GLIDER, 0) };
    let first = PositionRow { flags: flag::UNCONFIRMED | flag::RELAYED, ..position(GLIDER, 1) };
    let moved = PositionRow { flags: flag::IMPLAUSIBLE | flag::SIGNED, ..position(GLIDER, 2) };
    let plausible = async || all(store.track(TrackQuery { plausible_only: true, ..of(GLIDER) })).await;
    let rows = vec![phantom.clone(), first.clone(), moved.clone(), position(GLIDER, 3)];
    store.write(&positions_block("t-0-0-3", rows)).await.expect("written");
    assert_eq!(plausible().await, [position(GLIDER, 3)]);
    // In a block of another partition, written twice.
    for _ in 0..2 {
        let confirmations = vec![confirmation(&first), confirmation(&moved)];
        let rows = BlockRows { confirmations, ..BlockRows::default() };
        store.write(&block("t-1-0-3", rows)).await.expect("written");
    }
    let first = PositionRow { flags: flag::RELAYED, ..first };
    let moved = PositionRow { flags: flag::SIGNED, ..moved };
    assert_eq!(plausible().await, [first.clone(), moved.clone(), position(GLIDER, 3)]);
    let all_rows = [phantom, first, moved, position(GLIDER, 3)];
    assert_eq!(all(store.track(of(GLIDER))).await, all_rows);
    assert_eq!(all(store.positions(export(Bounds::WORLD))).await, all_rows);
}

pub async fn rejected_positions_are_left_out_until_accepted(store: &impl Store) {
    let spike = PositionRow { flags: flag::RELAYED, ..position(GLIDER, 1) };
    let held = PositionRow { flags: flag::UNCONFIRMED, ..position(GLIDER, 2) };
    let rows = vec![position(GLIDER, 0), spike.clone(), held.clone(), position(GLIDER, 3)];
    let confirmations = vec![confirmation(&held)];
    let rows = BlockRows { positions: rows, confirmations, ..BlockRows::default() };
    store.write(&block("t-0-0-3", rows.clone())).await.expect("written");
    let decide = async |token: &str, decisions: Vec<DecisionRow>| {
        let rows = BlockRows { decisions, ..BlockRows::default() };
        store.write(&block(token, rows)).await.expect("written");
    };
    let plausible = async || {
        let rows = all(store.track(TrackQuery { plausible_only: true, ..of(GLIDER) })).await;
        rows.iter().map(|row| (row.event_at_ms - NOON_MS) / 5_000).collect::<Vec<_>>()
    };
    assert_eq!(plausible().await, [0, 1, 2, 3]);
    decide("t-0-4-5", vec![decision(&spike, 4, true), decision(&held, 5, true)]).await;
    assert_eq!(plausible().await, [0, 3], "a decision counts more than a confirmation");
    let flags: Vec<u8> = all(store.track(of(GLIDER))).await.iter().map(|row| row.flags).collect();
    assert_eq!(flags, [0, flag::RELAYED | flag::IMPLAUSIBLE, flag::UNCONFIRMED | flag::IMPLAUSIBLE, 0]);
    // Out of order, as a replay writes.
    decide("t-0-7-7", vec![decision(&spike, 7, false)]).await;
    decide("t-0-6-6", vec![decision(&spike, 6, true)]).await;
    store.write(&block("t-9-0-3", rows)).await.expect("written");
    assert_eq!(plausible().await, [0, 1, 3]);
    let in_region =
        RegionQuery { bounds: Bounds::WORLD, period: of(GLIDER).period, step_ms: 1, after: None, limit: 100 };
    assert_eq!(all(store.positions_by_time(in_region)).await.len(), 3);
    assert_eq!(all(store.positions(export(Bounds::WORLD))).await[2].flags, flag::UNCONFIRMED | flag::IMPLAUSIBLE);
}

pub async fn a_ground_object_has_a_track(store: &impl Store) {
    let hidden = GroundPositionRow { private: true, ..ground(GLIDER, 2) };
    let rows = vec![ground(GLIDER, 0), ground(GLIDER, 1), hidden, ground(GLIDER + 1, 0)];
    let rejected = decision(&position(GLIDER, 1), 9, true);
    let rejected = DecisionRow { observation_id: rows[1].observation_id, ..rejected };
    let rows = BlockRows { ground_positions: rows, decisions: vec![rejected], ..BlockRows::default() };
    store.write(&block("t-0-0-3", rows)).await.expect("written");
    let found = all(store.ground_track(of(GLIDER))).await;
    assert_eq!(found, [ground(GLIDER, 0), GroundPositionRow { flags: flag::IMPLAUSIBLE, ..ground(GLIDER, 1) }]);
    let plausible = all(store.ground_track(TrackQuery { plausible_only: true, ..of(GLIDER) })).await;
    assert_eq!(plausible, [ground(GLIDER, 0)]);
    let newest = store.ground_since(&[since(GLIDER, 0)]).await.expect("read");
    assert_eq!(newest, [ground(GLIDER, 0)], "nor is it the newest");
}

pub async fn what_came_since_a_time_is_found(store: &impl Store) {
    let mut positions = track(GLIDER, 0..50);
    positions.extend(track(GLIDER + 1, 0..20));
    positions.push(PositionRow { private: true, ..position(GLIDER + 1, 20) });
    positions.push(PositionRow { flags: flag::IMPLAUSIBLE, ..position(GLIDER + 1, 21) });
    let late = PositionRow { flags: flag::UNCONFIRMED, ..position(GLIDER + 1, 22) };
    positions.push(late.clone());
    let (first, last) = (ground(GLIDER, 30), ground(GLIDER, 40));
    let hidden = GroundPositionRow { private: true, ..ground(GLIDER, 41) };
    let rows = BlockRows {
        positions,
        confirmations: vec![confirmation(&late)],
        ground_positions: vec![first, last.clone(), hidden, ground(GLIDER + 1, 5)],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-99", rows)).await.expect("written");
    let asked = [since(GLIDER, 10), since(GLIDER + 1, 19), since(GLIDER + 2, 0)];
    let mut found = store.first_since(&asked).await.expect("read");
    found.sort_by_key(|row| (row.device, row.event_at_ms));
    let mut expected = track(GLIDER, 10..13);
    expected.extend([position(GLIDER + 1, 19), position(GLIDER + 1, 22)]);
    assert_eq!(found, expected);
    assert_eq!(store.ground_since(&asked).await.expect("read"), [last]);
    // More devices than one query has.
    let many: Vec<Since> = (0..450).map(|device| since(GLIDER - 400 + device, 49)).collect();
    assert_eq!(store.first_since(&many).await.expect("read").first(), Some(&position(GLIDER, 49)));
    assert!(store.first_since(&[]).await.expect("read").is_empty());
    assert!(store.ground_since(&many).await.expect("read").is_empty());
}

fn since(device: u32, step: i64) -> Since {
    Since { device, from_ms: position(device, step).event_at_ms }
}
