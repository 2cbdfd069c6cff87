//! The contract's promises, one function each.

use futures::StreamExt as _;
use geo::Bounds;
use history::{
    BlockRows, DeviceRow, ExportKind, ExportQuery, FlightQuery, HistoryReader, HistoryWriter, Period, PositionRow,
    PrivacyRow, RegionQuery, Rows, Since, TrackQuery, Visibility, flag,
};

use schemas::privacy::PublicPast;

use crate::rows::{
    GLIDER, NOON_MS, alert, block, confirmation, erasure, ground, name, position, positions_block, privacy, receiver,
    reception, thermal, track, weather,
};

/// Makes a test of each promise. `$store` creates an empty store, `$also` are promises of this store only.
macro_rules! keeps_all_promises {
    ($store:expr; $($also:ident)*) => {
        crate::promises::keeps_promises! { $store;
            rows_are_read_back_unchanged
            extreme_values_survive
            writing_is_idempotent
            the_highest_version_of_a_thermal_is_kept
            a_track_is_a_period_of_one_device_in_order
            a_long_track_comes_in_bounded_blocks
            an_export_has_all_pages
            slow_readers_do_not_block_others
            implausible_positions_can_be_left_out
            unconfirmed_positions_wait_for_confirmation
            flights_begin_at_confirmed_positions
            slow_soaring_is_one_flight
            an_export_is_a_region_and_a_period
            a_region_comes_by_time_and_thinned
            a_region_continues_behind_any_position
            a_region_has_only_public_positions_of_tracks
            a_region_is_cut_at_its_edges
            what_came_since_a_time_is_found
            receptions_are_found_by_their_position
            flights_are_found_in_positions
            erased_rows_stay_erased
            late_rows_of_an_erased_device_are_erased
            everything_about_a_device_is_read
            the_newest_privacy_is_kept
            flights_begin_when_the_device_is_public_again
            $($also)*
        }
    };
}

macro_rules! keeps_promises {
    ($store:expr; $($promise:ident)*) => {$(
        #[tokio::test]
        async fn $promise() {
            crate::promises::$promise(&$store).await;
        }
    )*};
}

pub(crate) use {keeps_all_promises, keeps_promises};

const DAY: Period = Period { from_ms: NOON_MS - 36_000_000, to_ms: NOON_MS + 50_400_000 };

pub(crate) async fn all<T>(mut rows: Rows<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(block) = rows.next().await {
        all.append(&mut block.expect("the store answers"));
    }
    all
}

fn of(device: u32) -> TrackQuery {
    TrackQuery { device, period: DAY, visibility: Visibility::Public, plausible_only: false, limit: 1_000_000 }
}

fn export(bounds: Bounds) -> ExportQuery {
    ExportQuery { bounds, period: DAY, limit: 100_000 }
}

/// Computes flights from positions now.
pub(crate) trait Refresh {
    async fn refresh_now(&self);
}

pub(crate) trait Store: HistoryReader + HistoryWriter + Refresh {}
impl<T: HistoryReader + HistoryWriter + Refresh> Store for T {}

pub(crate) async fn rows_are_read_back_unchanged(store: &impl Store) {
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

pub(crate) async fn extreme_values_survive(store: &impl Store) {
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

pub(crate) async fn writing_is_idempotent(store: &impl Store) {
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

pub(crate) async fn the_highest_version_of_a_thermal_is_kept(store: &impl Store) {
    for (token, version) in [("t-0-1-1", 3), ("t-0-2-2", 7), ("t-0-3-3", 5)] {
        let rows = BlockRows { thermals: vec![thermal(5, version)], ..BlockRows::default() };
        store.write(&block(token, rows)).await.expect("written");
    }
    assert_eq!(all(store.thermals(export(Bounds::WORLD))).await, [thermal(5, 7)]);
}

pub(crate) async fn a_track_is_a_period_of_one_device_in_order(store: &impl Store) {
    let mut rows = track(GLIDER, 0..60);
    rows.extend(track(GLIDER + 1, 0..60));
    rows.reverse();
    store.write(&positions_block("t-0-0-119", rows)).await.expect("written");
    let query = TrackQuery { period: Period { from_ms: NOON_MS + 50_000, to_ms: NOON_MS + 100_000 }, ..of(GLIDER) };
    assert_eq!(all(store.track(query)).await, track(GLIDER, 10..20));
    assert_eq!(all(store.track(TrackQuery { limit: 3, ..query })).await, track(GLIDER, 10..13));
    assert_eq!(all(store.track(of(7))).await, []);
}

pub(crate) async fn a_long_track_comes_in_bounded_blocks(store: &impl Store) {
    let rows = track(GLIDER, 0..8_000);
    store.write(&positions_block("t-0-0-7999", rows.clone())).await.expect("written");
    let mut blocks = store.track(of(GLIDER));
    let first = blocks.next().await.expect("a block").expect("the store answers");
    assert!((1..5_000).contains(&first.len()), "{}", first.len());
    drop(blocks);
    assert_eq!(all(store.track(of(GLIDER))).await.len(), 8_000);
}

/// More readers than either store serves concurrently.
pub(crate) async fn slow_readers_do_not_block_others(store: &impl Store) {
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
pub(crate) async fn an_export_has_all_pages(store: &impl Store) {
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

pub(crate) async fn implausible_positions_can_be_left_out(store: &impl Store) {
    let bad = PositionRow { flags: flag::IMPLAUSIBLE | flag::RELAYED | flag::CLAMPED, ..position(GLIDER, 1) };
    let odd = PositionRow { flags: flag::SIGNED | flag::UNTRUSTED | flag::RELAYED, ..position(GLIDER, 2) };
    let rows = vec![position(GLIDER, 0), bad, odd.clone()];
    store.write(&positions_block("t-0-0-2", rows.clone())).await.expect("written");
    assert_eq!(all(store.track(of(GLIDER))).await, rows);
    let plausible = all(store.track(TrackQuery { plausible_only: true, ..of(GLIDER) })).await;
    assert_eq!(plausible, [position(GLIDER, 0), odd]);
}

pub(crate) async fn unconfirmed_positions_wait_for_confirmation(store: &impl Store) {
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

pub(crate) async fn flights_begin_at_confirmed_positions(store: &impl Store) {
    let far = |step: i64, flags: u8| PositionRow {
        flags,
        latitude_e7: 0,
        longitude_e7: 0,
        observation_id: (7 << 48) | (100_000 + step.unsigned_abs()),
        ..position(GLIDER, step)
    };
    let first = PositionRow { flags: flag::UNCONFIRMED, ..position(GLIDER, 1) };
    let mut rows = vec![far(0, flag::UNCONFIRMED), first.clone()];
    rows.extend(track(GLIDER, 2..102));
    rows.extend([far(50, flag::UNCONFIRMED), far(70, flag::IMPLAUSIBLE), far(110, flag::UNCONFIRMED)]);
    // A position without flags that is far from all others.
    rows.push(PositionRow { event_at_ms: position(GLIDER, 60).event_at_ms + 2_000, ..far(60, flag::DELAYED) });
    let confirmations = vec![confirmation(&first)];
    let rows = BlockRows { positions: rows, confirmations, ..BlockRows::default() };
    store.write(&block("t-0-0-200", rows)).await.expect("written");
    store.refresh_now().await;
    let flights = store.flights(FlightQuery { limit: 10, ..FlightQuery::default() }).await.expect("read");
    assert_eq!(flights.len(), 1, "{flights:?}");
    let flight = &flights[0];
    assert_eq!((flight.take_off_at_ms, flight.positions), (first.event_at_ms, 101));
    assert_eq!(flight.take_off_deg(), (first.latitude_deg(), first.longitude_deg()));
    assert_eq!(flight.landing_deg().0, position(GLIDER, 101).latitude_deg());
    assert!((4_950..5_050).contains(&flight.distance_m), "{flight:?}");
}

pub(crate) async fn slow_soaring_is_one_flight(store: &impl Store) {
    // Ten minutes of flight, twenty at 2 km/h and 1,500 m, ten minutes of flight; then it stands still.
    let pace = |step: i64| match step {
        0..120 | 360..480 => 360,
        120..360 => 20,
        _ => 0,
    };
    let mut latitude_e7 = 470_000_000;
    let rows: Vec<PositionRow> = (0..560)
        .map(|step| {
            let (speed_dkmh, climb_cmps) = (pace(step), 0);
            // 36 km/h are 50 m in 5 s.
            latitude_e7 += i32::from(speed_dkmh) * 4_497 / 360;
            PositionRow { speed_dkmh, climb_cmps, latitude_e7, altitude_m: Some(1_500), ..position(GLIDER, step) }
        })
        .collect();
    store.write(&positions_block("t-0-0-559", rows)).await.expect("written");
    store.refresh_now().await;
    let flights = store.flights(FlightQuery { limit: 10, ..FlightQuery::default() }).await.expect("read");
    let times: Vec<_> = flights.iter().map(|flight| (flight.take_off_at_ms, flight.landed_at_ms)).collect();
    assert_eq!(times, [(NOON_MS, position(GLIDER, 480).event_at_ms)]);
}

/// The private rows are of the last day by the store's clock.
pub(crate) async fn hidden_rows_are_visible_with_private_for_a_day(store: &impl Store) {
    let hidden = PositionRow { private: true, ..position(GLIDER, 1) };
    let old = PositionRow { private: true, event_at_ms: NOON_MS - 23 * 3_600_000, ..position(GLIDER, 2) };
    let rows = BlockRows {
        positions: vec![old, position(GLIDER, 0), hidden.clone()],
        names: vec![history::NameRow { private: true, ..name(GLIDER, 0, "nobody") }],
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

pub(crate) async fn an_export_is_a_region_and_a_period(store: &impl Store) {
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

fn region(step_ms: i64) -> RegionQuery {
    RegionQuery { bounds: Bounds::WORLD, period: DAY, step_ms, after: None, limit: 1_000_000 }
}

fn by_time(mut rows: Vec<PositionRow>) -> Vec<PositionRow> {
    rows.sort_by_key(PositionRow::time_key);
    rows
}

/// More rows than a page of either store.
pub(crate) async fn a_region_comes_by_time_and_thinned(store: &impl Store) {
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

pub(crate) async fn a_region_continues_behind_any_position(store: &impl Store) {
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

pub(crate) async fn a_region_has_only_public_positions_of_tracks(store: &impl Store) {
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

pub(crate) async fn a_region_is_cut_at_its_edges(store: &impl Store) {
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

fn since(device: u32, step: i64) -> Since {
    Since { device, from_ms: position(device, step).event_at_ms }
}

pub(crate) async fn what_came_since_a_time_is_found(store: &impl Store) {
    let mut positions = track(GLIDER, 0..50);
    positions.extend(track(GLIDER + 1, 0..20));
    positions.push(PositionRow { private: true, ..position(GLIDER + 1, 20) });
    positions.push(PositionRow { flags: flag::IMPLAUSIBLE, ..position(GLIDER + 1, 21) });
    let late = PositionRow { flags: flag::UNCONFIRMED, ..position(GLIDER + 1, 22) };
    positions.push(late.clone());
    let (first, last) = (ground(GLIDER, 30), ground(GLIDER, 40));
    let hidden = history::GroundPositionRow { private: true, ..ground(GLIDER, 41) };
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

pub(crate) async fn receptions_are_found_by_their_position(store: &impl Store) {
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

pub(crate) async fn flights_are_found_in_positions(store: &impl Store) {
    // One flight of 500 s, a break of an hour, another one; a hop of 30 s and standing still are no flights.
    let mut rows = track(GLIDER, 0..101);
    rows.extend(track(GLIDER, 820..1_000));
    rows.extend(track(GLIDER + 1, 0..6));
    let stands = PositionRow { speed_dkmh: 20, climb_cmps: 5, ..position(GLIDER + 2, 0) };
    rows.extend((0..100).map(|step| PositionRow {
        event_at_ms: NOON_MS + step * 5_000,
        observation_id: step as u64,
        ..stands.clone()
    }));
    let phantom = PositionRow { flags: flag::IMPLAUSIBLE, latitude_e7: 0, ..position(GLIDER, 50) };
    rows.push(PositionRow { observation_id: 1, ..phantom });
    rows.extend(track(GLIDER + 3, 0..101).into_iter().map(|row| PositionRow { private: true, ..row }));
    // A part of it again: counted once.
    store.write(&positions_block("t-0-0-500", rows)).await.expect("written");
    store.write(&positions_block("t-0-50-60", track(GLIDER, 50..61))).await.expect("written");
    store.refresh_now().await;
    let query = FlightQuery { limit: 10, ..FlightQuery::default() };
    let flights = store.flights(query).await.expect("read");
    assert_eq!(flights.len(), 2, "{flights:?}");
    let (second, first) = (&flights[0], &flights[1]);
    assert_eq!(
        (first.device, first.take_off_at_ms, first.duration_ms(), first.positions),
        (GLIDER, NOON_MS, 500_000, 101)
    );
    assert_eq!((first.max_altitude_m, first.max_climb_cmps, first.aircraft_kind), (Some(1_100), 20, 2));
    assert!((4_950..5_050).contains(&first.distance_m), "{first:?}");
    assert_eq!(first.landing_deg().0, position(GLIDER, 100).latitude_deg());
    assert_eq!(second.take_off_at_ms, NOON_MS + 820 * 5_000);
    // It continues: the same flight, longer.
    store.write(&positions_block("t-0-501-520", track(GLIDER, 1_000..1_020))).await.expect("written");
    store.refresh_now().await;
    let flights = store.flights(query).await.expect("read");
    assert_eq!((flights.len(), flights[0].positions), (2, 200), "{flights:?}");
    for (query, found) in [
        (FlightQuery { device: Some(GLIDER + 1), ..query }, 0),
        (FlightQuery { device: Some(GLIDER), limit: 1, ..query }, 1),
        (FlightQuery { bounds: Some(Bounds::new(46.9, 10.0, 47.1, 12.0).expect("bounds")), ..query }, 1),
        (FlightQuery { period: Some(Period { from_ms: NOON_MS + 1, to_ms: DAY.to_ms }), ..query }, 1),
    ] {
        assert_eq!(store.flights(query).await.expect("read").len(), found, "{query:?}");
    }
}

pub(crate) async fn erased_rows_stay_erased(store: &impl Store) {
    let before = BlockRows {
        positions: track(GLIDER, 0..100).into_iter().chain(track(GLIDER + 1, 0..10)).collect(),
        names: vec![history::NameRow { observation_id: 7 << 48 | 2, ..name(GLIDER, 2, "Zoë") }],
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
pub(crate) async fn late_rows_of_an_erased_device_are_erased(store: &impl Store) {
    let order = erasure(GLIDER, 7 << 48 | 79);
    let erased = BlockRows { erasures: vec![order.clone()], ..BlockRows::default() };
    let landed = history::GroundPositionRow { observation_id: 7 << 48 | 5, ..ground(GLIDER, 5) };
    let of_raw_partition = history::NameRow { observation_id: 7 << 48 | 2, ..name(GLIDER, 2, "Zoë") };
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

pub(crate) async fn everything_about_a_device_is_read(store: &impl Store) {
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

pub(crate) async fn the_newest_privacy_is_kept(store: &impl Store) {
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

pub(crate) async fn flights_begin_when_the_device_is_public_again(store: &impl Store) {
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
