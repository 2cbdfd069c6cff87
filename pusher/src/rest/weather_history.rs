//! `GET /api/v1/weather/{address}/history`: what a weather station measured.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::TryStreamExt as _;
use history::{Period, WeatherRow};
use schemas::v1;

use super::answer::{body, wants_protobuf};
use super::devices::ADDRESS;
use super::endpoint::{Endpoint, Parameter};
use super::past::{FROM, HOURS, Past, TO, failed, unknown, us};
use super::problem::Problem;
use super::time::rfc3339;
use crate::app::App;

const MAX_LIMIT: u64 = 10_000;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/weather/{address}/history",
    summary: "What a weather station measured, the oldest first.",
    path_parameters: &[&ADDRESS],
    parameters: &[
        &FROM,
        &TO,
        &HOURS,
        &Parameter {
            name: "limit",
            kind: "integer",
            about: "At most so many readings, 1 to 10,000. Without it: 10,000.",
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
    let past = Past::of(&app)?;
    let visible = past.visible(&address)?;
    let device = visible.device;
    let period = past.period(&query)?;
    let mut rows = readings(&past, device, visible.within(period), limit + 1).await?;
    if rows.is_empty() && readings(&past, device, visible.ever(&past), 1).await?.is_empty() {
        return Err(unknown(device));
    }
    let truncated = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let history = v1::WeatherHistory {
        server_time: rfc3339(past.now_us),
        device,
        name: past.name_at(device, period.to_ms).await?,
        readings: rows.iter().map(reading).collect(),
        truncated,
    };
    Ok(body(&history, wants_protobuf(&headers)))
}

async fn readings(past: &Past, device: u32, period: Period, limit: u64) -> Result<Vec<WeatherRow>, Problem> {
    let blocks = past.store.weather(device, period, limit);
    blocks.try_concat().await.map_err(|error| failed(&error))
}

fn reading(row: &WeatherRow) -> v1::WeatherRecord {
    // As it is written in decimal: 0.1 stays 0.1.
    let number = |value: Option<f32>| value.map(|value| (f64::from(value) * 1e4).round() / 1e4);
    let place = row.latitude_deg().zip(row.longitude_deg());
    v1::WeatherRecord {
        observation_id: row.observation_id,
        event_at_us: us(row.event_at_ms),
        position: place.map(|(latitude_deg, longitude_deg)| v1::Position {
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
