//! `GET /api/v1/export`: tables of the history for analysts, limited and streamed.
//!
//! XLSX cannot be streamed: the file is completed first and has a Content-Length. The number of rows is in no answer: the store
//! counts those of devices that are hidden by now, and the difference would say where these were.

mod body;
mod slots;
mod table;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use history::export::{MAX_XLSX_ROWS, TableFormat};
use history::{ExportKind, ExportQuery, PositionRow, ReceptionRow, ThermalRow, WeatherRow};

use super::endpoint::{BOUNDS, Endpoint, Parameter};
use super::problem::Problem;
use super::public_history::{FROM, HOURS, PublicHistory, TO, bad_parameter, history_failed, ms_to_us};
use super::query::Query;
use super::spreadsheet::{self, DECIMAL, EXCEL};
use super::streamed::of_unknown_length;
use crate::app::App;
use crate::time::rfc3339;
pub(crate) use body::Exports;
use table::Table;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/export",
    summary: "A table of the history of a region and a period, as CSV, XLSX or Parquet. A table beyond the limit of \
              rows is refused.",
    path_parameters: &[],
    parameters: &[
        &Parameter { name: "kind", kind: "string", about: "positions (the default), thermals, weather or receptions." },
        &Parameter { name: "format", kind: "string", about: "csv (the default), xlsx or parquet." },
        &EXCEL,
        &DECIMAL,
        &BOUNDS,
        &FROM,
        &TO,
        &HOURS,
    ],
    message: "Table",
};

/// The media types of the table.
pub(super) fn media_types() -> impl Iterator<Item = &'static str> {
    TableFormat::ALL.into_iter().map(TableFormat::media_type)
}

pub(super) async fn get(
    State(app): State<App>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let (kind, format) = (Kind::parse(&query)?, format(&query)?);
    let csv = spreadsheet::form(&query, &headers)?;
    if csv.is_some() && format != TableFormat::Csv {
        return Err(bad_parameter("excel=true needs format=csv".to_owned()));
    }
    let (history, period) = PublicHistory::open_for(&app, &query)?;
    let bounds = query.bounds()?.unwrap_or(geo::Bounds::WORLD);
    let limit = match format {
        TableFormat::Xlsx => app.options.export_max_rows.min(MAX_XLSX_ROWS),
        TableFormat::Csv | TableFormat::Parquet => app.options.export_max_rows,
    };
    let permit = app.exports.begin()?;
    let counted = ExportQuery { bounds, period, limit };
    let rows = history.store.count(kind.in_store(), counted).await.map_err(|error| history_failed(&error))?;
    if rows > limit {
        // The exact number is not for the public: the store counts rows of devices that are hidden by now.
        let detail = format!("more than {limit} rows: ask for a smaller region or a shorter period");
        return Err(Problem::bad_request("too_many_rows", detail));
    }
    let file_name = format!("{}-{}.{}", kind.as_str(), &rfc3339(ms_to_us(period.from_ms))[..10], format.word());
    let body = match method {
        Method::HEAD => (of_unknown_length(), None),
        _ => {
            let created_at_us = history.now_us;
            let table = kind.table(Arc::new(history), ExportQuery { limit: rows, ..counted });
            let form = (format, csv.unwrap_or_default());
            app.exports.body(table, form, kind.as_str(), created_at_us, history_failed).await?
        }
    };
    drop(permit);
    Ok(table_response(format, &file_name, body))
}

fn table_response(format: TableFormat, file_name: &str, (body, bytes): (Body, Option<u64>)) -> Response {
    let parameters = if format == TableFormat::Csv { "; charset=utf-8; header=present" } else { "" };
    let media_type = format!("{}{parameters}", format.media_type());
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    let headers = response.headers_mut();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\""));
    headers.insert(header::CONTENT_DISPOSITION, disposition.expect("a kind and a date"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("content-disposition"));
    if let Some(bytes) = bytes {
        headers.insert(header::CONTENT_LENGTH, bytes.into());
    }
    response
}

/// The rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Positions,
    Thermals,
    Weather,
    Receptions,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Positions, Self::Thermals, Self::Weather, Self::Receptions];

    fn parse(query: &Query) -> Result<Self, Problem> {
        let Some(name) = query.get("kind") else { return Ok(Self::Positions) };
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| Problem::invalid_parameter("kind", name, "positions, thermals, weather or receptions"))
    }

    fn as_str(self) -> &'static str {
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

    fn table(self, history: Arc<PublicHistory>, query: ExportQuery) -> Table {
        let store = history.store.clone();
        match self {
            // A device that is hidden now is left out, also where it was public when its position was recorded.
            Self::Positions => {
                Table::new(store.positions(query), move |row: &PositionRow| history.shows(row.device, row.event_at_ms))
            }
            Self::Weather => {
                Table::new(store.weather_in(query), move |row: &WeatherRow| history.shows(row.device, row.event_at_ms))
            }
            Self::Thermals => Table::new(store.thermals(query), |_: &ThermalRow| true),
            // Rows of old versions have no device, so that their privacy is unknown: they are left out.
            Self::Receptions => Table::new(store.receptions(query), move |row: &ReceptionRow| {
                row.device.is_some_and(|device| history.shows(device, row.ingested_at_ms))
            }),
        }
    }
}

fn format(query: &Query) -> Result<TableFormat, Problem> {
    let Some(name) = query.get("format") else { return Ok(TableFormat::Csv) };
    let format =
        TableFormat::of(name).ok_or_else(|| Problem::invalid_parameter("format", name, "csv, xlsx or parquet"))?;
    if !format.is_built() {
        return Err(Problem::not_implemented(format!("this program was built without {name}: use csv or xlsx")));
    }
    Ok(format)
}
