//! `GET /api/v1/zones`: the zones in a region as GeoJSON; `PUT` and `DELETE /api/v1/zones/{set}`: import and removal of a set.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use rustc_hash::FxHasher;
use schemas::v1;
use serde::Serialize;
use zones::limits::{ID_CHARS, IMPORT_BYTES, ZONES};
use zones::{Import, geojson, is_set_name, openair, text_of};

use super::command::not_done;
use super::endpoint::{BOUNDS, Endpoint, LAT, LON, Parameter, RADIUS};
use super::picture_request::VARY;
use super::problem::Problem;
use super::query::Query;
use crate::app::{App, Live};
use crate::audit::{Act, Requester};
use crate::commands::CommandError;
use crate::zone_policy::{Refused, Wanted};
use crate::zone_writer::ZoneWriteError;

pub(super) const SET_PATH: &str = "/api/v1/zones/{set}";
pub(super) const PUT_SUMMARY: &str = "Import zones from an OpenAir file (text/plain) or GeoJSON: they replace the set.";
pub(super) const DELETE_SUMMARY: &str = "Remove a set of zones.";
pub(super) const MEDIA_TYPE: &str = "application/geo+json";
pub(super) const OPENAIR_TYPE: &str = "text/plain";
/// Names in an answer.
const MAX_NAMES: usize = 100;

const SET: Parameter =
    Parameter { name: "set", kind: "string", about: "Only the zones of this set: a file that can be imported again." };

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/zones",
    summary: "The zones in a region, as a feature collection with name, class, floor and ceiling. They are no airspace \
              information for flying.",
    path_parameters: &[],
    parameters: &[&SET, &LAT, &LON, &RADIUS, &BOUNDS],
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
        let features: Vec<&str> = view.inside(parsed.get("set"), region.as_ref()).take(ZONES + 1).collect();
        let truncated = features.len() > ZONES;
        let features = features[..features.len().min(ZONES)].join(",");
        let body = format!("{{\"type\":\"FeatureCollection\",\"truncated\":{truncated},\"features\":[{features}]}}");
        ([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.headers_mut().insert(header::VARY, VARY);
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
    Extension(requester): Extension<Requester>,
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
    let (count, vertices) = (import.zones.len(), import.vertices());
    let zones = std::mem::take(&mut import.zones);
    let wanted = Wanted { caller: &requester.caller, set: &set, zones: count, vertices };
    let version = match replace(&app, &live, &requester, &wanted, zones).await {
        Ok(version) => version,
        Err(answer) => return Ok(answer),
    };
    tracing::info!(%set, version, zones = count, "a set of zones is imported");
    let names = &import.not_judged;
    let imported = Imported {
        set: &set,
        version: version.to_string(),
        zones: count,
        vertices,
        not_judged: names.len(),
        not_judged_names: &names[..names.len().min(MAX_NAMES)],
        ignored: import.ignored,
    };
    Ok(Json(imported).into_response())
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(set): Path<String>,
    RawQuery(query): RawQuery,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let live = ready(&app, &set, query.as_deref())?;
    if !live.zones.read().sets().versions().any(|(known, _)| known == set) {
        return Err(Problem::not_found("unknown_zone_set", format!("there is no set {set:?}")));
    }
    let wanted = Wanted { caller: &requester.caller, set: &set, zones: 0, vertices: 0 };
    let version = match replace(&app, &live, &requester, &wanted, Vec::new()).await {
        Ok(version) => version,
        Err(answer) => return Ok(answer),
    };
    tracing::info!(%set, version, "a set of zones is removed");
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

/// Replaces a set, after the audit record of that; without zones, removes it. The new version, or the answer where it is not
/// done.
async fn replace(
    app: &App,
    live: &Live,
    requester: &Requester,
    wanted: &Wanted<'_>,
    zones: Vec<v1::Zone>,
) -> Result<u64, Response> {
    let checked = wanted.check(&live.zones.read());
    if let Err(refused @ (Refused::Full { .. } | Refused::OwnFull { .. })) = checked {
        return Err(problem(refused).into_response());
    }
    let act = Act {
        action: if zones.is_empty() { "zone.remove" } else { "zone.import" },
        subject: format!("zone/{}", wanted.set),
        scope: checked.ok(),
        details: if zones.is_empty() { Vec::new() } else { vec![("zones", zones.len().to_string())] },
    };
    app.commands.permit(requester, &act).await.map_err(|error| match error {
        CommandError::Forbidden => problem(Refused::NotYours).into_response(),
        error => not_done(error),
    })?;
    match app.zone_writer.replace(&live.zones, wanted, zones, &app.context.clock).await {
        Ok(version) => Ok(version),
        Err(error) => {
            app.audit.fail(requester, &act).await;
            Err(not_written(error).into_response())
        }
    }
}

fn not_written(error: ZoneWriteError) -> Problem {
    if let ZoneWriteError::Refused(refused) = error {
        return problem(refused);
    }
    tracing::warn!(error = format!("{:#}", anyhow::anyhow!(error)), "cannot write a set of zones");
    Problem::unavailable("log_unavailable", "the zones were not written completely: send them again".to_owned())
}

fn problem(refused: Refused) -> Problem {
    match refused {
        Refused::NotYours => Problem::forbidden("not_your_zones", &refused.to_string()),
        Refused::Full { .. } | Refused::OwnFull { .. } => Problem::bad_request("too_many_zones", refused.to_string()),
    }
}
