//! `GET /api/v1/weather/{address}/history`: the readings of a weather station.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::TryStreamExt as _;
use history::{Period, WeatherRow};
use schemas::v1;

use super::devices::ADDRESS;
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::{accepts_protobuf, message_response};
use super::problem::Problem;
use super::public_history::{FROM, HOURS, PublicHistory, TO, history_failed, ms_to_us, parse_device, unknown_device};
use crate::app::App;
use crate::time::rfc3339;

const MAX_LIMIT: u64 = 10_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/weather/{address}/history",
    summary: "The readings of a weather station, the oldest first.",
    path_parameters: &[&ADDRESS],
    parameters: &[
        &FROM,
        &TO,
        &HOURS,
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "Maximum number of readings, 1 to 10,000. The default is 10,000.",
        },
    ],
    message: "WeatherHistory",
};

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let limit = query.number("limit", 1..=MAX_LIMIT)?.unwrap_or(MAX_LIMIT);
    let history = PublicHistory::open(&app)?;
    // A hidden device answers as an unknown one does: what is wrong with the query comes first.
    parse_device(&address)?;
    let period = history.period(&query)?;
    let visible = history.visible(&address)?;
    let device = visible.device;
    let mut rows = readings(&history, device, visible.within(period), limit + 1).await?;
    if rows.is_empty() && readings(&history, device, visible.complete_period(&history), 1).await?.is_empty() {
        return Err(unknown_device(device));
    }
    let truncated = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let message = v1::WeatherHistory {
        server_time: rfc3339(history.now_us),
        device,
        name: history.name_at(device, period.to_ms).await?,
        readings: rows.iter().map(reading).collect(),
        truncated,
    };
    Ok(message_response(&message, accepts_protobuf(&headers)))
}

async fn readings(
    history: &PublicHistory,
    device: u32,
    period: Period,
    limit: u64,
) -> Result<Vec<WeatherRow>, Problem> {
    let blocks = history.store.weather(device, period, limit);
    blocks.try_concat().await.map_err(|error| history_failed(&error))
}

/// A reading's value, rounded to the decimal number: 0.1 stays 0.1.
pub(super) fn number(value: Option<f32>) -> Option<f64> {
    value.map(|value| (f64::from(value) * 1e4).round() / 1e4)
}

fn reading(row: &WeatherRow) -> v1::WeatherRecord {
    let position = row.latitude_deg().zip(row.longitude_deg());
    v1::WeatherRecord {
        observation_id: row.observation_id,
        event_at_us: ms_to_us(row.event_at_ms),
        position: position.map(|(latitude_deg, longitude_deg)| v1::Position {
            latitude_deg,
            longitude_deg,
            altitude_m: row.altitude_m.map(f64::from),
        }),
        temperature_c: number(row.temperature_c),
        wind_from_deg: number(row.wind_from_deg),
        wind_speed_kmh: number(row.wind_speed_kmh),
        wind_gust_kmh: number(row.wind_gust_kmh),
        humidity_pct: number(row.humidity_pct),
        pressure_hpa: number(row.pressure_hpa),
        state_of_charge_pct: number(row.state_of_charge_pct),
    }
}
