//! Flights, made from positions.

use geo::Bounds;

use super::{DAY, Store};
use crate::testing::{GLIDER, NOON_MS, block, confirmation, position, positions_block, track};
use crate::{BlockRows, FlightQuery, Period, PositionRow, flag};

pub async fn flights_begin_at_confirmed_positions(store: &impl Store) {
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

pub async fn slow_soaring_is_one_flight(store: &impl Store) {
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

pub async fn flights_are_found_in_positions(store: &impl Store) {
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
