//! Hidden and erased devices.

use geo::Bounds;
use runtime::Clock;
use schemas::privacy::PublicPast;

use super::{DAY, Store, all, export, of};
use crate::testing::{
    GLIDER, NOON_MS, alert, block, confirmation, erasure, ground, name, position, positions_block, privacy, receiver,
    reception, track, weather,
};
use crate::{
    BlockRows, DeviceRow, ErasureRow, FlightQuery, GroundPositionRow, NameRow, Period, PositionRow, PrivacyRow,
    ReceptionRow, TrackQuery, Visibility,
};

/// The private rows are of the last day by the store's clock.
pub async fn hidden_rows_are_visible_with_private_for_a_day(store: &impl Store) {
    let hidden = PositionRow { private: true, ..position(GLIDER, 1) };
    let old = PositionRow { private: true, event_at_ms: NOON_MS - 23 * 3_600_000, ..position(GLIDER, 2) };
    let rows = BlockRows {
        positions: vec![old, position(GLIDER, 0), hidden.clone()],
        names: vec![NameRow { private: true, ..name(GLIDER, 0, "nobody") }],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-2", rows)).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, [position(GLIDER, 0)]);
    let whole = TrackQuery {
        visibility: Visibility::WithPrivate,
        period: Period { from_ms: 0, to_ms: DAY.to_ms },
        ..of(GLIDER)
    };
    assert_eq!(all(store.track(whole)).await, [position(GLIDER, 0), hidden]);
    assert_eq!(all(store.positions(export(Bounds::WORLD))).await, [position(GLIDER, 0)]);
    assert!(store.names_at(&[GLIDER], DAY.to_ms).await.expect("read").is_empty());
    let hidden = all(store.of_device(GLIDER)).await.into_iter().filter(|row| match row {
        DeviceRow::Positions(row) => row.private,
        DeviceRow::Names(row) => row.private,
        _ => false,
    });
    assert_eq!(hidden.count(), 3, "its owner gets them, until they are deleted");
}

pub async fn erased_rows_stay_erased(store: &impl Store) {
    let before = BlockRows {
        positions: track(GLIDER, 0..100).into_iter().chain(track(GLIDER + 1, 0..10)).collect(),
        names: vec![NameRow { observation_id: 7 << 48 | 2, ..name(GLIDER, 2, "Zoë") }],
        receptions: vec![reception("Alpha", 5), reception("Alpha", 5_000)],
        receivers: vec![receiver("Alpha")],
        alerts: vec![alert(GLIDER, 3, 1)],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-9", before.clone())).await.expect("written");
    store.refresh_now().await;
    let order = erasure(GLIDER, 7 << 48 | 79);
    store.write(&block("p-0-0-0", BlockRows { erasures: vec![order], ..BlockRows::default() })).await.expect("written");
    let check = async || {
        assert_eq!(all(store.track(of(GLIDER))).await, track(GLIDER, 80..100), "later ones are kept");
        assert_eq!(all(store.track(of(GLIDER + 1))).await.len(), 10);
        assert!(store.names_at(&[GLIDER], DAY.to_ms).await.expect("read").is_empty());
    };
    check().await;
    assert_eq!(all(store.receptions(export(Bounds::WORLD))).await, [reception("Alpha", 5_000)]);
    assert_eq!(store.alerts(Some(GLIDER), DAY, 10).await.expect("read"), []);
    let flights = FlightQuery { device: Some(GLIDER), limit: 10, ..FlightQuery::default() };
    assert_eq!(store.flights(flights).await.expect("read"), []);
    // The hour is replayed.
    store.write(&block("t-0-0-8", before)).await.expect("written");
    store.maintain().await.expect("maintained");
    check().await;
}

/// Alerts and ground positions come in blocks of their own, which may be later than that of the erasure.
pub async fn late_rows_of_an_erased_device_are_erased(store: &impl Store) {
    let order = erasure(GLIDER, 7 << 48 | 79);
    let erased = BlockRows { erasures: vec![order.clone()], ..BlockRows::default() };
    let landed = GroundPositionRow { observation_id: 7 << 48 | 5, ..ground(GLIDER, 5) };
    let of_raw_partition = NameRow { observation_id: 7 << 48 | 2, ..name(GLIDER, 2, "Zoë") };
    store.write(&block("p-0-0-0", erased)).await.expect("written");
    for (token, late) in [
        ("a-0-0-0", BlockRows { alerts: vec![alert(GLIDER, 3, 1)], ..BlockRows::default() }),
        ("g-0-0-0", BlockRows { ground_positions: vec![landed], ..BlockRows::default() }),
        ("n-0-0-0", BlockRows { names: vec![of_raw_partition], ..BlockRows::default() }),
    ] {
        store.write(&block(token, late)).await.expect("written");
        assert_eq!(all(store.of_device(GLIDER)).await.len(), 2, "{token}: the late row, and the erasure");
        store.maintain().await.expect("maintained");
        assert_eq!(all(store.of_device(GLIDER)).await, [DeviceRow::Erasures(order.clone())], "{token}");
    }
}

/// A frame that makes no observation, such as a message, has receptions all the same; blocks of receptions come late.
pub async fn receptions_of_an_erased_device_are_erased(store: &impl Store) {
    let of_message = |receiver: &str, step: u64, device| {
        vec![ReceptionRow { reception_id: 7 << 48 | step, observation_id: None, device, ..reception(receiver, 4) }]
    };
    let receptions = |receptions| BlockRows { receptions, ..BlockRows::default() };
    let now_ms = (Clock::system().now_us() / 1_000) as i64;
    let order = ErasureRow { erased_at_ms: now_ms, ..erasure(GLIDER, 7 << 48 | 79) };
    let other = of_message("Gamma", 6, Some(GLIDER + 1));
    store.write(&block("r-0-0-0", receptions(of_message("Alpha", 4, Some(GLIDER))))).await.expect("written");
    store.write(&block("r-0-0-1", receptions(other.clone()))).await.expect("written");
    store.write(&block("p-0-0-0", BlockRows { erasures: vec![order], ..BlockRows::default() })).await.expect("written");
    assert_eq!(all(store.receptions(export(Bounds::WORLD))).await, other);
    store.write(&block("r-0-0-2", receptions(of_message("Beta", 5, Some(GLIDER))))).await.expect("written");
    store.maintain().await.expect("maintained");
    assert_eq!(all(store.receptions(export(Bounds::WORLD))).await, other, "the late one");
}

pub async fn everything_about_a_device_is_read(store: &impl Store) {
    let positions = track(GLIDER, 0..5_000).into_iter().chain([position(GLIDER + 1, 3)]).collect();
    let rows = BlockRows {
        positions,
        confirmations: vec![confirmation(&position(GLIDER, 3))],
        ground_positions: vec![ground(GLIDER, 1), ground(GLIDER + 1, 1)],
        weather: vec![weather(GLIDER, 2)],
        names: vec![name(GLIDER, 2, "Zoë")],
        receptions: vec![reception("Alpha", 5), reception("Alpha", 4_500)],
        receivers: vec![receiver("Alpha")],
        alerts: vec![alert(GLIDER, 3, 1), alert(GLIDER, 4, 2), alert(GLIDER + 1, 3, 1)],
        privacy: vec![privacy(GLIDER, 9, true, 0), privacy(GLIDER + 1, 9, true, 0)],
        ..BlockRows::default()
    };
    store.write(&block("t-0-0-5000", rows)).await.expect("written");
    let rows = all(store.of_device(GLIDER)).await;
    let mut counts = std::collections::BTreeMap::new();
    for row in &rows {
        let row = serde_json::to_value(row).expect("JSON");
        assert_eq!(row.get("device").and_then(serde_json::Value::as_u64).unwrap_or(GLIDER.into()), u64::from(GLIDER));
        *counts.entry(row["table"].as_str().expect("a name").to_owned()).or_insert(0) += 1;
    }
    // Flights are computed later.
    counts.remove("flights");
    let expected = [
        ("alerts", 2),
        ("confirmations", 1),
        ("ground_positions", 1),
        ("names", 1),
        ("positions", 5_000),
        ("privacy", 1),
        ("receptions", 2),
        ("weather", 1),
    ];
    assert_eq!(counts, expected.map(|(table, count)| (table.to_owned(), count)).into());
    let of_position = |row: &DeviceRow| match row {
        DeviceRow::Positions(row) => Some(row.observation_id),
        _ => None,
    };
    let positions: Vec<_> = rows.iter().filter_map(of_position).collect();
    assert!(positions.is_sorted(), "in the order of time");
    assert!(all(store.of_device(GLIDER + 9)).await.is_empty());
}

pub async fn the_newest_privacy_is_kept(store: &impl Store) {
    let rows = |rows: Vec<PrivacyRow>| BlockRows { privacy: rows, ..BlockRows::default() };
    store.write(&block("v-0-0-1", rows(vec![privacy(1, 5, true, 0), privacy(2, 6, true, 0)]))).await.expect("written");
    store.write(&block("v-0-2-3", rows(vec![privacy(1, 9, false, NOON_MS)]))).await.expect("written");
    store.write(&block("v-0-0-0", rows(vec![privacy(1, 5, true, 0)]))).await.expect("written again");
    let mut kept = all(store.privacy()).await;
    kept.sort_by_key(|row| row.device);
    assert_eq!(kept, [privacy(1, 9, false, NOON_MS), privacy(2, 6, true, 0)]);
    assert_eq!(kept[0].public_past(), PublicPast::Since(NOON_MS.unsigned_abs() * 1_000));
    assert_eq!(kept[1].public_past(), PublicPast::Nothing);
}

pub async fn flights_begin_when_the_device_is_public_again(store: &impl Store) {
    store.write(&positions_block("t-0-0-99", track(GLIDER, 0..101))).await.expect("written");
    store.refresh_now().await;
    let query = FlightQuery { device: Some(GLIDER), limit: 10, ..FlightQuery::default() };
    assert_eq!(store.flights(query).await.expect("read")[0].take_off_at_ms, NOON_MS);
    // It was hidden briefly, and continues.
    let since_ms = NOON_MS + 40 * 5_000;
    let shown = BlockRows { privacy: vec![privacy(GLIDER, 9, false, since_ms)], ..BlockRows::default() };
    store.write(&block("v-0-0-0", shown)).await.expect("written");
    store.write(&positions_block("t-0-100-119", track(GLIDER, 101..120))).await.expect("written");
    store.refresh_now().await;
    let flights = store.flights(query).await.expect("read");
    assert_eq!(flights.len(), 1, "{flights:?}");
    assert_eq!((flights[0].take_off_at_ms, flights[0].positions), (since_ms, 80));
}
