//! Flights, found in the positions of one device. `0002_statistics.sql` says the same in ClickHouse's words.

use geo::Position;
use geo::distance::distance_m;

use crate::{FlightRow, PositionRow};

/// It flies while it goes this fast over ground, 0.1 km/h, ...
const MOVES_DKMH: u16 = 100;
/// ... or this fast up or down, cm/s.
const MOVES_CMPS: u16 = 50;
/// A longer break between two moving positions ends a flight, milliseconds.
const BREAK_MS: i64 = 15 * 60_000;
/// What is shorter is no flight, milliseconds.
const SHORTEST_MS: i64 = 60_000;
/// What goes less far and changes its height by less is none either, metres.
const SHORTEST_M: f64 = 300.0;
const LOWEST_M: i32 = 30;

/// The flights in positions of one device, which are in the order of time.
pub(crate) fn find(positions: &[PositionRow]) -> Vec<FlightRow> {
    let moves = |row: &&PositionRow| {
        row.is_plausible() && (row.speed_dkmh >= MOVES_DKMH || row.climb_cmps.unsigned_abs() >= MOVES_CMPS)
    };
    let moving: Vec<&PositionRow> = positions.iter().filter(moves).collect();
    let flights = moving.chunk_by(|before, row| row.event_at_ms - before.event_at_ms <= BREAK_MS);
    flights.filter_map(flight).collect()
}

fn flight(rows: &[&PositionRow]) -> Option<FlightRow> {
    let (first, last) = (rows.first()?, rows.last()?);
    let place = |row: &PositionRow| Position::new(row.latitude_deg(), row.longitude_deg());
    let distance_m: f64 = rows.windows(2).map(|pair| distance_m(place(pair[0]), place(pair[1]))).sum();
    let altitudes = || rows.iter().filter_map(|row| row.altitude_m);
    let height_m = altitudes().max().map_or(0, i32::from) - altitudes().min().map_or(0, i32::from);
    if last.event_at_ms - first.event_at_ms < SHORTEST_MS || (distance_m < SHORTEST_M && height_m < LOWEST_M) {
        return None;
    }
    Some(FlightRow {
        device: first.device,
        take_off_at_ms: first.event_at_ms,
        landed_at_ms: last.event_at_ms,
        take_off_latitude_e7: first.latitude_e7,
        take_off_longitude_e7: first.longitude_e7,
        landing_latitude_e7: last.latitude_e7,
        landing_longitude_e7: last.longitude_e7,
        distance_m: distance_m as u32,
        max_altitude_m: altitudes().max(),
        max_climb_cmps: rows.iter().map(|row| row.climb_cmps).max().unwrap_or_default(),
        positions: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        aircraft_kind: last.aircraft_kind,
    })
}
