//! The positions of a device.

use futures::StreamExt as _;
use geo::Bounds;

use super::{Store, all, export, of};
use crate::testing::{GLIDER, NOON_MS, block, confirmation, ground, position, positions_block, track};
use crate::{BlockRows, GroundPositionRow, Period, PositionRow, Since, TrackQuery, flag};

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
