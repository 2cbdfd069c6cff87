//! `GET /api/v1/track/{address}`: the recorded track of a device, streamed.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use history::track::{Format, Level, MAX_POINTS, Shaper, Subject, TrackPoint, TrackWriter};
use history::{HistoryError, PositionRow, Rows, TrackQuery, Visibility};

use super::devices::ADDRESS;
use super::endpoint::{Endpoint, Parameter};
use super::picture_request::VARY;
use super::problem::Problem;
use super::public_history::{
    DAY_MS, FROM, HOURS, PublicHistory, TO, bad_parameter, history_failed, ms_to_us, parse_device, unknown_device,
};
use super::query::Query;
use super::spreadsheet::{self, DECIMAL, EXCEL};
use super::streamed::{Piece, streamed};
use crate::app::App;
use crate::time::rfc3339;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/track/{address}",
    summary: "The recorded track of a device, split into segments at pauses of more than 3 minutes; as JSON, GeoJSON, GPX \
              1.1, KML, IGC or CSV, by `format` or the Accept header. Altitudes are above mean sea level, as the device sends \
              them. Hidden devices are not found.",
    path_parameters: &[&ADDRESS],
    parameters: &[
        &FROM,
        &TO,
        &HOURS,
        &Parameter {
            name: "max_points",
            kind: "integer",
            about: "Maximum number of positions, 2 to 10,000: those that preserve position, altitude and time best. The \
                    default is all.",
        },
        &Parameter {
            name: "level",
            kind: "string",
            about: "raw: as recorded; plausible (the default): without implausible positions; smoothed: also without \
                    noise.",
        },
        &Parameter { name: "format", kind: "string", about: "json, geojson, gpx, kml, igc or csv." },
        &EXCEL,
        &DECIMAL,
    ],
    message: "Track",
};

/// The media types of the track besides JSON.
pub(super) fn media_types() -> impl Iterator<Item = &'static str> {
    Format::ALL.into_iter().filter(|format| *format != Format::Json).map(Format::media_type)
}

/// The decimal mark of a spreadsheet depends on the language.
const VARY_CSV: HeaderValue = HeaderValue::from_static("accept, accept-encoding, accept-language");

/// Rows of one request: more than 31 days have at one position per second.
const MAX_ROWS: u64 = 5_000_000;

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let csv = spreadsheet::form(&query, &headers)?;
    let (format, level) = (format(&query, &headers, csv.is_some())?, level(&query)?);
    let max_points = query.number("max_points", 2..=MAX_POINTS)?;
    let history = PublicHistory::open(&app)?;
    // A hidden device answers as an unknown one does: what is wrong with the query comes first.
    parse_device(&address)?;
    let period = history.period(&query)?;
    if format == Format::Igc && period.to_ms - period.from_ms > DAY_MS {
        let detail = "the period is too long for IGC, which has one flight: at most 24 hours".to_owned();
        return Err(Problem::bad_request("period_too_long", detail));
    }
    let visible = history.visible(&address)?;
    let device = visible.device;
    let mut rows = history.store.track(TrackQuery {
        device,
        period: visible.within(period),
        visibility: Visibility::Public,
        plausible_only: level != Level::Raw,
        limit: MAX_ROWS,
    });
    let first = rows.next().await.transpose().map_err(|error| history_failed(&error))?.unwrap_or_default();
    if first.is_empty() && !history.was_recorded(visible).await? {
        return Err(unknown_device(device));
    }
    let name = history.name_at(device, period.to_ms).await?;
    let (from_us, to_us) = (ms_to_us(period.from_ms), ms_to_us(period.to_ms));
    let subject = Subject { device, name, from_us, to_us, level };
    let file_name = format!("{}-{}.{}", subject.address(), &rfc3339(from_us)[..10], format.word());
    let track = TrackBody {
        history,
        rows,
        block: Some(first),
        shaper: Shaper::new(level, max_points),
        writer: format.writer(subject, csv.unwrap_or_default()),
        has_begun: false,
        points: Vec::new(),
    };
    Ok(track_response(format, &file_name, streamed(track, TrackBody::next)))
}

fn track_response(format: Format, file_name: &str, body: Body) -> Response {
    let charset = if format == Format::Csv { "; charset=utf-8" } else { "" };
    let media_type = format!("{}{charset}", format.media_type());
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, if format == Format::Csv { VARY_CSV } else { VARY });
    if !matches!(format, Format::Json | Format::GeoJson) {
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\""));
        headers.insert(header::CONTENT_DISPOSITION, disposition.expect("an address and a date"));
    }
    response
}

/// The body of a track. Each time the client reads, one block of rows is read, shaped and written.
struct TrackBody {
    /// Asked for every row: the client may read for minutes, and the device be hidden meanwhile.
    history: PublicHistory,
    rows: Rows<PositionRow>,
    /// A block of rows that is not written yet.
    block: Option<Vec<PositionRow>>,
    shaper: Shaper,
    writer: Box<dyn TrackWriter>,
    has_begun: bool,
    points: Vec<TrackPoint>,
}

impl TrackBody {
    /// The next bytes.
    async fn next(mut self) -> Option<Piece<Self, HistoryError>> {
        let mut out = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            self.writer.begin(&mut out);
        }
        loop {
            let block = match self.block.take() {
                Some(block) => Some(Ok(block)),
                None => self.rows.next().await,
            };
            match block {
                None => {
                    let summary = self.shaper.finish(&mut self.points);
                    self.write(&mut out);
                    self.writer.end(&summary, &mut out);
                    return Some((Ok(out.into()), None));
                }
                Some(Err(error)) => {
                    tracing::warn!(reason = error.reason(), %error, "a track failed");
                    return Some((Err(error), None));
                }
                Some(Ok(rows)) => {
                    let shown = rows.iter().filter(|row| self.history.shows(row.device, row.event_at_ms));
                    shown.for_each(|row| self.shaper.push(row.into(), &mut self.points));
                    self.write(&mut out);
                }
            }
            if !out.is_empty() {
                return Some((Ok(out.into()), Some(self)));
            }
        }
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        for point in self.points.drain(..) {
            self.writer.point(&point, out);
        }
    }
}

fn level(query: &Query) -> Result<Level, Problem> {
    let Some(name) = query.get("level") else { return Ok(Level::default()) };
    Level::of(name).ok_or_else(|| Problem::invalid_parameter("level", name, "raw, plausible or smoothed"))
}

/// The format by `format`, otherwise by the Accept header, otherwise JSON. `excel=true` means CSV.
fn format(query: &Query, headers: &HeaderMap, is_excel: bool) -> Result<Format, Problem> {
    if is_excel && query.get("format").is_none_or(|name| name == Format::Csv.word()) {
        return Ok(Format::Csv);
    }
    if is_excel {
        return Err(bad_parameter("excel=true needs format=csv".to_owned()));
    }
    if let Some(name) = query.get("format") {
        let expected = "json, geojson, gpx, kml, igc or csv";
        return Format::of(name).ok_or_else(|| Problem::invalid_parameter("format", name, expected));
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(accepted(accept))
}

/// The format of the known media type with the highest quality; the first one of equals; JSON where none is known.
fn accepted(accept: &str) -> Format {
    let mut best = (Format::Json, 0.0);
    for item in accept.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f64);
        let known = Format::ALL.into_iter().find(|format| format.media_type().eq_ignore_ascii_case(media_type));
        if let Some(format) = known.filter(|_| quality > best.1) {
            best = (format, quality);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses_the_format() {
        for (accept, expected) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/html,application/xhtml+xml", Format::Json),
            ("application/gpx+xml", Format::Gpx),
            ("application/geo+json;q=0.5, text/csv;q=0.9", Format::Csv),
            ("TEXT/CSV;charset=utf-8", Format::Csv),
            ("application/vnd.fai.igc, application/gpx+xml", Format::Igc),
            ("text/csv;q=0", Format::Json),
        ] {
            assert_eq!(accepted(accept), expected, "{accept}");
        }
    }
}
