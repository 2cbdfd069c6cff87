//! `GET /api/v1/track/{address}`: the recorded track of a device, streamed.

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use history::track::{Format, Level, MAX_POINTS, Shaper, Subject, TrackPoint, TrackWriter};
use history::{HistoryError, PositionRow, Rows, TrackQuery, Visibility};

use super::devices::ADDRESS;
use super::endpoint::{Endpoint, Parameter};
use super::past::{DAY_MS, FROM, HOURS, Past, TO, bad, failed, unknown, us};
use super::problem::Problem;
use super::query::Query;
use super::time::rfc3339;
use crate::app::App;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/track/{address}",
    summary: "The recorded track of a device, cut into segments where nothing was heard for more than 3 minutes; as JSON, \
              GeoJSON, GPX 1.1, KML, IGC or CSV, by `format` or the Accept header. Hidden devices have none.",
    path_parameters: &[&ADDRESS],
    parameters: &[
        &FROM,
        &TO,
        &HOURS,
        &Parameter {
            name: "max_points",
            kind: "integer",
            about: "At most so many positions, 2 to 10,000: those that keep place, altitude and time of the flight best. \
                    Without it: all.",
        },
        &Parameter {
            name: "level",
            kind: "string",
            about: "raw: as recorded; plausible (without this parameter): without what cannot be; smoothed: also without the \
                    noise.",
        },
        &Parameter { name: "format", kind: "string", about: "json, geojson, gpx, kml, igc or csv." },
    ],
    message: "Track",
};

/// What the track can be besides JSON.
pub(super) fn media_types() -> impl Iterator<Item = &'static str> {
    Format::ALL.into_iter().filter(|format| *format != Format::Json).map(Format::media_type)
}

/// Rows of one question; far above what 31 days at one position a second have.
const MAX_ROWS: u64 = 5_000_000;

pub(super) async fn get(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let (format, level) = (format(&query, &headers)?, level(&query)?);
    let max_points = query.number("max_points", 2..=MAX_POINTS)?;
    let past = Past::of(&app)?;
    let device = past.visible(&address)?;
    let period = past.period(&query)?;
    if format == Format::Igc && period.to_ms - period.from_ms > DAY_MS {
        return Err(Problem::bad_request("period_too_long", "an IGC file is one flight: at most 24 hours".to_owned()));
    }
    let mut rows = past.store.track(TrackQuery {
        device,
        period,
        visibility: Visibility::Public,
        plausible_only: level != Level::Raw,
        limit: MAX_ROWS,
    });
    let first = rows.next().await.transpose().map_err(|error| failed(&error))?.unwrap_or_default();
    if first.is_empty() && !past.was_recorded(device).await? {
        return Err(unknown(device));
    }
    let name = past.name_at(device, period.to_ms).await?;
    let subject = Subject { device, name, from_us: us(period.from_ms), to_us: us(period.to_ms), level };
    let file_name = format!("{}-{}.{}", subject.address(), &rfc3339(subject.from_us)[..10], format.word());
    let written = Written {
        rows,
        block: Some(first),
        shaper: Shaper::new(level, max_points),
        writer: format.writer(subject),
        begun: false,
        points: Vec::new(),
    };
    let body = Body::from_stream(stream::unfold(Some(written), Written::next));
    Ok(answer(format, &file_name, body))
}

fn answer(format: Format, file_name: &str, body: Body) -> Response {
    let charset = if format == Format::Csv { "; charset=utf-8" } else { "" };
    let kind = format!("{}{charset}", format.media_type());
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if !matches!(format, Format::Json | Format::GeoJson) {
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\""));
        headers.insert(header::CONTENT_DISPOSITION, disposition.expect("an address and a date"));
    }
    response
}

/// A track on its way out: one block of rows is read, shaped and written whenever the client can take more.
struct Written {
    rows: Rows<PositionRow>,
    /// Read, but not written yet.
    block: Option<Vec<PositionRow>>,
    shaper: Shaper,
    writer: Box<dyn TrackWriter>,
    begun: bool,
    points: Vec<TrackPoint>,
}

impl Written {
    /// The next bytes; an error ends the connection, so that no client takes half a track for a whole one.
    async fn next(this: Option<Self>) -> Option<(Result<Bytes, HistoryError>, Option<Self>)> {
        let mut this = this?;
        let mut out = Vec::new();
        if !std::mem::replace(&mut this.begun, true) {
            this.writer.begin(&mut out);
        }
        loop {
            let block = match this.block.take() {
                Some(block) => Some(Ok(block)),
                None => this.rows.next().await,
            };
            match block {
                None => {
                    let summary = this.shaper.finish(&mut this.points);
                    this.write(&mut out);
                    this.writer.end(&summary, &mut out);
                    return Some((Ok(out.into()), None));
                }
                Some(Err(error)) => {
                    tracing::warn!(reason = error.reason(), %error, "a track ends early");
                    return Some((Err(error), None));
                }
                Some(Ok(rows)) => {
                    rows.iter().for_each(|row| this.shaper.push(row.into(), &mut this.points));
                    this.write(&mut out);
                }
            }
            if !out.is_empty() {
                return Some((Ok(out.into()), Some(this)));
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
    let Some(word) = query.get("level") else { return Ok(Level::default()) };
    Level::of(word).ok_or_else(|| bad("level is of: raw, plausible, smoothed".to_owned()))
}

/// By `format`, else by the Accept header, else JSON.
fn format(query: &Query, headers: &HeaderMap) -> Result<Format, Problem> {
    if let Some(word) = query.get("format") {
        return Format::of(word).ok_or_else(|| bad("format is of: json, geojson, gpx, kml, igc, csv".to_owned()));
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(accepted(accept))
}

/// The known media type with the highest quality, the first of equals; JSON where none is known.
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
    fn the_accept_header_chooses_the_form() {
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
