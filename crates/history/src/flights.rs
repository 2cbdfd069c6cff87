//! Finds flights in the positions of one device, by the rules of `crates/flight`, which the live core uses, too.

use std::num::NonZeroU64;

use flight::progress::SILENCE_US;
use flight::{Phase, Progress, Sample};
use geo::Position;
use geo::distance::distance_m;

use crate::track::{Plausible, TrackPoint};
use crate::{FlightRow, PositionRow};

/// The minimum duration of a flight, milliseconds.
const MIN_DURATION_MS: i64 = 60_000;
/// A flight has at least this distance or this change of altitude, metres.
const MIN_DISTANCE_M: f64 = 300.0;
const MIN_ALTITUDE_CHANGE_M: i32 = 30;

/// The flights in the positions of one device, which must be in the order of time.
pub(crate) fn find(positions: &[PositionRow]) -> Vec<FlightRow> {
    let shown = of_track(positions);
    let mut flights = Vec::new();
    for heard in shown.chunk_by(|before, row| us_of(row) - us_of(before) <= SILENCE_US) {
        flights.extend(spans(heard).into_iter().filter_map(|span| flight(&heard[span])));
    }
    flights
}

/// The positions that are part of the track.
fn of_track(positions: &[PositionRow]) -> Vec<&PositionRow> {
    let mut stage = Plausible::default();
    let mut kept: Vec<_> = positions.iter().filter_map(|row| stage.push(TrackPoint::from(row))).collect();
    kept.extend(stage.finish());
    let mut kept = kept.into_iter().map(|point| point.observation_id).peekable();
    // Both have the same order.
    positions.iter().filter(|row| kept.next_if_eq(&row.observation_id).is_some()).collect()
}

/// The rows of each flight, from take-off to landing.
fn spans(rows: &[&PositionRow]) -> Vec<std::ops::Range<usize>> {
    let mut progress = Progress::default();
    let mut spans = Vec::new();
    // The start of the present flight, and its end, if it has ended.
    let (mut began, mut ended) = (None, None);
    let index_at = |at_us: u64| rows.partition_point(|row| us_of(row) < at_us);
    for (index, row) in rows.iter().enumerate() {
        let before = progress.phase();
        let phase = progress.follow(&sample(row));
        match (before, phase) {
            (Phase::Unknown, Phase::Flying) => began = Some(index),
            (Phase::OnGround | Phase::Landed, Phase::Flying) => {
                let take_off = index_at(progress.take_off_us.map_or(0, NonZeroU64::get));
                match (began, ended.take()) {
                    (Some(begin), Some(end)) if take_off >= end => {
                        spans.push(begin..end);
                        began = Some(take_off);
                    }
                    // The landing was provisional: the flight continues.
                    (Some(_), Some(_)) => {}
                    _ => began = Some(take_off),
                }
            }
            (Phase::Flying, Phase::Landed) => {
                ended = progress.landed_us.map(|landed| (index_at(landed.get()) + 1).min(rows.len()));
            }
            _ => {}
        }
    }
    if let Some(begin) = began {
        let standing = progress.standing_since_us().map(|since_us| index_at(since_us) + 1);
        spans.push(begin..ended.or(standing).unwrap_or(rows.len()));
    }
    spans
}

fn sample(row: &PositionRow) -> Sample {
    Sample {
        at_us: us_of(row),
        position: position(row),
        altitude_m: row.altitude_m.map_or(0.0, f64::from),
        speed_kmh: row.speed_kmh(),
        climb_mps: row.climb_mps(),
    }
}

fn us_of(row: &PositionRow) -> u64 {
    u64::try_from(row.event_at_ms).unwrap_or_default() * 1_000
}

fn position(row: &PositionRow) -> Position {
    Position::new(row.latitude_deg(), row.longitude_deg())
}

fn flight(rows: &[&PositionRow]) -> Option<FlightRow> {
    let (first, last) = (rows.first()?, rows.last()?);
    let distance_m: f64 = rows.windows(2).map(|pair| distance_m(position(pair[0]), position(pair[1]))).sum();
    let altitudes = || rows.iter().filter_map(|row| row.altitude_m);
    let height_m = altitudes().max().map_or(0, i32::from) - altitudes().min().map_or(0, i32::from);
    if last.event_at_ms - first.event_at_ms < MIN_DURATION_MS
        || (distance_m < MIN_DISTANCE_M && height_m < MIN_ALTITUDE_CHANGE_M)
    {
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
