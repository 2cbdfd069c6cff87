//! `GET /api/v1/export`: tables of the past for analysts, bounded and streamed.
//!
//! How far a download is: `x-rows` tells the rows that it will have (HEAD asks for that alone), CSV has a line for each. XLSX
//! is made first, since it cannot be streamed, and then has a Content-Length, from which browsers and curl show progress.

mod body;
mod slots;
mod table;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use history::export::{MAX_XLSX_ROWS, TableFormat};
use history::{ExportKind, ExportQuery, PositionRow, ReceptionRow, ThermalRow, WeatherRow};

use super::endpoint::{BOUNDS, Endpoint, Parameter};
use super::past::{FROM, HOURS, Past, TO, bad, failed, us};
use super::problem::Problem;
use super::query::Query;
use super::spreadsheet::{self, DECIMAL, EXCEL};
use super::streamed::unmeasured;
use super::time::rfc3339;
use crate::app::App;
pub(crate) use body::Exports;
use table::Table;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/export",
    summary: "A table of what was recorded in a region and a time, as CSV, XLSX or Parquet. The header `x-rows` tells how \
              many rows it has; HEAD asks for that alone. More rows than the limit are a problem document that tells both.",
    path_parameters: &[],
    parameters: &[
        &Parameter { name: "kind", kind: "string", about: "positions (without it), thermals, weather or receptions." },
        &Parameter { name: "format", kind: "string", about: "csv (without it), xlsx or parquet." },
        &EXCEL,
        &DECIMAL,
        &BOUNDS,
        &FROM,
        &TO,
        &HOURS,
    ],
    message: "Table",
};

/// What the table can be.
pub(super) fn media_types() -> impl Iterator<Item = &'static str> {
    TableFormat::ALL.into_iter().map(TableFormat::media_type)
}

/// How far beyond the limit rows are counted, so that the problem can tell how many there are.
const COUNTED: u64 = 100;
const ROWS: HeaderName = HeaderName::from_static("x-rows");

pub(super) async fn get(
    State(app): State<App>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let (kind, format) = (Kind::of(&query)?, format(&query)?);
    let csv = spreadsheet::form(&query, &headers)?;
    if csv.is_some() && format != TableFormat::Csv {
        return Err(bad("excel goes with format=csv".to_owned()));
    }
    let past = Past::of(&app)?;
    let period = past.period(&query)?;
    let bounds = query.bounds()?.unwrap_or(geo::Bounds::WORLD);
    let limit = match format {
        TableFormat::Xlsx => app.options.export_max_rows.min(MAX_XLSX_ROWS),
        TableFormat::Csv | TableFormat::Parquet => app.options.export_max_rows,
    };
    let permit = app.exports.begin()?;
    let counted = ExportQuery { bounds, period, limit: limit.saturating_mul(COUNTED) };
    let rows = past.store.count(kind.in_store(), counted).await.map_err(|error| failed(&error))?;
    if rows > limit {
        let more = if rows > counted.limit { "more than " } else { "" };
        let shown = rows.min(counted.limit);
        let detail = format!("{more}{shown} rows; at most {limit} at once: ask for a smaller region or a shorter time");
        return Err(Problem::bad_request("too_many_rows", detail));
    }
    let file_name = format!("{}-{}.{}", kind.word(), &rfc3339(us(period.from_ms))[..10], format.word());
    let body = match method {
        Method::HEAD => (unmeasured(), None),
        _ => {
            let created_at_us = past.now_us;
            let table = kind.table(Arc::new(past), ExportQuery { limit: rows, ..counted });
            let form = (format, csv.unwrap_or_default());
            app.exports.body(table, form, kind.word(), created_at_us, failed).await?
        }
    };
    drop(permit);
    Ok(answer(format, &file_name, rows, body))
}

fn answer(format: TableFormat, file_name: &str, rows: u64, (body, bytes): (Body, Option<u64>)) -> Response {
    let parameters = if format == TableFormat::Csv { "; charset=utf-8; header=present" } else { "" };
    let kind = format!("{}{parameters}", format.media_type());
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let headers = response.headers_mut();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\""));
    headers.insert(header::CONTENT_DISPOSITION, disposition.expect("words and a date"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROWS, rows.into());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-rows, content-disposition"));
    if let Some(bytes) = bytes {
        headers.insert(header::CONTENT_LENGTH, bytes.into());
    }
    response
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Positions,
    Thermals,
    Weather,
    Receptions,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Positions, Self::Thermals, Self::Weather, Self::Receptions];

    fn of(query: &Query) -> Result<Self, Problem> {
        let Some(word) = query.get("kind") else { return Ok(Self::Positions) };
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| bad("kind is of: positions, thermals, weather, receptions".to_owned()))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Positions => "positions",
            Self::Thermals => "thermals",
            Self::Weather => "weather",
            Self::Receptions => "receptions",
        }
    }

    fn in_store(self) -> ExportKind {
        match self {
            Self::Positions => ExportKind::Positions,
            Self::Thermals => ExportKind::Thermals,
            Self::Weather => ExportKind::Weather,
            Self::Receptions => ExportKind::Receptions,
        }
    }

    fn table(self, past: Arc<Past>, query: ExportQuery) -> Table {
        let store = past.store.clone();
        match self {
            // Who is hidden now is left out, though it was public when it was recorded.
            Self::Positions => Table::of(store.positions(query), move |row: &PositionRow| {
                past.public_past(row.device).shows_ms(row.event_at_ms)
            }),
            Self::Weather => Table::of(store.weather_in(query), move |row: &WeatherRow| {
                past.public_past(row.device).shows_ms(row.event_at_ms)
            }),
            Self::Thermals => Table::of(store.thermals(query), |_: &ThermalRow| true),
            // Whose position it is has to be known: rows from before that was written are nobody's, and left out.
            Self::Receptions => Table::of(store.receptions(query), move |row: &ReceptionRow| {
                row.device.is_some_and(|device| past.public_past(device).shows_ms(row.ingested_at_ms))
            }),
        }
    }
}

fn format(query: &Query) -> Result<TableFormat, Problem> {
    let Some(word) = query.get("format") else { return Ok(TableFormat::Csv) };
    let format = TableFormat::of(word).ok_or_else(|| bad("format is of: csv, xlsx, parquet".to_owned()))?;
    if !format.is_built() {
        return Err(Problem::not_built(format!("this program was built without {word}: ask for csv or xlsx")));
    }
    Ok(format)
}
