//! `GET /api/v1/export`: tables of the past for analysts, bounded and streamed.
//!
//! How far a download is: `x-rows` tells the rows that it will have (HEAD asks for that alone), CSV has a line for each. XLSX
//! is made first, since it cannot be streamed, and then has a Content-Length, from which browsers and curl show progress.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use history::export::{Cells, Column, ExportError, Exported, MAX_XLSX_ROWS, TableFormat, TableWriter, XlsxTable};
use history::{ExportKind, ExportQuery, HistoryError, PositionRow, ReceptionRow, Rows, ThermalRow, WeatherRow};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::endpoint::{BOUNDS, Endpoint, Parameter};
use super::flights::bounds;
use super::past::{FROM, HOURS, Past, TO, bad, failed, us};
use super::problem::Problem;
use super::query::Query;
use super::time::rfc3339;
use crate::app::App;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/export",
    summary: "A table of what was recorded in a region and a time, as CSV, XLSX or Parquet. The header `x-rows` tells how \
              many rows it has; HEAD asks for that alone. More rows than the limit are a problem document that tells both.",
    path_parameters: &[],
    parameters: &[
        &Parameter { name: "kind", kind: "string", about: "positions (without it), thermals, weather or receptions." },
        &Parameter { name: "format", kind: "string", about: "csv (without it), xlsx or parquet." },
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

/// Exports at the same time; more are told to come back.
const AT_ONCE: usize = 4;
/// How far beyond the limit rows are counted, so that the problem can tell how many there are.
const COUNTED: u64 = 100;
const ROWS: HeaderName = HeaderName::from_static("x-rows");
/// Of a finished file, per piece.
const PIECE_BYTES: u64 = 64 << 10;

/// Bounds how many exports run.
#[derive(Debug, Clone)]
pub(crate) struct Exports(Arc<Semaphore>);

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

pub(super) async fn get(
    State(app): State<App>,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let (kind, format) = (Kind::of(&query)?, format(&query)?);
    let past = Past::of(&app)?;
    let period = past.period(&query)?;
    let bounds = bounds(&query)?.unwrap_or(geo::Bounds::WORLD);
    let limit = match format {
        TableFormat::Xlsx => app.options.export_max_rows.min(MAX_XLSX_ROWS),
        TableFormat::Csv | TableFormat::Parquet => app.options.export_max_rows,
    };
    let permit = app.exports.0.clone().try_acquire_owned();
    let busy = || Problem::busy("exports_busy", format!("{AT_ONCE} exports are under way; come back soon"));
    let permit = permit.map_err(|_| busy())?;
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
        Method::HEAD => (Body::empty(), None),
        _ => {
            let table = kind.table(Arc::new(past), ExportQuery { limit: rows, ..counted });
            body(table, format, kind.word(), permit).await?
        }
    };
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
            Self::Positions => Table::of(store.positions(query), move |row: &PositionRow| !past.is_hidden(row.device)),
            Self::Weather => Table::of(store.weather_in(query), move |row: &WeatherRow| !past.is_hidden(row.device)),
            Self::Thermals => Table::of(store.thermals(query), |_: &ThermalRow| true),
            Self::Receptions => Table::of(store.receptions(query), |_: &ReceptionRow| true),
        }
    }
}

fn format(query: &Query) -> Result<TableFormat, Problem> {
    let Some(word) = query.get("format") else { return Ok(TableFormat::Csv) };
    TableFormat::of(word).ok_or_else(|| bad("format is of: csv, xlsx, parquet".to_owned()))
}

/// Columns, and the rows in blocks of cells.
struct Table {
    columns: &'static [Column],
    blocks: BoxStream<'static, Result<Cells, HistoryError>>,
}

impl Table {
    fn of<R: Exported + Send + 'static>(rows: Rows<R>, keep: impl Fn(&R) -> bool + Send + 'static) -> Self {
        let cells = move |rows: Vec<R>| {
            let mut cells = Cells::with_capacity(rows.len() * R::COLUMNS.len());
            rows.iter().filter(|row| keep(row)).for_each(|row| row.cells(&mut cells));
            cells
        };
        Self { columns: R::COLUMNS, blocks: rows.map_ok(cells).boxed() }
    }
}

/// The body, and its size where it is known before it is sent.
async fn body(
    table: Table,
    format: TableFormat,
    name: &str,
    permit: OwnedSemaphorePermit,
) -> Result<(Body, Option<u64>), Problem> {
    match format.writer(table.columns).map_err(|error| not_written(&error))? {
        Some(writer) => {
            let sent = Sent { blocks: table.blocks, writer, stage: Stage::Begin, _permit: permit };
            Ok((Body::from_stream(stream::unfold(Some(sent), Sent::next)), None))
        }
        None => {
            let (file, bytes) = spreadsheet(table, name).await?;
            let pieces = stream::unfold(Some((file, permit)), next_piece);
            Ok((Body::from_stream(pieces), Some(bytes)))
        }
    }
}

/// A table on its way out, block by block; the work is done beside the async threads.
struct Sent {
    blocks: BoxStream<'static, Result<Cells, HistoryError>>,
    writer: Box<dyn TableWriter>,
    stage: Stage,
    _permit: OwnedSemaphorePermit,
}

enum Stage {
    Begin,
    Rows,
}

/// Why an export ended early. The connection ends with it, so that nobody takes half a table for a whole one.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Read(#[from] HistoryError),
    #[error(transparent)]
    Write(#[from] ExportError),
    #[error("the export was stopped")]
    Stopped,
}

impl Sent {
    async fn next(this: Option<Self>) -> Option<(Result<Bytes, Broken>, Option<Self>)> {
        match this?.step().await {
            Ok((bytes, this)) => Some((Ok(bytes), this)),
            Err(error) => {
                tracing::warn!(%error, "an export ends early");
                Some((Err(error), None))
            }
        }
    }

    async fn step(mut self) -> Result<(Bytes, Option<Self>), Broken> {
        let begin = matches!(std::mem::replace(&mut self.stage, Stage::Rows), Stage::Begin);
        let mut begun = begin;
        loop {
            let block = self.blocks.next().await.transpose()?;
            let done = block.is_none();
            let mut writer = self.writer;
            let work = move || {
                let mut out = Vec::new();
                if begun {
                    writer.begin(&mut out)?;
                }
                match block {
                    Some(cells) => writer.rows(&cells, &mut out)?,
                    None => writer.end(&mut out)?,
                }
                Ok::<_, ExportError>((writer, out))
            };
            let (writer, out) = tokio::task::spawn_blocking(work).await.map_err(|_| Broken::Stopped)??;
            self.writer = writer;
            begun = false;
            if done || !out.is_empty() {
                return Ok((out.into(), (!done).then_some(self)));
            }
        }
    }
}

/// The whole file, in the folder for temporary files.
async fn spreadsheet(mut table: Table, name: &str) -> Result<(File, u64), Problem> {
    let mut sheet = XlsxTable::new(table.columns, name).map_err(|error| not_written(&error))?;
    while let Some(cells) = table.blocks.next().await.transpose().map_err(|error| failed(&error))? {
        let written = tokio::task::spawn_blocking(move || sheet.rows(&cells).map(|()| sheet)).await;
        sheet = written.map_err(|_| stopped())?.map_err(|error| not_written(&error))?;
    }
    let finished = tokio::task::spawn_blocking(move || sheet.finish()).await;
    finished.map_err(|_| stopped())?.map_err(|error| not_written(&error))
}

/// The next piece of a file that is there. It is in the system's cache: reading it does not block for long.
async fn next_piece(
    this: Option<(File, OwnedSemaphorePermit)>,
) -> Option<(std::io::Result<Bytes>, Option<(File, OwnedSemaphorePermit)>)> {
    let (mut file, permit) = this?;
    let mut piece = Vec::with_capacity(PIECE_BYTES as usize);
    match (&mut file).take(PIECE_BYTES).read_to_end(&mut piece) {
        Ok(0) => None,
        Ok(_) => Some((Ok(piece.into()), Some((file, permit)))),
        Err(error) => Some((Err(error), None)),
    }
}

fn not_written(error: &ExportError) -> Problem {
    tracing::warn!(%error, "an export cannot be written");
    Problem::busy("export_failed", "the file cannot be written now".to_owned())
}

fn stopped() -> Problem {
    Problem::busy("stopping", "this server is stopping".to_owned())
}
