//! `GET /api/v1/flights`: take-off, landing, duration and distance of recorded flights.

use std::collections::HashMap;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use history::{FlightQuery, FlightRow, HistoryError};
use schemas::v1;

use super::endpoint::{BOUNDS, Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{PublicHistory, day, history_failed, ms_to_us, parse_device, us_to_ms};
use crate::app::App;
use crate::time::rfc3339;

const DEFAULT_LIMIT: u64 = 1_000;
const MAX_LIMIT: u64 = 10_000;
/// Flights that are read from the store for one request, those of hidden devices included.
const MAX_READ: u64 = 100_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/flights",
    summary: "Flights, the newest take-off first. At least one of `address`, `bounds` and `day` is needed.",
    path_parameters: &[],
    parameters: &[
        &Parameter { name: "address", kind: "string", about: "Only flights of this device: six hex digits." },
        &BOUNDS,
        &Parameter {
            name: "day",
            kind: "string",
            about: "Only flights with their take-off on this day in UTC, for example 2026-07-14.",
        },
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "Maximum number of flights, 1 to 10,000. The default is 1,000.",
        },
    ],
    message: "FlightList",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let limit = query.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let period = day(&query, "day")?;
    let bounds = query.bounds()?;
    let address = query.get("address");
    if address.is_none() && bounds.is_none() && period.is_none() {
        let detail = "expected at least one of address, bounds and day".to_owned();
        return Err(Problem::bad_request("missing_parameter", detail));
    }
    let history = PublicHistory::open(&app)?;
    // Those of a hidden device are left out below, so that it answers as an unknown one does.
    let device = address.map(parse_device).transpose()?.map(|device| device.0);
    let query = FlightQuery { device, bounds, period, limit: limit + 1 };
    let mut found = visible_flights(&history, query).await.map_err(|error| history_failed(&error))?;
    let truncated = found.len() as u64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut devices: Vec<u32> = found.iter().map(|flight| flight.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let names = history.names_at(&devices, us_to_ms(history.now_us)).await?;
    let flights = found.iter().map(|row| flight(row, &names)).collect();
    let list = v1::FlightList { server_time: rfc3339(history.now_us), flights, truncated };
    Ok(message_response(&list, accepts_protobuf(&headers)))
}

/// The first flights that the public may see. The store does not know which devices are hidden: where flights are left
/// out, more are read.
async fn visible_flights(history: &PublicHistory, query: FlightQuery) -> Result<Vec<FlightRow>, HistoryError> {
    let mut limit = query.limit;
    loop {
        let mut found = history.store.flights(FlightQuery { limit, ..query }).await?;
        let is_all = (found.len() as u64) < limit;
        found.retain(|flight| history.shows(flight.device, flight.take_off_at_ms));
        if is_all || found.len() as u64 >= query.limit || limit >= MAX_READ {
            return Ok(found);
        }
        limit = limit.saturating_mul(4).min(MAX_READ);
    }
}

fn flight(row: &FlightRow, names: &HashMap<u32, String>) -> v1::Flight {
    let position = |(latitude_deg, longitude_deg)| v1::Position { latitude_deg, longitude_deg, altitude_m: None };
    v1::Flight {
        device: row.device,
        name: names.get(&row.device).cloned(),
        take_off_at_us: ms_to_us(row.take_off_at_ms),
        landed_at_us: ms_to_us(row.landed_at_ms),
        take_off_position: Some(position(row.take_off_deg())),
        landing_position: Some(position(row.landing_deg())),
        distance_m: row.distance_m.into(),
        max_altitude_m: row.max_altitude_m.map(f64::from),
        max_climb_mps: row.max_climb_mps(),
        positions: row.positions,
        aircraft_kind: row.aircraft_kind.into(),
        duration_s: row.duration_ms() as f64 / 1e3,
    }
}
