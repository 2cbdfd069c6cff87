//! `GET /api/v1/zones`: the zones in a region as GeoJSON; `PUT` and `DELETE /api/v1/zones/{set}`: import and removal of a set.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use access::Caller;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use rustc_hash::FxHasher;
use schemas::v1;
use serde::Serialize;
use zones::limits::{ID_CHARS, IMPORT_BYTES, SETS, VERTICES, ZONES};
use zones::{Import, geojson, is_set_name, openair, text_of};

use super::endpoint::{BOUNDS, Endpoint, LAT, LON, RADIUS};
use super::problem::Problem;
use super::query::Query;
use crate::app::{App, Live};

pub(super) const SET_PATH: &str = "/api/v1/zones/{set}";
pub(super) const PUT_SUMMARY: &str = "Import zones from an OpenAir file (text/plain) or GeoJSON: they replace the set.";
pub(super) const DELETE_SUMMARY: &str = "Remove a set of zones.";
pub(super) const MEDIA_TYPE: &str = "application/geo+json";
pub(super) const OPENAIR_TYPE: &str = "text/plain";
/// Names in an answer.
const MOST_NAMES: usize = 100;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/zones",
    summary: "The zones in a region, as a feature collection with name, class, floor and ceiling. They are no airspace \
              information for flying.",
    path_parameters: &[],
    parameters: &[&LAT, &LON, &RADIUS, &BOUNDS],
    message: "ZoneCollection",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parsed = ENDPOINT.query(query.as_deref())?;
    let region = parsed.region()?;
    let live = app.ready()?;
    let view = live.zones.read();
    let mut hasher = FxHasher::default();
    (&live.epoch, env!("CARGO_PKG_VERSION"), query).hash(&mut hasher);
    view.sets().versions().for_each(|version| version.hash(&mut hasher));
    let etag = format!("W/\"{:016x}\"", hasher.finish());
    let tags = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*") {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let features: Vec<&str> = view.inside(region.as_ref()).take(ZONES + 1).collect();
        let truncated = features.len() > ZONES;
        let features = features[..features.len().min(ZONES)].join(",");
        let body = format!("{{\"type\":\"FeatureCollection\",\"truncated\":{truncated},\"features\":[{features}]}}");
        ([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (header::ETAG, etag)));
    Ok(response)
}

/// The answer to an import.
#[derive(Debug, Serialize)]
struct Imported<'a> {
    set: &'a str,
    version: String,
    zones: usize,
    vertices: usize,
    /// On the map only: a limit is above a ground whose altitude is not known.
    not_judged: usize,
    /// The first of them.
    not_judged_names: &'a [String],
    /// Lines or features that were passed over.
    ignored: usize,
}

pub(super) async fn put(
    State(app): State<App>,
    Path(set): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (live, parse) = (ready(&app, &set, query.as_deref())?, parser(&headers)?);
    let bytes = to_bytes(body, IMPORT_BYTES).await;
    let bytes = bytes.map_err(|_| {
        Problem::too_large(format!("the body is too large, or was interrupted: expected at most {IMPORT_BYTES} bytes"))
    })?;
    let parsed = tokio::task::spawn_blocking(move || parse(&text_of(&bytes))).await;
    let parsed = parsed.map_err(|_| Problem::bad_request("bad_zones", "the file cannot be read".to_owned()))?;
    let mut import = parsed.map_err(|error| Problem::bad_request("bad_zones", error.to_string()))?;
    if import.zones.is_empty() {
        let detail = "the file has no zone: to remove the set, use DELETE".to_owned();
        return Err(Problem::bad_request("no_zones", detail));
    }
    check_limits(&live, &set, &import)?;
    let (count, vertices) = (import.zones.len(), import.vertices());
    let zones = std::mem::take(&mut import.zones);
    let version = write(&app, &live, &set, zones, &caller).await?;
    tracing::info!(%set, version, zones = count, by = %caller.subject, "a set of zones is imported");
    let names = &import.not_judged;
    let imported = Imported {
        set: &set,
        version: version.to_string(),
        zones: count,
        vertices,
        not_judged: names.len(),
        not_judged_names: &names[..names.len().min(MOST_NAMES)],
        ignored: import.ignored,
    };
    Ok(Json(imported).into_response())
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(set): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    let live = ready(&app, &set, query.as_deref())?;
    if !live.zones.read().sets().versions().any(|(known, _)| known == set) {
        return Err(Problem::not_found("unknown_zone_set", format!("there is no set {set:?}")));
    }
    let version = write(&app, &live, &set, Vec::new(), &caller).await?;
    tracing::info!(%set, version, by = %caller.subject, "a set of zones is removed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The live picture, of which the zones are a part, where the request is sound.
fn ready(app: &App, set: &str, query: Option<&str>) -> Result<Arc<Live>, Problem> {
    Query::parse(query, &[])?;
    if !is_set_name(set) {
        let set: String = set.chars().take(64).collect();
        let expected = format!("up to {ID_CHARS} lower-case letters, digits and hyphens");
        return Err(Problem::bad_request(
            "bad_zone_set",
            format!("invalid name of a set {set:?}: expected {expected}"),
        ));
    }
    app.ready()
}

type Parser = fn(&str) -> Result<Import, zones::ImportError>;

fn parser(headers: &HeaderMap) -> Result<Parser, Problem> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text.split(';').next().unwrap_or_default().trim() {
        OPENAIR_TYPE | "text/x-openair" | "application/x-openair" => Ok(openair::parse),
        MEDIA_TYPE | "application/json" => Ok(geojson::parse),
        _ => {
            let expected = "expected Content-Type text/plain for OpenAir, or application/geo+json";
            Err(Problem::unsupported_media_type(expected))
        }
    }
}

/// All sets together are within the limits, since each core holds them all.
fn check_limits(live: &Live, set: &str, import: &Import) -> Result<(), Problem> {
    let (sets, zones, vertices) = live.zones.read().totals_without(set);
    let all = [
        ("sets", sets + 1, SETS),
        ("zones", zones + import.zones.len(), ZONES),
        ("points of outlines", vertices + import.vertices(), VERTICES),
    ];
    match all.into_iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => {
            let detail = format!("with this set there were {count} {what}: expected at most {most}; remove other sets");
            Err(Problem::bad_request("too_many_zones", detail))
        }
        None => Ok(()),
    }
}

async fn write(app: &App, live: &Live, set: &str, zones: Vec<v1::Zone>, caller: &Caller) -> Result<u64, Problem> {
    let written = app.zone_writer.replace(&live.zones, set, zones, &caller.subject, &app.context.clock).await;
    written.map_err(|error| {
        tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "cannot write a set of zones");
        Problem::unavailable("log_unavailable", "the zones were not written completely: send them again".to_owned())
    })
}
